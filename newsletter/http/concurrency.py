"""How many requests may run at once, in all and to one host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MAX_REQUESTS = 64
MAX_PER_HOST = 4


class ConcurrencyLimit:
    """Limits the requests that run at once, in all and to each ``host:port``."""

    def __init__(self) -> None:
        self._total = threading.BoundedSemaphore(MAX_REQUESTS)
        self._lock = threading.Lock()
        self._hosts: dict[str, threading.BoundedSemaphore] = {}

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """A slot that is not acquired yet, and is released when the block ends."""
        slot = Slot(self._total, self._host)
        try:
            yield slot
        finally:
            slot.release()

    def _host(self, host: str) -> threading.BoundedSemaphore:
        with self._lock:
            return self._hosts.setdefault(host, threading.BoundedSemaphore(MAX_PER_HOST))


class Slot:
    """One request's share of the limits."""

    def __init__(
        self,
        total: threading.BoundedSemaphore,
        semaphore_of: Callable[[str], threading.BoundedSemaphore],
    ) -> None:
        self._total = total
        self._semaphore_of = semaphore_of
        self._acquired: list[threading.BoundedSemaphore] = []

    def acquire(self, host: str, timeout: float | None) -> bool:
        """Move this slot to ``host``; False when none is free within ``timeout`` seconds."""
        self.release()
        # The host's first, so that requests waiting for a busy host block no others.
        for semaphore in (self._semaphore_of(host), self._total):
            if not semaphore.acquire(timeout=timeout):
                return False
            self._acquired.append(semaphore)
        return True

    def release(self) -> None:
        """Free the slot; does nothing if it is free."""
        while self._acquired:
            self._acquired.pop().release()
