"""The kinds of values that newsletter.toml holds, each with what is expected in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta
from email.utils import parseaddr
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Times:
    """A wall-clock time on some days of the week (Monday is 0), as in ``"mon-fri 06:30"``."""

    days: frozenset[int]
    at: time


def _times(value: object) -> object:
    if isinstance(value, Times):
        return value
    match = re.fullmatch(r"\s*([a-z,\-]+)\s+(\d{1,2}):(\d{2})\s*", str(value).lower())
    days = _days(match[1]) if match else None
    if not match or not days or int(match[2]) > 23 or int(match[3]) > 59:
        raise ValueError('expected days and a time, such as "mon 07:00" or "mon-fri 06:30"')
    return Times(days, time(int(match[2]), int(match[3])))


def _days(text: str) -> frozenset[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        first, *last = part.split("-", 1)
        ends = [first, *(last or [first])]
        if any(day not in DAYS for day in ends):
            return None
        start, end = (DAYS.index(day) for day in ends)
        found |= {day % 7 for day in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(found)


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"\s*(\d{1,5})\s*([mhdw])\s*", str(value))
    if not match:
        raise ValueError('expected a length of time, such as "30m", "6h" or "2d"')
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError('expected a time zone, such as "America/Los_Angeles"') from error
    return value


def _mailbox(value: str) -> str:
    address = parseaddr(value)[1]
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+", address) or "\n" in value:
        raise ValueError('expected an address, such as "Name <name@example.com>"')
    return value


def _base_url(value: str) -> str:
    if not re.match(r"https?://[^/\s]+", value):
        raise ValueError('expected the address of the public pages, such as "https://…"')
    return value.rstrip("/")


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError('expected a colour of six hexadecimal digits, such as "#9b1c2e"')
    return value.lower()


Moments = Annotated[Times, BeforeValidator(_times)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
ZoneName = Annotated[str, AfterValidator(_zone)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Colour = Annotated[str, AfterValidator(_colour)]
