"""How many requests may be under way at once, in all and to one host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AT_ONCE = 64
A_HOST = 4


class Places:
    """Places for requests, in all and at each ``host:port``; who finds none waits for one."""

    def __init__(self) -> None:
        self._all = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._hosts: dict[str, threading.BoundedSemaphore] = {}

    @contextmanager
    def waiting(self) -> Iterator[Place]:
        """Somebody who holds no place yet, and none any more when the block ends."""
        place = Place(self._all, self._at)
        try:
            yield place
        finally:
            place.leave()

    def _at(self, host: str) -> threading.BoundedSemaphore:
        with self._lock:
            return self._hosts.setdefault(host, threading.BoundedSemaphore(A_HOST))


class Place:
    """The one place that a request holds: first at a host, then among all."""

    def __init__(
        self,
        all_: threading.BoundedSemaphore,
        at: Callable[[str], threading.BoundedSemaphore],
    ) -> None:
        self._all = all_
        self._at = at
        self._held: list[threading.BoundedSemaphore] = []

    def take(self, host: str, seconds: float | None) -> bool:
        """Leave the place held and take one at ``host``; False where none is free in time."""
        self.leave()
        # The host's first: who waits for one busy host keeps nobody from the others.
        for semaphore in (self._at(host), self._all):
            if not semaphore.acquire(timeout=seconds):
                return False
            self._held.append(semaphore)
        return True

    def leave(self) -> None:
        """Give back what is held."""
        while self._held:
            self._held.pop().release()
