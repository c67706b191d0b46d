"""The rate limit: most mails a second, over all connections together."""

from __future__ import annotations

import threading
import time


class Pace:
    """Hands out evenly spaced turns; without a rate, at once."""

    def __init__(self, per_second: float | None) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, until: float, stop: threading.Event) -> float:
        """Wait for a turn and return 0.

        If the turn comes after ``until``, or ``stop`` is set first, return the seconds to the turn.
        """
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            if turn > until:
                return turn - now
            self._next = turn + self._interval
        if turn > now and stop.wait(turn - now):
            return max(0.001, turn - time.monotonic())
        return 0.0
