"""A few open connections, kept between batches and replaced when worn out or dead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from newsletter.providers.smtp.client import Server
from newsletter.providers.smtp.connection import Connection
from newsletter.providers.smtp.mail_result import NoConnection


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
    def reserve(self, deadline: float) -> Iterator[Callable[[], Connection]]:
        """A function that returns a usable connection, for one batch.

        Both it and the context raise NoConnection if there is none before the deadline.
        """
        connection: Connection | None = None

        def ready() -> Connection:
            nonlocal connection
            if connection and self._worn(connection):
                connection.close()
                connection = None
            connection = connection or self._reuse(deadline) or self._open(deadline)
            return connection

        if not self._seats.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise NoConnection(f"Every connection to {self._server} is in use.", pause=False)
        try:
            yield ready
        finally:
            self._keep(connection)
            self._seats.release()

    def close(self) -> None:
        """Close idle connections; a later batch opens new ones."""
        while connection := self._popped():
            connection.close()

    def _open(self, deadline: float) -> Connection:
        return Connection(self._server, self._password, deadline)

    def _reuse(self, deadline: float) -> Connection | None:
        """An idle connection that still answers; dead ones are closed."""
        while connection := self._popped():
            if connection.healthy(deadline):
                return connection
            connection.spent = True
            connection.close()
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
