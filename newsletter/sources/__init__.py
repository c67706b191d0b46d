"""Where articles come from: one module a type, found by its file's name.

A source only reads and translates. What belongs in the issue (the window, duplicates, limits,
what was mailed already) is decided in one place, ``newsletter.gather``.

A source of one's own has the same tools as those here. It makes an ``article`` out of ``Facts``
under an ``article_id``, reads dates with ``parse_date`` and bylines with ``parse_authors`` and
``split_credit``, and parses foreign bytes inside ``parsing``. ``newsletter.sanitize`` makes foreign
text harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from newsletter import registry
from newsletter.config import SourceOptions
from newsletter.model import Article, Window
from newsletter.sources._article_id import article_id, entry_id, shared_links
from newsletter.sources._bylines import parse_authors, split_credit
from newsletter.sources._dates import parse_date
from newsletter.sources._facts import Facts, article
from newsletter.sources._parser_lock import parsing

if TYPE_CHECKING:
    from newsletter.http import SupportsGet


@dataclass(frozen=True)
class Surroundings:
    """What a source may need beside its own keys."""

    folder: Path  # relative paths start here
    zone: ZoneInfo  # the newsletter's; use zone_of
    fetcher: SupportsGet  # the only way to the network

    def zone_of(self, options: SourceOptions) -> ZoneInfo:
        """The time zone of dates that name none."""
        return ZoneInfo(options.timezone) if options.timezone else self.zone


class Source(Protocol):
    """An adaptor to one kind of place that articles come from."""

    @property
    def Options(self) -> type[SourceOptions]:  # noqa: N802 - a class, in each of them
        """The keys of its ``[[sources]]`` block: a class inside the source's own."""
        ...

    def fetch(self, window: Window) -> Iterable[Article]:
        """Every article the source has now, the newest first where it says so.

        ``window`` is a hint for sources that can ask for less. Raises FetchError with a reason
        in one sentence when the source cannot be read.
        """
        ...


_ADAPTORS = registry.Adaptors(__name__, "Source", SourceOptions, ("fetch",))


def options(type_: str) -> type[SourceOptions]:
    """The model of a type's keys; raises LookupError where the type does not exist."""
    model: type[SourceOptions] = _ADAPTORS.load(type_).Options
    return model


def build(chosen: SourceOptions, around: Surroundings) -> Source:
    """The source that a ``[[sources]]`` block describes."""
    source: Source = _ADAPTORS.load(chosen.type)(chosen, around)
    return source


__all__ = [
    "Facts",
    "Source",
    "Surroundings",
    "article",
    "article_id",
    "build",
    "entry_id",
    "options",
    "parse_authors",
    "parse_date",
    "parsing",
    "shared_links",
    "split_credit",
]
