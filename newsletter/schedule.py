"""The timetable, pure: what comes when, and what is due.

A moment is a wall-clock time in the newsletter's zone, so each comes exactly once over every
change of the clock: a time that occurs twice counts at its first, a time that does not exist
later by as much as the clock was put ahead. Which issue a moment belongs to is read off the wall
clock alone, so no change of the clock moves it to another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush, merge
from zoneinfo import ZoneInfo

from newsletter.config import Schedule
from newsletter.model import IssueName

GATHER, REMIND, DEADLINE, SEND = "gather", "remind", "deadline", "send"
KINDS = (GATHER, REMIND, DEADLINE, SEND)
_DAY = timedelta(days=1)

MovedSends = Mapping[IssueName, datetime]  # issue → when a person wants it sent


@dataclass(frozen=True)
class Moment:
    """A moment of the timetable: what is to be done for which issue.

    ``day`` names it among those of its kind: the date, or for a second one on the same date
    also the time. ``moved``: a person has put this send to another time.
    """

    kind: str
    issue: IssueName
    day: str
    local: datetime
    utc: datetime
    moved: bool = False

    @property
    def order(self) -> tuple[datetime, int, str]:
        """What comes first; at the same moment in the order of the work."""
        return self.utc, KINDS.index(self.kind), self.day


def next_issue(
    schedule: Schedule, zone: ZoneInfo, after: datetime, moved: MovedSends | None = None
) -> IssueName:
    """The next issue due after that moment."""
    coming = moments(schedule, zone, after, moved)
    return next(moment.issue for moment in coming if moment.kind == SEND)


def scheduled_send(schedule: Schedule, zone: ZoneInfo, issue: IssueName) -> datetime | None:
    """When the timetable sends the issue; None where it has no issue of that date."""
    if not schedule.send.occurs_on(issue.date) or schedule.skipped(issue.date):
        return None
    return _real(datetime.combine(issue.date, schedule.send.at), zone)


def moments(
    schedule: Schedule, zone: ZoneInfo, after: datetime, moved: MovedSends | None = None
) -> Iterator[Moment]:
    """Every moment after that one, in order, without end."""
    moved = moved or {}
    put = sorted(
        (
            Moment(SEND, issue, str(issue), at.astimezone(zone), at.astimezone(UTC), moved=True)
            for issue, at in moved.items()
        ),
        key=lambda moment: moment.order,
    )
    planned = _planned(schedule, zone, after, moved)
    for moment in merge(planned, put, key=lambda each: each.order):
        if moment.utc > after:
            yield moment


def due(
    schedule: Schedule,
    zone: ZoneInfo,
    after: datetime,
    now: datetime,
    moved: MovedSends | None = None,
) -> list[Moment]:
    """The moments in (after, now], the oldest first."""
    found: list[Moment] = []
    for moment in moments(schedule, zone, after, moved):
        if moment.utc > now:
            return found
        found.append(moment)
    return found


def _planned(
    schedule: Schedule, zone: ZoneInfo, after: datetime, moved: MovedSends
) -> Iterator[Moment]:
    """Everything but the moved sends, in order.

    A clock that is put ahead, by a whole day at most, can turn the order of two moments.
    """
    day = after.astimezone(zone).date() - 3 * _DAY
    waiting: list[tuple[tuple[datetime, int, str], Moment]] = []
    while True:
        for moment in _of_day(schedule, zone, day, moved):
            heappush(waiting, (moment.order, moment))
        day += _DAY
        sure = _real(datetime.combine(day, time()), zone).astimezone(UTC) - _DAY
        while waiting and waiting[0][1].utc < sure:
            yield heappop(waiting)[1]


def _of_day(schedule: Schedule, zone: ZoneInfo, day: date, moved: MovedSends) -> Iterator[Moment]:
    """The moments of one date on the wall."""
    if schedule.send.occurs_on(day) and not schedule.skipped(day) and IssueName(day) not in moved:
        wall = datetime.combine(day, schedule.send.at)
        yield _moment(SEND, IssueName(day), f"{day}", wall, zone)
    several = sorted(times.at for times in schedule.gathers if times.occurs_on(day))
    for number, at in enumerate(several):
        name = f"{day}T{at:%H:%M}" if number else f"{day}"
        yield from _before_send(schedule, zone, GATHER, datetime.combine(day, at), name, moved)
    for kind, times in ((REMIND, schedule.remind), (DEADLINE, schedule.deadline)):
        if times and times.occurs_on(day):
            wall = datetime.combine(day, times.at)
            yield from _before_send(schedule, zone, kind, wall, f"{day}", moved)


def _before_send(
    schedule: Schedule, zone: ZoneInfo, kind: str, wall: datetime, name: str, moved: MovedSends
) -> Iterator[Moment]:
    """The moment, for the next issue; nothing where that is left out, or was sent before."""
    send = schedule.send.next_after(wall, inclusive=kind != GATHER)
    issue = IssueName(send.date())
    if schedule.skipped(issue.date):
        return
    moment = _moment(kind, issue, name, wall, zone)
    put = moved.get(issue)
    if put is None:
        # Where the clock skips the hour before a send, what comes before it is still before it.
        end = _real(send, zone)
        yield moment if moment.utc <= end else _moment(kind, issue, name, send, zone)
    elif moment.utc <= put:
        yield moment


def _moment(kind: str, issue: IssueName, name: str, wall: datetime, zone: ZoneInfo) -> Moment:
    local = _real(wall, zone)
    return Moment(kind, issue, name, local, local.astimezone(UTC))


def _real(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a clock on the wall in that zone shows this; moves a time that does not exist."""
    return wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
