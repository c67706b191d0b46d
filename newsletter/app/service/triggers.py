"""When APScheduler is to start something. No trigger reads a file or a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger

from newsletter.config import Schedule
from newsletter.schedule import MovedSends, moments


@dataclass(frozen=True)
class Timetable(BaseTrigger):  # type: ignore[misc] # the package has no types
    """The moments of a timetable. One run makes up for all that were missed."""

    schedule: Schedule
    zone: ZoneInfo
    moved: MovedSends

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The first moment after ``now``."""
        return next(moments(self.schedule, self.zone, now, self.moved)).utc


@dataclass(frozen=True)
class Every(BaseTrigger):  # type: ignore[misc]
    """Now, and again after each interval.

    APScheduler's own interval counts every run that a clock that is set ahead passes over: on a
    machine that starts in 1970, millions.
    """

    interval: timedelta

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The interval after ``now``; the first time, ``now``."""
        return now if previous is None else now + self.interval
