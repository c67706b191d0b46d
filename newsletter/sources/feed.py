"""Feeds: RSS, Atom and JSON Feed, from an address or a file."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from newsletter import foreign
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.http import unzipped
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _encoding, _jsonfeed, _rss
from newsletter.sources._entry import Entry
from newsletter.sources._identity import identity

log = logging.getLogger(__name__)

_SHARED = 3  # a link that so many entries carry is no link to any of them


class FeedOptions(SourceOptions):
    """``url`` or ``path``; ``limit``: at most so many articles for one issue."""

    url: str | None = None
    path: str | None = None
    limit: int = Field(20, ge=1, strict=True)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.url) == bool(self.path):
            raise ValueError("expected either url or path, and exactly one of them")
        return self


class FeedSource:
    """One feed."""

    Options: ClassVar[type[SourceOptions]] = FeedOptions

    def __init__(self, options: SourceOptions, around: Surroundings) -> None:
        if not isinstance(options, FeedOptions):
            raise TypeError("a feed needs FeedOptions")
        self._options = options
        self._around = around
        self._name = options.url or options.path or ""
        self._zone = ZoneInfo(options.timezone) if options.timezone else around.zone

    def fetch(self, window: Window) -> Iterable[Article]:  # noqa: ARG002 - a feed has no way to ask
        """Every entry, in the feed's order; raises FetchError where there is no feed."""
        text, base = self._read()
        read = _jsonfeed.entries if text.lstrip().startswith("{") else _rss.entries
        found = read(text, self._name, base, self._zone)
        shared = _shared(found)
        return [self._article(entry, shared) for entry in found if self._has_words(entry)]

    def _read(self) -> tuple[str, str | None]:
        """The feed's text, and the address that it came from."""
        if self._options.url:
            answer = self._around.door.get(self._options.url)
            charset = _encoding.charset(answer.headers.get("content-type", ""))
            return _encoding.decoded(unzipped(answer.body, self._name), charset), answer.url
        path = self._around.folder / self._name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FetchError(
                f"{path} cannot be read: {error.strerror}; mend path in newsletter.toml."
            ) from None
        return _encoding.decoded(unzipped(data, self._name)), None

    def _has_words(self, entry: Entry) -> bool:
        if not entry.title:
            log.warning(
                "%s: the entry %s was passed over: it has neither a headline nor a text.",
                self._name,
                entry.key or entry.link or "without a name",
            )
        return bool(entry.title)

    def _article(self, entry: Entry, shared: set[str]) -> Article:
        link = foreign.canonical(entry.link) if entry.link else ""
        own = entry.key or ("" if link in shared else link) or entry.title
        return Article(
            id=identity(self._name, own),
            title=entry.title,
            source=self._name,
            url=entry.link,
            authors=entry.authors,
            published=entry.published,
            image=entry.image,
            caption=entry.caption or None,
            credit=entry.credit,
            blurb=entry.blurb,
            language=entry.language,
            section=self._options.section,
        )


def _shared(entries: Iterable[Entry]) -> set[str]:
    """Links that many entries carry, and so say nothing about any of them."""
    counts = Counter(foreign.canonical(entry.link) for entry in entries if entry.link)
    return {link for link, count in counts.items() if count >= _SHARED}
