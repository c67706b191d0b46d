"""Dates as publishers write them → moments. What cannot be read is None, never now."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo

_ISO = re.compile(
    r"(?<!\d)(?P<year>\d{4})(?P<sep>[-./]) ?(?P<month>\d{1,2})(?P=sep) ?(?P<day>\d{1,2})(?!\d)"
)
_COMPACT = re.compile(r"\b(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?=T|$)")
_KOREAN = re.compile(
    r"(?P<year>\d{4})\s*[년年] ?(?P<month>\d{1,2})\s*[월月] ?(?P<day>\d{1,2})\s*[일日]"
)
_DAY_FIRST = re.compile(
    r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?[ -](?:de |d['’])?(?P<name>[^\W\d_]{3,12})\.?,?"
    r"[ -](?:del? )?(?P<year>\d{4}|\d{2})\b(?!:)"
)
_MONTH_FIRST = re.compile(
    r"\b(?P<name>[^\W\d_]{3,12})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})\b"
)
_YEAR_LAST = re.compile(
    r"(?<!\d)(?P<first>\d{1,2})(?P<sep>[./-])(?P<second>\d{1,2})(?P=sep)(?P<year>\d{4})(?!\d)"
)
_YEAR_FIRST = re.compile(
    r"(?<!\d)(?P<year>\d{4})\.? (?P<name>[^\W\d_]{3,12})\.? (?P<day>\d{1,2})(?!\d)"
)
_TIME_FIRST = re.compile(  # as C's asctime has it: the year comes last
    r"(?P<name>[^\W\d_]{3,12}) (?P<day>\d{1,2}) "
    r"(?P<clock>\d{1,2}:\d{2}(?::\d{2})?(?: [A-Z]{1,5}| [+-]\d{4})?) (?P<year>\d{4})\b"
)
_DAYS = (_TIME_FIRST, _ISO, _COMPACT, _KOREAN, _DAY_FIRST, _MONTH_FIRST, _YEAR_FIRST, _YEAR_LAST)

_TIME = re.compile(
    r"(?:(?P<before>오전|오후|上午|下午|午前|午後) ?)?"
    r"(?P<hour>\d{1,2})(?::|시 ?|h ?)(?P<minute>\d{2})분?"
    r"(?::(?P<second>\d{2}))?(?:[.,]\d+)?(?: ?(?P<after>[ap])\.?m\b\.?)?",
    re.IGNORECASE,
)
_BARE_HOUR = re.compile(r"\b(?P<hour>\d{1,2}) ?(?P<after>[ap])\.?m\b\.?", re.IGNORECASE)
_BARE_TIME = re.compile(r"T(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?")
_OFFSET = re.compile(r"(?:UTC|GMT)? ?([+-])(\d{2}):?(\d{2})?\b")
_SECONDS = re.compile(r"1\d{9}(?:\d{3})?")  # since 1970, perhaps with thousandths
_SAYS_UTC = re.compile(r"\d(?:\.\d+)? ?(?:Z|UTC?|GMT|[+-]00:?00)$")
_ZONE_NAME = re.compile(r"\b[A-Z]{1,4}\b")

_ENGLISH = {
    name[:3]: name
    for name in (
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    )
}  # fmt: skip
_LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "ru", "uk", "tr", "sv", "da", "nb",
    "fi", "hu", "ro", "el", "id", "ca", "bg", "sr_Latn", "ar",
)  # fmt: skip
_SPELLED = {"mrz": 3, "maerz": 3, "sept": 9, "gen": 1, "ene": 1, "kov": 5}  # as people write them
_HOURS = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "BST": 1, "CET": 1, "CEST": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "KST": 9, "JST": 9, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5,
    "MEZ": 1, "MESZ": 2, "SAST": 2, "SGT": 8, "HKT": 8, "AEST": 10,
    "AEDT": 11, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
_PLACES = {
    "ET": "America/New_York",
    "CT": "America/Chicago",
    "MT": "America/Denver",
    "PT": "America/Los_Angeles",
}


def parse_date(text: str | None, zone: tzinfo) -> datetime | None:
    """The moment in UTC; ``zone`` holds for a text that names none. A day alone is its midnight."""
    text = _tidy(text or "")
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    day_and_rest = _day(text, american=str(zone).startswith("America/"))
    if day_and_rest is None:
        return None
    day, rest = day_and_rest
    clock = _TIME.search(rest) or _BARE_TIME.search(rest) or _BARE_HOUR.search(rest)
    try:
        named = _zone(rest[clock.end() :]) if clock else None
        midnight = datetime.combine(day, time.min, named or zone)
        return (midnight + (_time(clock) if clock else timedelta())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def says_utc(text: str) -> bool:
    """Whether a date is labelled as UTC, rightly or not."""
    return bool(_SAYS_UTC.search(_tidy(text)))


def only_day(text: str) -> date | None:
    """The day that a line consists of, but for the name of a weekday."""
    day_and_rest = _day(_tidy(text))
    if day_and_rest is None:
        return None
    day, rest = day_and_rest
    return day if re.fullmatch(r"[\s,.()]*[^\W\d_]{0,12}[\s,.()]*", rest) else None


def _tidy(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text[:400]).replace("\u2212", "-")
    if not plain.isascii():
        digits = (c if c.isascii() or not c.isdecimal() else str(int(c)) for c in plain)
        plain = "".join(digits)
    return " ".join(plain[:200].split())


def _day(text: str, *, american: bool = False) -> tuple[date, str] | None:
    """The day in a text, and the text without it; ``american``: 4/5/2025 is in April."""
    for pattern in _DAYS:
        match = pattern.search(text)
        if not match:
            continue
        parts = match.groupdict()
        year = int(parts["year"])
        if len(parts["year"]) == 2:
            year += 2000 if year < 69 else 1900
        try:
            day = date(year, *_month_and_day(parts, american))
        except ValueError:
            continue
        if 1900 <= year < 3000:
            return day, f"{text[: match.start()]} {parts.get('clock', '')} {text[match.end() :]}"
    return None


def _month_and_day(parts: dict[str, str], american: bool) -> tuple[int, int]:
    if "first" in parts:
        first, second = int(parts["first"]), int(parts["second"])
        # Where it could be either, a stroke is American in America; a point never is.
        by_month = second > 12 or (first <= 12 and american and parts["sep"] != ".")
        return (first, second) if by_month else (second, first)
    return int(parts.get("month") or 0) or _month(parts.get("name") or ""), int(parts["day"])


def _month(name: str) -> int:
    """The number of a month's name in any of many languages, also cut short; 0 for none."""
    bare = _bare(name)
    if bare[:3] in _ENGLISH and (len(bare) <= 4 or bare in _ENGLISH[bare[:3]]):
        return list(_ENGLISH).index(bare[:3]) + 1
    if number := _month_names().get(bare):
        return number
    starts = {number for month, number in _month_names().items() if month.startswith(bare)}
    return starts.pop() if len(starts) == 1 else 0


@cache
def _month_names() -> dict[str, int]:
    """The months in the languages of newsrooms, as Unicode's data has them, without accents."""
    from babel import Locale

    names: dict[str, int] = {}
    for language in _LANGUAGES:
        months = Locale(language).months
        for context, width in product(("format", "stand-alone"), ("wide", "abbreviated")):
            for number, name in months[context][width].items():
                names.setdefault(_bare(name).rstrip("."), number)
    return names | _SPELLED


def _bare(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _time(clock: re.Match[str]) -> timedelta:
    parts = clock.groupdict()
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = {"오전": "a", "上午": "a", "午前": "a", "오후": "p", "下午": "p", "午後": "p"}.get(
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
