"""When each newsletter is looked at: APScheduler, within the loop of whoever asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.interval import IntervalTrigger

_START = datetime(2000, 1, 1, tzinfo=UTC)  # of all intervals: minutes begin with the minute


class Rhythm:
    """Calls each of ``works`` at once, and then every so many seconds.

    All is done in ``due``, by its caller's thread. A call that was missed is made up for once.
    """

    def __init__(self, works: Iterable[Callable[[], None]], every: float) -> None:
        self._every = every
        self._scheduler = _Scheduler(executors={"default": DebugExecutor()}, timezone=UTC)
        at = IntervalTrigger(seconds=every, start_date=_START, timezone=UTC)
        late = {"coalesce": True, "misfire_grace_time": None}
        self._jobs = [self._scheduler.add_job(work, at, **late) for work in works]
        self._scheduler.start()
        self._at_once()

    def due(self) -> float:
        """Do what is due; seconds until there is more."""
        wait = self._scheduler.due()
        if wait <= self._every:
            return wait
        for job in self._jobs:  # the clock was set back; nobody waits until it is there again
            job.reschedule(job.trigger)
        self._at_once()
        return self._scheduler.due()

    def _at_once(self) -> None:
        for job in self._jobs:
            self._scheduler.add_job(job.func, misfire_grace_time=None)


class _Scheduler(BaseScheduler):  # type: ignore[misc] # the package has no types
    """As APScheduler's own ones are made for other loops, for one that asks by itself."""

    def wakeup(self) -> None:
        """Nobody sleeps here."""

    def shutdown(self, wait: bool = True) -> None:
        """End it."""
        super().shutdown(wait)

    def due(self) -> float:
        """Run what is due; seconds until there is more."""
        wait = self._process_jobs()
        return 0.0 if wait is None else float(wait)
