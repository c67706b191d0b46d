"""The timetable as pure functions: which moments come when, and which are due.

A moment is a wall-clock time in the newsletter's zone, so each occurs exactly once whenever the
clocks change. A time that occurs twice counts the first time. A time that does not exist is later
by as much as the clock was put forward. Only the wall clock decides which issue a moment belongs
to, so no change of the clock moves it to another issue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush, merge
from itertools import takewhile
from zoneinfo import ZoneInfo

from newsletter.config import Schedule
from newsletter.model import IssueName

GATHER, REMIND, DEADLINE, SEND = "gather", "remind", "deadline", "send"
KINDS = (GATHER, REMIND, DEADLINE, SEND)
_DAY = timedelta(days=1)

MovedSends = Mapping[IssueName, datetime]  # issue → when it is sent instead


@dataclass(frozen=True)
class Moment:
    """A moment of the timetable: a kind of work for an issue, at a time."""

    kind: str  # one of KINDS
    issue: IssueName
    day: str
    """Names it among those of its kind: the date, and for a later one on that date the time."""
    local: datetime  # in the newsletter's zone
    utc: datetime
    moved: bool = False  # a person has moved this send

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Its sort key: by time; at the same time, in the order of the work."""
        return self.utc, KINDS.index(self.kind), self.day


def next_issue(
    schedule: Schedule, zone: ZoneInfo, after: datetime, moved: MovedSends | None = None
) -> IssueName:
    """The issue of the first send after ``after``."""
    upcoming = moments(schedule, zone, after, moved)
    return next(moment.issue for moment in upcoming if moment.kind == SEND)


def scheduled_send(schedule: Schedule, zone: ZoneInfo, issue: IssueName) -> datetime | None:
    """When the timetable sends the issue; None if it has no issue of that date."""
    if not schedule.send.occurs_on(issue.date) or schedule.skipped(issue.date):
        return None
    return _real(datetime.combine(issue.date, schedule.send.at), zone)


def moments(
    schedule: Schedule, zone: ZoneInfo, after: datetime, moved: MovedSends | None = None
) -> Iterator[Moment]:
    """All moments after ``after``, in order, without end."""
    moved = moved or {}
    moved_moments = sorted(
        (
            Moment(SEND, issue, str(issue), at.astimezone(zone), at.astimezone(UTC), moved=True)
            for issue, at in moved.items()
        ),
        key=lambda moment: moment.order,
    )
    planned = _planned(schedule, zone, after, moved)
    for moment in merge(planned, moved_moments, key=lambda moment: moment.order):
        if moment.utc > after:
            yield moment


def due(
    schedule: Schedule,
    zone: ZoneInfo,
    after: datetime,
    now: datetime,
    moved: MovedSends | None = None,
) -> list[Moment]:
    """The moments in (after, now], oldest first."""
    upcoming = moments(schedule, zone, after, moved)
    return list(takewhile(lambda moment: moment.utc <= now, upcoming))


def _planned(
    schedule: Schedule, zone: ZoneInfo, after: datetime, moved: MovedSends
) -> Iterator[Moment]:
    """All moments but the moved sends, in order.

    A clock that is put forward, by a day at most, can change the order of two moments.
    """
    day = after.astimezone(zone).date() - 3 * _DAY
    waiting: list[tuple[tuple[datetime, int, str], Moment]] = []
    while True:
        for moment in _of_day(schedule, zone, day, moved):
            heappush(waiting, (moment.order, moment))
        day += _DAY
        in_order_until = _real(datetime.combine(day, time()), zone).astimezone(UTC) - _DAY
        while waiting and waiting[0][1].utc < in_order_until:
            yield heappop(waiting)[1]


def _of_day(schedule: Schedule, zone: ZoneInfo, day: date, moved: MovedSends) -> Iterator[Moment]:
    """The moments of one date on the wall clock."""
    if schedule.send.occurs_on(day) and not schedule.skipped(day) and IssueName(day) not in moved:
        wall = datetime.combine(day, schedule.send.at)
        yield _moment(SEND, IssueName(day), f"{day}", wall, zone)
    gathers = sorted(times.at for times in schedule.gathers if times.occurs_on(day))
    for number, at in enumerate(gathers):
        name = f"{day}T{at:%H:%M}" if number else f"{day}"
        yield from _before_send(schedule, zone, GATHER, datetime.combine(day, at), name, moved)
    for kind, times in ((REMIND, schedule.remind), (DEADLINE, schedule.deadline)):
        if times and times.occurs_on(day):
            wall = datetime.combine(day, times.at)
            yield from _before_send(schedule, zone, kind, wall, f"{day}", moved)


def _before_send(
    schedule: Schedule, zone: ZoneInfo, kind: str, wall: datetime, name: str, moved: MovedSends
) -> Iterator[Moment]:
    """The moment for the next issue; none if that is skipped, or moved to an earlier time."""
    send = schedule.send.next_after(wall, inclusive=kind != GATHER)
    issue = IssueName(send.date())
    if schedule.skipped(issue.date):
        return
    moment = _moment(kind, issue, name, wall, zone)
    moved_to = moved.get(issue)
    if moved_to is None:
        # If the clock skips the hour before a send, a moment in that hour still precedes the send.
        end = _real(send, zone)
        yield moment if moment.utc <= end else _moment(kind, issue, name, send, zone)
    elif moment.utc <= moved_to:
        yield moment


def _moment(kind: str, issue: IssueName, name: str, wall: datetime, zone: ZoneInfo) -> Moment:
    local = _real(wall, zone)
    return Moment(kind, issue, name, local, local.astimezone(UTC))


def _real(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a wall clock in that zone shows this; a time that does not exist is moved."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
