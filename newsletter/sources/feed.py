"""Feeds: RSS, Atom and JSON Feed, from an address or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import model_validator

from newsletter.config import LimitedSourceOptions
from newsletter.errors import FetchError
from newsletter.http import gunzip
from newsletter.model import Article, Window
from newsletter.sources import (
    Facts,
    Surroundings,
    _encoding,
    _jsonfeed,
    _rss_atom,
    _size_limits,
    article,
    entry_id,
    parsing,
    shared_links,
)

_CLOCKS_DIFFER = timedelta(minutes=10)


class FeedSource:
    """One feed."""

    class Options(LimitedSourceOptions):
        """Exactly one of ``url`` and ``path``."""

        url: str | None = None
        path: str | None = None

        @model_validator(mode="after")
        def _one_place(self) -> Self:
            if bool(self.url) == bool(self.path):
                raise ValueError("expected either url or path, and exactly one of them")
            return self

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._name = options.url or options.path or ""
        self._zone = around.zone_of(options)

    def fetch(self, window: Window) -> Iterable[Article]:
        """Every entry, in the feed's order; raises FetchError where there is no feed."""
        data, charset, base = self._read()
        with parsing():
            text = _encoding.decoded(_size_limits.feed(gunzip(data(), self._name)), charset)
            read = _jsonfeed.entries if text.lstrip().startswith("{") else _rss_atom.entries
            entries, feed_date = read(text, self._name, base, self._zone)
            entries = _in_the_past(entries, min(feed_date or window.end, window.end), self._zone)
            shared = shared_links((number, entry.url) for number, entry in enumerate(entries))
            return [
                article(self._options, entry_id(self._name, entry, shared), entry)
                for entry in entries
            ]

    def _read(self) -> tuple[Callable[[], bytes], str | None, str | None]:
        """A way to the feed's bytes, its declared charset, and the address it came from."""
        if self._options.url:
            answer = self._around.fetcher.get(self._options.url)
            charset = _encoding.charset(answer.headers.get("content-type", ""))
            return lambda: answer.body, charset, answer.url
        path = self._around.folder / self._name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise FetchError(
                f"{path} cannot be read: {error.strerror}; mend path in newsletter.toml."
            ) from None
        return lambda: data, None, None


def _in_the_past(entries: list[Facts], now: datetime, zone: ZoneInfo) -> list[Facts]:
    """Local times that are labelled as UTC, as some content systems do, read as what they are.

    They give themselves away by lying in the future, and by no longer doing so in the source's
    own zone.
    """
    latest = now + _CLOCKS_DIFFER
    labelled = [e.published for e in entries if e.says_utc and e.published]
    if all(when <= latest for when in labelled):
        return entries
    if any(when.replace(tzinfo=zone) > latest for when in labelled):
        return entries
    return [
        replace(e, published=e.published.replace(tzinfo=zone).astimezone(UTC))
        if e.says_utc and e.published
        else e
        for e in entries
    ]
