"""The timetable. Pure but for ``loop``: what comes when, and what is due.

A moment is a wall-clock time in the newsletter's zone on one local date, so each date has it
exactly once over every change of the clock: a time that occurs twice counts at its first, a
time that does not exist an hour later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from newsletter.config import Schedule
from newsletter.values import Times

GATHER, SEND = "gather", "send"
KINDS = (GATHER, SEND)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Moment:
    """A moment of the timetable: what is to be done for which issue."""

    kind: str
    issue: str
    local: datetime
    utc: datetime

    @property
    def day(self) -> str:
        """The local date, which names the occurrence."""
        return self.local.date().isoformat()


def next_issue(schedule: Schedule, zone: ZoneInfo, after: datetime) -> date:
    """The send date of the next issue due after that moment."""
    return next(_at(schedule.send, zone, after)).date()


def moments(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[Moment]:
    """Every moment after that one, in order, without end."""
    streams = {GATHER: _at(schedule.gather, zone, after), SEND: _at(schedule.send, zone, after)}
    heads = {kind: next(stream) for kind, stream in streams.items()}
    while True:
        kind = min(KINDS, key=lambda k: (heads[k].astimezone(UTC), KINDS.index(k)))
        local = heads[kind]
        heads[kind] = next(streams[kind])
        issue = local.date() if kind == SEND else next_issue(schedule, zone, local)
        yield Moment(kind, issue.isoformat(), local, local.astimezone(UTC))


def due(schedule: Schedule, zone: ZoneInfo, after: datetime, now: datetime) -> list[Moment]:
    """The moments in (after, now], the oldest first."""
    found: list[Moment] = []
    for moment in moments(schedule, zone, after):
        if moment.utc > now:
            return found
        found.append(moment)
    return found


def _at(times: Times, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """The moments of these times after that one, in local time."""
    day = after.astimezone(zone).date() - timedelta(days=1)
    while True:
        if day.weekday() in times.days:
            wall = datetime.combine(day, times.at, tzinfo=zone)
            real = wall.astimezone(UTC).astimezone(zone)  # moves a time that does not exist
            if real > after:
                yield real
        day += timedelta(days=1)


def loop(tick: Callable[[], None], on_stop: Callable[[], None], seconds: int = 60) -> None:
    """Call ``tick`` now and then every minute, until the process is told to stop.

    ``on_stop`` is called then; a tick may still be under way at the end.
    """
    import signal

    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.blocking import BlockingScheduler

    scheduler = BlockingScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone=UTC)
    scheduler.add_job(
        tick,
        "interval",
        seconds=seconds,
        next_run_time=datetime.now(UTC),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends at once
        on_stop()
        scheduler.shutdown(wait=False)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    scheduler.start()
