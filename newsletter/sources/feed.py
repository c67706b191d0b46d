"""Feeds: RSS and Atom by feedparser, JSON Feed by hand; from an address or a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from newsletter import foreign
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _entry
from newsletter.sources._identity import identity

_JSON_FEED = "https://jsonfeed.org/version/1"
_SHARED = 3  # a link that so many entries carry is no link to any of them


class FeedOptions(SourceOptions):
    """``url`` or ``path``; ``limit``: at most so many articles for one issue."""

    url: str | None = None
    path: str | None = None
    limit: int = Field(20, ge=1)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.url) == bool(self.path):
            raise ValueError("expected either url or path")
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

    def fetch(self, window: Window) -> Iterable[Article]:  # noqa: ARG002 - a feed has no way to ask
        """Every entry that has a headline, in the feed's order."""
        data, base = self._read()
        if data.lstrip()[:1] == b"{":
            return list(self._from_json(data, base))
        return list(self._from_xml(data, base))

    def _read(self) -> tuple[bytes, str | None]:
        """The feed's bytes, and the address that relative links start from."""
        if self._options.url:
            answer = self._around.door.get(self._options.url)
            return answer.body, answer.url
        path = self._around.folder / self._name
        try:
            return path.read_bytes(), None
        except OSError as error:
            raise FetchError(
                f"{path} cannot be read: {error.strerror}; mend path in newsletter.toml."
            ) from None

    def _from_xml(self, data: bytes, base: str | None) -> Iterator[Article]:
        import feedparser

        if b"<!ENTITY" in data[:4096].upper():
            raise FetchError(
                f"{self._name} declares entities of its own, which is not safe to read."
            )
        headers = {"content-location": base} if base else {}
        parsed = feedparser.parse(data, response_headers=headers)
        if not parsed.entries and (parsed.bozo or not parsed.version):
            what = "is a web page, not a feed" if b"<html" in data[:2000].lower() else "is no feed"
            raise FetchError(f"{self._name} {what}; look for the feed's own address.")
        site = str(parsed.feed.get("title") or "")
        language = _language(parsed.feed.get("language"))
        base = base or foreign.link(parsed.feed.get("link"))
        shared = _shared(str(entry.get("link") or "") for entry in parsed.entries)
        for entry in parsed.entries:
            link = foreign.link(entry.get("link"), base)
            image, caption, credit = _entry.picture(entry, base)
            names = [str(each.get("name") or "") for each in entry.get("authors", ())]
            if found := self._article(
                key=str(entry.get("id") or ""),
                title=foreign.headline(str(entry.get("title") or ""), site),
                link=link,
                shared=str(entry.get("link") or "") in shared,
                authors=_entry.authors(names or [str(entry.get("author") or "")]),
                published=_entry.published(
                    entry.get("published") or entry.get("updated"),
                    entry.get("published_parsed") or entry.get("updated_parsed"),
                    self._zone(),
                ),
                image=image,
                caption=caption or None,
                credit=credit or None,
                blurb=foreign.blurb(_entry.summary(entry)),
                language=_language(entry.get("language")) or language,
            ):
                yield found

    def _from_json(self, data: bytes, base: str | None) -> Iterator[Article]:
        feed = self._json(data)
        base = base or foreign.link(feed.get("home_page_url"))
        items = [item for item in feed.get("items", ()) if isinstance(item, dict)]
        shared = _shared(str(item.get("url") or "") for item in items)
        for item in items:
            html = str(item.get("content_html") or item.get("content_text") or "")
            image = foreign.picture(_text(item, "image") or _text(item, "banner_image"), base)
            people = item.get("authors") or [item.get("author")]
            names = [str(p.get("name") or "") for p in people if isinstance(p, dict)]
            if found := self._article(
                key=str(item.get("id") or ""),
                title=foreign.headline(_text(item, "title"), _text(feed, "title")),
                link=foreign.link(_text(item, "url") or _text(item, "external_url"), base),
                shared=str(item.get("url") or "") in shared,
                authors=_entry.authors(names),
                published=_entry.published(
                    _text(item, "date_published") or _text(item, "date_modified"),
                    None,
                    self._zone(),
                ),
                image=image or _entry.first_picture(html, base),
                blurb=foreign.blurb(_text(item, "summary") or html),
                language=_language(item.get("language") or feed.get("language")),
            ):
                yield found

    def _json(self, data: bytes) -> dict[str, Any]:
        try:
            feed = json.loads(data)
        except ValueError as error:
            raise FetchError(f"{self._name} is not valid JSON: {error}.") from None
        if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
            raise FetchError(f"{self._name} is JSON, but no JSON Feed: it has no list of items.")
        return feed

    def _article(
        self, *, key: str, title: str, link: str | None, shared: bool, **facts: Any
    ) -> Article | None:
        """The article; None for an entry without a headline, which nobody could choose."""
        if not title:
            return None
        own = key or (None if shared or not link else foreign.canonical(link)) or title
        return Article(
            id=identity(self._name, own),
            title=title,
            url=link,
            source=self._name,
            section=self._options.section,
            **facts,
        )

    def _zone(self) -> ZoneInfo:
        return self._around.zone


def _shared(links: Iterable[str]) -> set[str]:
    return {link for link, count in Counter(links).items() if link and count >= _SHARED}


def _text(item: Mapping[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _language(value: object) -> str | None:
    text = foreign.one_line(str(value or ""), 20)
    return text or None
