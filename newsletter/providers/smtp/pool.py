"""A few open connections, kept between batches and replaced when worn out or dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from newsletter.providers.smtp.client import Server
from newsletter.providers.smtp.connection import Connection
from newsletter.providers.smtp.verdict import Refused


class Pool:
    """At most ``size`` connections; each is used by one thread at a time."""

    def __init__(
        self, server: Server, password: str | None, size: int, max_mails: int | None
    ) -> None:
        self._server = server
        self._password = password
        self._max_mails = max_mails  # on one connection
        self._seats = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    @contextmanager
    def line(self, deadline: float) -> Iterator[Callable[[], Connection]]:
        """A function that returns a usable connection, for one batch.

        Both it and the context raise Refused if there is none before the deadline.
        """
        held: Connection | None = None

        def ready() -> Connection:
            nonlocal held
            if held and self._worn(held):
                held.close()
                held = None
            held = held or self._kept(deadline) or self._opened(deadline)
            return held

        if not self._seats.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Refused(f"Every connection to {self._server} is in use.", pause=False)
        try:
            yield ready
        finally:
            self._keep(held)
            self._seats.release()

    def close(self) -> None:
        """Close idle connections; a later batch opens new ones."""
        while connection := self._popped():
            connection.close()

    def _opened(self, deadline: float) -> Connection:
        return Connection(self._server, self._password, deadline)

    def _kept(self, deadline: float) -> Connection | None:
        """An idle connection that still answers; dead ones are closed."""
        while kept := self._popped():
            if kept.healthy(deadline):
                return kept
            kept.spent = True
            kept.close()
        return None

    def _popped(self) -> Connection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: Connection | None) -> None:
        if connection is None:
            return
        if self._worn(connection):
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)

    def _worn(self, connection: Connection) -> bool:
        return connection.spent or bool(self._max_mails and connection.used >= self._max_mails)
