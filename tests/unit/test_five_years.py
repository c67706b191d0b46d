"""Five years of timetables in ten zones, held against a clock on a wall that is watched.

The expected moments are not computed from rules of time zones: a clock is looked at every quarter
of an hour for five years, and what it shows is written down.
"""

from __future__ import annotations

import calendar
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from newsletter.config import Schedule
from newsletter.schedule import due

ZONES = (
    "America/Los_Angeles",
    "America/New_York",
    "America/St_Johns",  # half an hour from the others
    "America/Santiago",  # changes at midnight, in the south
    "Europe/London",
    "Africa/Casablanca",  # puts the clock back for a month
    "Africa/Cairo",  # changes on Fridays, at midnight
    "Asia/Seoul",  # never changes
    "Australia/Lord_Howe",  # changes by half an hour
    "Pacific/Chatham",  # changes at a quarter to
)
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
MINUTES = (END - START) // timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
Wall = tuple[date, str]
SAID = {(hour, minute): f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)}


def last(day: date, weekday: int) -> bool:
    return max(w[weekday] for w in calendar.monthcalendar(day.year, day.month)) == day.day


def last_day(day: date) -> bool:
    return calendar.monthrange(day.year, day.month)[1] == day.day


def weekday(day: date) -> bool:
    return calendar.weekday(day.year, day.month, day.day) <= 4


def on(number: int) -> Callable[[date], bool]:
    return lambda day: calendar.weekday(day.year, day.month, day.day) == number


# Each timetable as people write it, and in other words: kind, time, which days.
TIMETABLES = {
    "weekly, in the hours of the change": (
        Schedule(
            gather=["sat 23:30", "sun 00:15"],
            remind="sun 01:15",
            deadline="sun 02:15",
            send="sun 02:30",
        ),
        [
            ("gather", "23:30", on(5)),
            ("gather", "00:15", on(6)),
            ("remind", "01:15", on(6)),
            ("deadline", "02:15", on(6)),
            ("send", "02:30", on(6)),
        ],
    ),
    "weekly": (
        Schedule(gather="fri 15:00", deadline="sun 18:00", send="mon 07:00"),
        [("gather", "15:00", on(4)), ("deadline", "18:00", on(6)), ("send", "07:00", on(0))],
    ),
    "every weekday": (
        Schedule(gather="mon-fri 00:15", deadline="mon-fri 00:45", send="mon-fri 00:45"),
        [("gather", "00:15", weekday), ("deadline", "00:45", weekday), ("send", "00:45", weekday)],
    ),
    "every day": (
        Schedule(gather="mon-sun 01:30", remind="mon-sun 02:00", send="mon-sun 02:45"),
        [(k, t, lambda _: True) for k, t in (("gather", "01:30"), ("remind", "02:00"))]
        + [("send", "02:45", lambda _: True)],
    ),
    "monthly, by the day of the week": (
        Schedule(gather="last sat 12:00", send="last sun 02:30"),
        [("gather", "12:00", lambda d: last(d, 5)), ("send", "02:30", lambda d: last(d, 6))],
    ),
    "monthly, by the date": (
        Schedule(gather=["28th 01:30", "1st 00:30"], send="31st 01:45"),
        [
            ("gather", "01:30", lambda d: d.day == 28),
            ("gather", "00:30", lambda d: d.day == 1),
            ("send", "01:45", last_day),
        ],
    ),
}


@lru_cache(1)  # each takes tens of megabytes
def watched(zone: str) -> dict[Wall, datetime]:
    """When a clock in the zone shows each quarter of an hour for the first time, day by day."""
    shown: dict[Wall, datetime] = {}
    place, moment = ZoneInfo(zone), START - timedelta(days=40)
    while moment < END + timedelta(days=40):
        local = moment.astimezone(place)
        shown.setdefault((local.date(), SAID[local.hour, local.minute]), moment)
        moment += QUARTER
    return shown


@lru_cache(1)
def watched_days(zone: str) -> list[date]:
    """All days on which the clock was looked at from midnight to midnight."""
    return sorted({day for day, _ in watched(zone)})[1:-1]


def first_time(shown: dict[Wall, datetime], day: date, time: str) -> datetime:
    """When it is that time; as long after the last one that there is as it would have been."""
    wall, waited = datetime.fromisoformat(f"{day} {time}"), timedelta()
    while (found := shown.get((wall.date(), f"{wall:%H:%M}"))) is None:
        wall, waited = wall - QUARTER, waited + QUARTER
    return found + waited


def expected(zone: str, name: str) -> list[tuple[datetime, int, str, str]]:
    """Moment, order of the work, kind and issue, of all moments in the five years."""
    shown, days = watched(zone), watched_days(zone)
    lines = TIMETABLES[name][1]
    walls = sorted((f"{day} {t}", kind) for kind, t, is_on in lines for day in days if is_on(day))
    sends = [wall for wall, kind in walls if kind == "send"]
    order, found = ["gather", "remind", "deadline", "send"], []
    for wall, kind in walls:
        # A gather at the very time of a send is for the next issue.
        place = (bisect_right if kind == "gather" else bisect_left)(sends, wall)
        if place == len(sends):
            continue
        day, time = sends[place].split()
        sent = first_time(shown, date.fromisoformat(day), time)
        on_day, at = wall.split()
        moment = min(first_time(shown, date.fromisoformat(on_day), at), sent)
        if START < moment <= END:
            found.append((moment, order.index(kind), kind, day))
    return sorted(found)


@pytest.mark.parametrize("zone", ZONES)
def test_exactly_what_a_clock_on_the_wall_shows(zone: str) -> None:
    for name, (schedule, _) in TIMETABLES.items():
        looks = sorted(random.Random(zone + name).choices(range(MINUTES), k=700))
        moments = [START, *(START + timedelta(minutes=m) for m in looks), END]
        place = ZoneInfo(zone)
        found = [
            moment
            for after, now in pairwise(moments)
            for moment in due(schedule, place, after, now)
        ]
        wanted = expected(zone, name)
        got = [(m.utc, m.kind, str(m.issue)) for m in found]
        assert got == [(utc, kind, issue) for utc, _, kind, issue in wanted], name
        assert len({(m.kind, m.day) for m in found}) == len(found), name
