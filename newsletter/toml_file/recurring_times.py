"""Recurring times of a timetable, as newsletter.toml has them, and whether they fit together.

There is no time zone here: all times are wall-clock times.
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
_ALL_DAYS = frozenset(range(7))


@dataclass(frozen=True)
class RecurringTime:
    """A wall-clock time on certain days of every week or month."""

    days: frozenset[int]  # of the week; Monday is 0
    at: time
    # Only the first, second, … or LAST of those days in a month; days of the month if ``days``
    # is the whole week. Empty for every week.
    nth: frozenset[int] = frozenset()
    text: str = field(default="", compare=False)  # as a person wrote it

    def occurs_on(self, day: date) -> bool:
        """Whether it occurs on that date. The 31st of a shorter month is its last day."""
        if not self.nth:
            return day.weekday() in self.days
        length = monthrange(day.year, day.month)[1]
        if self.days == _ALL_DAYS:
            is_end = day.day == length and any(n == LAST or n > length for n in self.nth)
            return is_end or day.day in self.nth
        is_last = day.day > length - 7
        return day.weekday() in self.days and (
            (day.day - 1) // 7 + 1 in self.nth or (is_last and LAST in self.nth)
        )

    def next_after(self, start: datetime, *, inclusive: bool = False) -> datetime:
        """The first occurrence after ``start``, or at it if ``inclusive``; both without a zone."""
        day = start.date()
        while True:
            occurrence = datetime.combine(day, self.at)
            is_later = occurrence > start or (inclusive and occurrence == start)
            if self.occurs_on(day) and is_later:
                return occurrence
            day += _DAY


def parse_time(value: object) -> RecurringTime:
    """A recurring time from a value of the file. Raises ValueError with an example."""
    if isinstance(value, RecurringTime):
        return value
    text = " ".join(str(value).lower().split())
    match = _TIME.fullmatch(text)
    if not match or not (match["nth"] or match["days"]):
        raise ValueError(_EXPECTED)
    if int(match["hour"]) > 23 or int(match["minute"]) > 59:
        raise ValueError(_EXPECTED)
    days = _parse_days(match["days"]) if match["days"] else _ALL_DAYS
    nth = frozenset(_parse_ordinal(part) for part in (match["nth"] or "").split(",") if part)
    if not days or (nth and not _is_clear(nth, match["days"])):
        raise ValueError(_EXPECTED)
    return RecurringTime(days, time(int(match["hour"]), int(match["minute"])), nth, text)


def _parse_days(text: str) -> frozenset[int]:
    """Days such as ``mon-fri`` or ``tue,thu``; empty if one is not a day."""
    days: set[int] = set()
    for part in text.split(","):
        first, *last = part.split("-", 1)
        names = [first, *(last or [first])]
        if any(name not in DAYS for name in names):
            return frozenset()
        start, end = (DAYS.index(name) for name in names)
        days |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(days)


def _parse_ordinal(text: str) -> int:
    return LAST if text == "last" else int(text[:-2])


def _is_clear(nth: frozenset[int], days: str | None) -> bool:
    """Whether every month has such days: at most 31, and at least four of each weekday.

    "1st mon-fri" could mean five days or one, so it is not allowed.
    """
    limit = 31 if days is None else 4
    return (days is None or days in DAYS) and all(n == LAST or 1 <= n <= limit for n in nth)


def _parse_times(value: object) -> tuple[RecurringTime, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError(_EXPECTED)
    return tuple({recurring: recurring for recurring in map(parse_time, values)}.values())


def default_gather(send: RecurringTime) -> RecurringTime:
    """When to gather by default: on Fridays, or for several issues a week the day before each."""
    if send.nth or len(send.days) == 1:
        return RecurringTime(frozenset({4}), time(15), text="fri 15:00")
    days = frozenset((day - 1) % 7 for day in send.days)
    text = f"{','.join(DAYS[day] for day in sorted(days))} 15:00"
    return RecurringTime(days, time(15), text=text)


def find_conflict(
    send: RecurringTime,
    gathers: Sequence[RecurringTime],
    remind: RecurringTime | None,
    deadline: RecurringTime | None,
) -> str | None:
    """Why some issue of this timetable could never be approved in time, or None."""
    for start, end in _cycles(send, [*gathers, remind, deadline]):
        issue = f"the issue of {end:%a %Y-%m-%d}"
        drafts = [draft for gather in gathers for draft in _between(gather, start, end)]
        deadlines, reminders = (_until(recurring, start, end) for recurring in (deadline, remind))
        if len(deadlines) > 1:
            return f"{issue} would have {len(deadlines)} deadlines; it can have only one"
        for name, occurrences in (("deadline", deadlines), ("remind", reminders)):
            if drafts and occurrences and occurrences[0] <= min(drafts):
                return (
                    f"{name} comes after the send, or before the gather: {issue} would have it on "
                    f"{occurrences[0]:%a %Y-%m-%d %H:%M}, and is not gathered until "
                    f"{min(drafts):%a %H:%M}; the order is gather, remind, deadline, send"
                )
        if deadlines and reminders and reminders[-1] > deadlines[0]:
            return f"remind comes after the deadline of {issue}; set it before the deadline"
    return None


def _cycles(
    send: RecurringTime, others: Sequence[RecurringTime | None]
) -> Iterator[tuple[datetime, datetime]]:
    """Pairs of consecutive sends: all different ones of a week, or of six years of months."""
    is_monthly = any(recurring.nth for recurring in (send, *others) if recurring)
    previous = datetime(2024, 1, 1)  # noqa: DTZ001 - any Monday will do
    end = previous + timedelta(days=366 * 6 if is_monthly else 22)
    while previous < end:
        following = send.next_after(previous)
        yield previous, following
        previous = following


def _between(recurring: RecurringTime, start: datetime, end: datetime) -> list[datetime]:
    """The occurrences in [start, end)."""
    occurrences, occurrence = [], recurring.next_after(start, inclusive=True)
    while occurrence < end:
        occurrences.append(occurrence)
        occurrence = recurring.next_after(occurrence)
    return occurrences


def _until(recurring: RecurringTime | None, start: datetime, end: datetime) -> list[datetime]:
    """The occurrences in (start, end]; none for None."""
    minute = timedelta(minutes=1)
    return _between(recurring, start + minute, end + minute) if recurring else []


ParsedTime = Annotated[RecurringTime, BeforeValidator(parse_time)]
ParsedTimes = Annotated[tuple[RecurringTime, ...], BeforeValidator(_parse_times)]
