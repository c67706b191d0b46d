"""The newsletter's language: its fixed words (``words/*.toml``) and its ways to write dates."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

from newsletter.errors import ConfigError
from newsletter.model import IssueName

_WORDS = Path(__file__).parent / "words"
_RIGHT_TO_LEFT = {"ar", "fa", "he", "ur", "yi"}


@dataclass(frozen=True)
class Language:
    """One language, by its BCP 47 tag."""

    tag: str

    @cached_property
    def words(self) -> dict[str, str]:
        """The fixed words by key; raises ConfigError for a language that has none."""
        return _words(self.tag.partition("-")[0].lower(), self.tag)

    def require(self) -> None:
        """Raise ConfigError for a language whose words or dates we cannot write."""
        from babel import Locale, UnknownLocaleError

        _ = self.words
        try:
            Locale.parse(self._locale)
        except (UnknownLocaleError, ValueError) as error:
            raise ConfigError(
                f"newsletter.toml: newsletter.language is {self.tag!r}, which is no language that "
                f"is known ({error}). Write it as in en, en-US or ko-KR."
            ) from error

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return "rtl" if self.tag.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"

    @property
    def territory(self) -> str:
        """The language with where it is spoken, as Open Graph has it: ``en_US``, ``ko_KR``."""
        from babel.core import get_global

        if "-" in self.tag:
            return self._locale
        likely = str(get_global("likely_subtags").get(self.tag.lower(), self.tag))
        return f"{self.tag.lower()}_{likely.rpartition('_')[2]}"

    def say(self, key: str, **parts: str) -> str:
        """A fixed sentence with its parts filled in."""
        return self.words[key].format(**parts)

    def long_date(self, day: date) -> str:
        """``Monday, July 7, 2025``; ``2025년 7월 7일 월요일``."""
        from babel.dates import format_date

        return format_date(day, format="full", locale=self._locale)

    def issue_date(self, issue: IssueName) -> str:
        """The long date of an issue; of a mail that corrects one, to which issue it belongs."""
        label = self.long_date(issue.date)
        return self.say("correction_of", date=label) if issue.is_correction else label

    def whole_date(self, day: date) -> str:
        """``July 7, 2025``; ``2025년 7월 7일``."""
        from babel.dates import format_date

        return format_date(day, format="long", locale=self._locale)

    def short_date(self, day: date) -> str:
        """``Jul 3``; ``7월 3일``."""
        from babel.dates import format_date

        return format_date(day, format=self.words["short_date"], locale=self._locale)

    def moment(self, local: datetime) -> str:
        """``Monday, July 7, 07:00 PDT``; ``7월 7일 월요일 07:00 KST``: in the zone that it has."""
        from babel.dates import format_datetime

        formatted = format_datetime(
            local.replace(tzinfo=None), self.words["moment"], locale=self._locale
        )
        return f"{formatted} {local:%Z}"

    def ahead(self, time: timedelta) -> str:
        """``in 2 days``; ``2일 후``."""
        from babel.dates import format_timedelta

        return format_timedelta(time, add_direction=True, locale=self._locale)

    def temperature(self, degrees: float, unit: str) -> str:
        """``63 °F``: a dateline needs no fractions."""
        return f"{round(degrees)}\N{NO-BREAK SPACE}°{unit}"

    def joined(self, names: Sequence[str]) -> str:
        """``A, B and C``."""
        if len(names) < 2:
            return "".join(names)
        return f"{', '.join(names[:-1])} {self.words['and']} {names[-1]}"

    @property
    def _locale(self) -> str:
        return self.tag.replace("-", "_")


@lru_cache
def _words(language: str, tag: str) -> dict[str, str]:
    path = _WORDS / f"{language}.toml"
    if not path.exists():
        languages = ", ".join(sorted(p.stem for p in _WORDS.glob("*.toml")))
        raise ConfigError(
            f"newsletter.toml: newsletter.language is {tag!r}, which has no fixed words; "
            f"expected one of {languages}."
        )
    return tomllib.loads(path.read_text(encoding="utf-8"))
