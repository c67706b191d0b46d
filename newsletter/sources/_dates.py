"""Dates as publishers write them → moments. What cannot be read is None, never now."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

_ISO = re.compile(
    r"(?<!\d)(?P<year>\d{4})(?P<sep>[-./]) ?(?P<month>\d{1,2})(?P=sep) ?(?P<day>\d{1,2})(?!\d)"
)
_COMPACT = re.compile(r"\b(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?=T|$)")
_KOREAN = re.compile(r"(?P<year>\d{4})\s*년 ?(?P<month>\d{1,2})\s*월 ?(?P<day>\d{1,2})\s*일")
_DAY_FIRST = re.compile(
    r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?[ -](?:de )?(?P<name>[^\W\d_]{3,12})\.?,?[ -](?:de )?"
    r"(?P<year>\d{4}|\d{2})\b(?!:)"
)
_MONTH_FIRST = re.compile(
    r"\b(?P<name>[^\W\d_]{3,12})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})\b"
)
_DAYS = (_ISO, _COMPACT, _KOREAN, _DAY_FIRST, _MONTH_FIRST)

_TIME = re.compile(
    r"(?:(?P<before>오전|오후) ?)?(?P<hour>\d{1,2})(?::|시 ?)(?P<minute>\d{2})분?"
    r"(?::(?P<second>\d{2}))?(?:[.,]\d+)?(?: ?(?P<after>[ap])\.?m\b\.?)?",
    re.IGNORECASE,
)
_BARE_TIME = re.compile(r"T(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?")
_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])(\d{2}):?(\d{2})?\b")
_ZONE_NAME = re.compile(r"\b[A-Z]{1,4}\b")

# The first letters of a month in English, German, French, Spanish, Italian and Portuguese.
_MONTHS = (
    "jan gen ene",
    "feb fev",
    "mar mrz",
    "apr avr abr",
    "may mai mag",
    "jun juin giu",
    "jul juil lug",
    "aug aou ago",
    "sep set",
    "oct okt ott out",
    "nov",
    "dec dez dic",
)
_HOURS = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "KST": 9, "JST": 9, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
    "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_PLACES = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}


def moment(text: str | None, zone: tzinfo) -> datetime | None:
    """The moment in UTC; ``zone`` holds for a text that names none. A day alone is its midnight."""
    text = _tidy(text or "")
    found = _day(text)
    if found is None:
        return None
    day, rest = found
    clock = _TIME.search(rest) or _BARE_TIME.search(rest)
    try:
        named = _zone(rest[clock.end() :]) if clock else None
        midnight = datetime.combine(day, time.min, named or zone)
        return (midnight + (_time(clock) if clock else timedelta())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def only_day(text: str) -> date | None:
    """The day that a line consists of, but for the name of a weekday."""
    found = _day(_tidy(text))
    if found is None:
        return None
    day, rest = found
    return day if re.fullmatch(r"[\s,.()]*[^\W\d_]{0,12}[\s,.()]*", rest) else None


def _tidy(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-")
    return " ".join(plain[:200].split())


def _day(text: str) -> tuple[date, str] | None:
    """The day in a text, and the text without it."""
    for pattern in _DAYS:
        match = pattern.search(text)
        if not match:
            continue
        parts = match.groupdict()
        year = int(parts["year"])
        if len(parts["year"]) == 2:
            year += 2000 if year < 69 else 1900
        month = int(parts.get("month") or 0) or _month(parts.get("name") or "")
        try:
            day = date(year, month, int(parts["day"]))
        except ValueError:
            continue
        if 1900 <= year < 3000:
            return day, f"{text[: match.start()]} {text[match.end() :]}"
    return None


def _month(name: str) -> int:
    letters = unicodedata.normalize("NFD", name.casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    for number, starts in enumerate(_MONTHS, 1):
        if any(bare.startswith(start) for start in starts.split() if len(start) == 4):
            return number
    for number, starts in enumerate(_MONTHS, 1):
        if bare.startswith(tuple(starts.split())):
            return number
    return 0


def _time(clock: re.Match[str]) -> timedelta:
    parts = clock.groupdict()
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    half = {"오전": "a", "오후": "p"}.get(
        parts.get("before") or "", parts.get("after") or ""
    ).lower()
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or second > 60:
        raise ValueError("no time of day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _zone(text: str) -> tzinfo | None:
    if match := _OFFSET.search(text):
        hours, minutes = int(match[2]), int(match[3] or 0)
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if match[1] == "-" else offset)
    if match := _ZONE_NAME.search(text):
        name = match.group()
        if name in _PLACES:
            return ZoneInfo(_PLACES[name])
        if name in _HOURS:
            return timezone(timedelta(hours=_HOURS[name]))
    return None
