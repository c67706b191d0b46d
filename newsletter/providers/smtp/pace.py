"""How fast: so many mails a second, over all connections together."""

from __future__ import annotations

import threading
import time


class Pace:
    """Gives turns that are evenly apart; without a rate, at once."""

    def __init__(self, per_second: float | None) -> None:
        self._apart = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, until: float, stop: threading.Event) -> float:
        """Wait for a turn, and give 0; where it comes after ``until``, or ``stop`` is set before,
        the seconds it is away.
        """
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            if turn > until:
                return turn - now
            self._next = turn + self._apart
        if turn > now and stop.wait(turn - now):
            return max(0.001, turn - time.monotonic())
        return 0.0
