"""Times of a timetable, as newsletter.toml has them, and whether they fit together.

Here is no zone and no clock: times are what a clock on the wall shows.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import BeforeValidator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST = -1
_ORDINAL = r"(?:\d{1,2}(?:st|nd|rd|th)|last)"
_TIME = re.compile(
    rf"\s*(?:(?P<nth>{_ORDINAL}(?:,{_ORDINAL})*)(?:\s+|$))?"
    r"(?:(?P<days>[a-z][a-z,\-]*)\s+)?(?P<hour>\d{1,2}):(?P<minute>\d{2})\s*"
)
_EXPECTED = (
    'expected days and a time, such as "mon 07:00", "mon-fri 06:30", "1st mon 07:00", '
    '"last fri 15:00" or "15th 07:00"'
)
_DAY = timedelta(days=1)
_ALL = frozenset(range(7))


@dataclass(frozen=True)
class Times:
    """A wall-clock time on some days.

    ``days``: of the week, Monday is 0. ``nth``: only the first, second, … or LAST of them in a
    month; where ``days`` is the whole week, days of the month. ``said``: as a person wrote it.
    """

    days: frozenset[int]
    at: time
    nth: frozenset[int] = frozenset()
    said: str = field(default="", compare=False)

    def on(self, day: date) -> bool:
        """Whether this is one of the days. A day that a month does not have is its last one."""
        if not self.nth:
            return day.weekday() in self.days
        length = monthrange(day.year, day.month)[1]
        if self.days == _ALL:
            last = day.day == length and any(n == LAST or n > length for n in self.nth)
            return last or day.day in self.nth
        is_last = day.day > length - 7
        return day.weekday() in self.days and (
            (day.day - 1) // 7 + 1 in self.nth or (is_last and LAST in self.nth)
        )

    def first(self, after: datetime, *, also_then: bool = False) -> datetime:
        """The first of these times after that one, both without a zone."""
        day = after.date()
        while True:
            found = datetime.combine(day, self.at)
            if self.on(day) and (found > after or (also_then and found == after)):
                return found
            day += _DAY


def parsed(value: object) -> Times:
    """A time from what stands in the file; raises ValueError."""
    if isinstance(value, Times):
        return value
    text = " ".join(str(value).lower().split())
    match = _TIME.fullmatch(text)
    if not match or not (match["nth"] or match["days"]):
        raise ValueError(_EXPECTED)
    if int(match["hour"]) > 23 or int(match["minute"]) > 59:
        raise ValueError(_EXPECTED)
    days = _days(match["days"]) if match["days"] else _ALL
    nth = frozenset(_ordinal(part) for part in (match["nth"] or "").split(",") if part)
    if not days or (nth and not _fit(nth, match["days"])):
        raise ValueError(_EXPECTED)
    return Times(days, time(int(match["hour"]), int(match["minute"])), nth, text)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, *last = part.split("-", 1)
        ends = [first, *(last or [first])]
        if any(day not in DAYS for day in ends):
            return frozenset()
        start, end = (DAYS.index(day) for day in ends)
        found |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(found)


def _ordinal(text: str) -> int:
    return LAST if text == "last" else int(text[:-2])


def _fit(nth: frozenset[int], days: str | None) -> bool:
    """A month has 31 days at most, and four of each day of the week at least.

    "1st mon-fri" may mean five days or one, so it means nothing.
    """
    most = 31 if days is None else 4
    return (days is None or days in DAYS) and all(n == LAST or 1 <= n <= most for n in nth)


def _several(value: object) -> tuple[Times, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    if not listed:
        raise ValueError(_EXPECTED)
    found = {(each.days, each.at, each.nth): each for each in map(parsed, listed)}
    return tuple(found.values())


def before_each(send: Times) -> Times:
    """When to gather if nobody says it: fridays, or for several issues a week the day before."""
    if send.nth or len(send.days) == 1:
        return Times(frozenset({4}), time(15), said="fri 15:00")
    days = frozenset((day - 1) % 7 for day in send.days)
    return Times(days, time(15), said=f"{','.join(DAYS[day] for day in sorted(days))} 15:00")


def fault(
    send: Times, gathers: Sequence[Times], remind: Times | None, deadline: Times | None
) -> str | None:
    """Why issues of this timetable could never be approved in time, or None."""
    for start, end in _cycles(send, [*gathers, remind, deadline]):
        issue = f"the issue of {end:%a %Y-%m-%d}"
        drafts = [found for times in gathers for found in _between(times, start, end)]
        deadlines, reminds = (_until(times, start, end) for times in (deadline, remind))
        if len(deadlines) > 1:
            return f"{issue} would have {len(deadlines)} deadlines; leave it one"
        for kind, found in (("deadline", deadlines), ("remind", reminds)):
            if drafts and found and found[0] <= min(drafts):
                return (
                    f"{kind} comes after the send, or before the gather: {issue} would have it on "
                    f"{found[0]:%a %Y-%m-%d %H:%M}, and is gathered only {min(drafts):%a %H:%M}; "
                    f"the order is gather, remind, deadline, send"
                )
        if deadlines and reminds and reminds[-1] > deadlines[0]:
            return f"remind comes after the deadline of {issue}; let it come before"
    return None


def _cycles(send: Times, others: Sequence[Times | None]) -> Iterator[tuple[datetime, datetime]]:
    """From one send to the next: all that differ in a week, or in six years of months."""
    monthly = any(times.nth for times in (send, *others) if times)
    last = datetime(2024, 1, 1)  # noqa: DTZ001 - any Monday will do
    end = last + timedelta(days=366 * 6 if monthly else 22)
    while last < end:
        coming = send.first(last)
        yield last, coming
        last = coming


def _between(times: Times, start: datetime, end: datetime) -> list[datetime]:
    """In [start, end)."""
    found, moment = [], times.first(start, also_then=True)
    while moment < end:
        found.append(moment)
        moment = times.first(moment)
    return found


def _until(times: Times | None, start: datetime, end: datetime) -> list[datetime]:
    """In (start, end]; nothing where there are no such times."""
    minute = timedelta(minutes=1)
    return _between(times, start + minute, end + minute) if times else []


Moments = Annotated[Times, BeforeValidator(parsed)]
ManyMoments = Annotated[tuple[Times, ...], BeforeValidator(_several)]
