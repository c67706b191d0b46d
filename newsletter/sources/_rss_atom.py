"""RSS 0.9x, 1.0, 2.0 and Atom → entries, with feedparser (which never gets to fetch anything)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from newsletter import sanitize
from newsletter.errors import FetchError
from newsletter.sources import _bylines, _dates, _facts, _media_rss, _pictures, _xml
from newsletter.sources._facts import Facts
from newsletter.sources._pictures import Picture

_ROOT = re.compile(r"<(?:\w{1,20}:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)
_BEFORE_THE_ROOT = 50_000  # characters of declarations and comments
_LONGEST = 100_000  # characters of an entry's text, of which a few sentences are shown
_WEB_PAGE = re.compile(
    r"^\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)


def entries(
    text: str, name: str, base: str | None, zone: tzinfo
) -> tuple[list[Facts], datetime | None]:
    """The entries of the feed ``name``, in its order, and when it was made.

    ``base``: where it was fetched.

    Raises FetchError for what is no feed, with what it is instead.
    """
    import feedparser

    if not _ROOT.search(text, 0, _BEFORE_THE_ROOT):
        raise FetchError(_reason(text, name, {}))
    cleaned = _xml.clean(text, name)
    # The charset must be said, or feedparser takes the text for Latin-1.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        parsed = feedparser.parse(
            _media_rss.without_words(cleaned).encode("utf-8", "replace"),
            response_headers=headers,
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise FetchError(f"{name} cannot be read as a feed: {error}; tell the publisher.") from None
    if not parsed.entries and (parsed.bozo or not parsed.get("version")):
        raise FetchError(_reason(text, name, parsed))
    feed = _Feed(parsed, base, zone, _media_rss.words(cleaned))
    return [feed.entry(entry) for entry in parsed.entries], _made(parsed["feed"], zone)


class _Feed:
    """What the entries of one feed have in common."""

    def __init__(
        self,
        parsed: Mapping[str, Any],
        base: str | None,
        zone: tzinfo,
        words: Mapping[str, tuple[str, str]],
    ) -> None:
        feed = parsed["feed"]
        home = sanitize.link(str(feed.get("link") or ""), base)
        atom = str(parsed.get("version", "")).startswith("atom")
        # Relative links of RSS start from the site; Atom's from where the feed was.
        self._base = (base or home) if atom else (home or base)
        self._base = self._base or sanitize.link(str(feed.get("id") or ""))
        self._zone = zone
        self._words = words
        self._language = _facts.language(feed.get("language"))
        self._authors = _authors(feed) if atom else ()
        host = urlsplit(home or "").hostname or ""
        self._site = f"{feed.get('title') or ''} | {host.removeprefix('www.')}"

    def entry(self, entry: Mapping[str, Any]) -> Facts:
        summary = str(entry.get("summary") or "")[:_LONGEST]
        content = _content(entry)[:_LONGEST]
        key = str(entry.get("id") or "").strip()
        base = self._base or sanitize.link(key)
        image, address = _pictures.best(_named_pictures(entry, content, summary), base)
        title = str(entry.get("title") or "")
        site = f"{self._site} | {_origin(entry)}"
        headline = _facts.headline(title, summary or content, site)
        caption, credit = self._words.get(address, ("", "")) if image else ("", "")
        if image and not caption:
            under = (_pictures.captions(html).get(address) for html in (content, summary))
            caption, in_caption = _bylines.split_credit(next(filter(None, under), ""))
            credit = credit or in_caption
        caption = sanitize.one_line(sanitize.plain(caption), 1000)
        blurb = sanitize.blurb(summary)
        dates = ((_dates.parse_date(raw, self._zone), raw) for raw in _dated(entry))
        published, label = next((date for date in dates if date[0]), (None, ""))
        return Facts(
            title=headline,
            key=key,
            url=sanitize.link(str(entry.get("link") or ""), base) or _permanent(key),
            authors=_authors(entry) or self._authors,
            published=published,
            says_utc=_dates.says_utc(label),
            image=image,
            caption=caption if caption != headline else None,
            credit=sanitize.one_line(sanitize.plain(credit), _bylines.LONGEST) or None,
            blurb=sanitize.blurb(content) if blurb in ("", headline) and content else blurb,
            language=_facts.language(entry.get("language")) or self._language,
        )


def _made(feed: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    return _dates.parse_date(str(feed["updated"]), zone) if "updated" in feed else None


def _dated(entry: Mapping[str, Any]) -> Iterator[str]:
    # Asked one by one: feedparser warns about a missing "updated" where there is "published".
    for key in ("published", "updated", "created"):
        if key in entry:
            yield str(entry[key] or "")


def _authors(entry: Mapping[str, Any]) -> tuple[str, ...]:
    people = [str(person.get("name") or "") for person in _parts(entry, "authors")]
    author = str(entry.get("author") or "")
    return _bylines.parse_authors(people) or _bylines.parse_authors([author])


def _content(entry: Mapping[str, Any]) -> str:
    return max(
        (str(part.get("value") or "") for part in _parts(entry, "content")), key=len, default=""
    )


def _permanent(key: str) -> str | None:
    """The link that an entry has only as its guid."""
    return sanitize.link(key) if re.match("https?://", key) else None


def _parts(entry: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of that name; an element of the feed's own may have put something else there."""
    value = entry.get(name)
    listed = value if isinstance(value, list) else [value]
    return [part for part in listed if isinstance(part, Mapping)]


def _origin(entry: Mapping[str, Any]) -> str:
    """The site that an entry was taken over from."""
    return next((str(source.get("title") or "") for source in _parts(entry, "source")), "")


def _named_pictures(entry: Mapping[str, Any], content: str, summary: str) -> Iterator[Picture]:
    """Every picture that the entry names, the best first."""
    for kind in ("media_content", "media_thumbnail"):
        media = [
            Picture(
                str(item.get("url") or "").strip(),
                _pictures.size(item.get("width")),
                str(item.get("type") or item.get("medium") or ""),
            )
            for item in _parts(entry, kind)
        ]
        yield from sorted(media, key=lambda picture: -picture.width)
    for link in _parts(entry, "links"):
        kind = str(link.get("type") or "")
        if link.get("rel") == "enclosure" and kind.startswith("image"):
            yield Picture(str(link.get("href") or ""), 0, kind)
    yield from (Picture(str(image.get("href") or "")) for image in _parts(entry, "image"))
    yield from _pictures.shown_in(content)
    yield from _pictures.shown_in(summary)


def _reason(text: str, name: str, parsed: Mapping[str, Any]) -> str:
    """Why this is no feed, and what to do."""
    if not text.strip():
        return f"{name} is empty; see whether the feed's address has changed."
    if _WEB_PAGE.match(text):
        feeds = re.findall(r"<link\b[^>]{0,500}application/(?:rss|atom)\+xml[^>]{0,500}>", text)
        named = [m[1] for tag in feeds if (m := re.search(r"""href=["']([^"'\s]+)""", tag))]
        hint = f"; the page names {named[0]}" if named else "; look for the feed's own address"
        return f"{name} is a web page, not a feed{hint}."
    if parsed.get("version"):
        return (
            f"{name} is broken off or malformed, and no entry of it can be read "
            f"({parsed.get('bozo_exception')}); try again later, or tell the publisher."
        )
    return f"{name} is no feed that is known (RSS, Atom, JSON Feed); look at its address."
