"""One saved HTML page → an article: OpenGraph, JSON-LD, then what stands on the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from newsletter import foreign
from newsletter.sources import _entry

if TYPE_CHECKING:
    import lxml.html
    from lxml.html import HtmlElement


@dataclass(frozen=True)
class PageFacts:
    """What a page says about its article."""

    title: str
    url: str | None
    authors: tuple[str, ...]
    published: datetime | None
    image: str | None
    caption: str
    credit: str
    blurb: str
    language: str | None


def read(data: bytes, zone: ZoneInfo) -> PageFacts:
    """The facts; ``title`` is empty where the page has no headline."""
    import lxml.html

    page = lxml.html.document_fromstring(data, parser=_parser(data))
    meta = _metas(page)
    news = next(_articles(page), {})
    url = foreign.link(_first(page, "//link[@rel='canonical']/@href") or meta.get("og:url") or "")
    site = meta.get("og:site_name") or _publisher(news)
    title = meta.get("og:title") or _text(news.get("headline")) or _first(page, "//h1")
    title = title or _first(page, "//title")
    caption, credit = _caption(page)
    names = _names(news.get("author")) or [
        meta.get("author") or meta.get("article:author") or _first(page, "//*[@rel='author']")
    ]
    paragraphs = page.xpath("//article//p") or page.xpath("//p")
    body = " ".join(p.text_content() for p in paragraphs[:6])
    when = _text(news.get("datePublished")) or meta.get("article:published_time")
    return PageFacts(
        title=foreign.headline(title, site),
        url=url,
        authors=_entry.authors(names),
        published=_entry.published(when, None, zone),
        image=foreign.picture(meta.get("og:image") or "", url),
        caption=caption,
        credit=credit,
        blurb=foreign.blurb(meta.get("og:description") or meta.get("description") or body),
        language=_first(page, "/html/@lang") or None,
    )


def _parser(data: bytes) -> lxml.html.HTMLParser:
    """Bytes that are UTF-8 are UTF-8; else what the page says of itself; else Korean Windows."""
    import lxml.html

    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        declared = re.search(rb"charset\s*=", data[:4096], re.IGNORECASE)
        bom = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return lxml.html.HTMLParser(encoding=None if declared or bom else "cp949")
    return lxml.html.HTMLParser(encoding="utf-8")


def _metas(page: HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in page.iter("meta"):
        name = meta.get("property") or meta.get("name") or ""
        found.setdefault(name.lower(), meta.get("content") or "")
    return found


def _articles(page: HtmlElement) -> Iterator[dict[str, Any]]:
    """The JSON-LD objects that describe an article, wherever they are nested."""
    for script in page.xpath("//script[@type='application/ld+json']/text()"):
        try:
            pending = [json.loads(script)]
        except ValueError:
            continue
        while pending:
            part = pending.pop(0)
            if isinstance(part, list):
                pending += part
            elif isinstance(part, dict):
                pending += [part["@graph"]] if "@graph" in part else []
                if "Article" in str(part.get("@type", "")):
                    yield part


def _names(author: object) -> list[str]:
    people = author if isinstance(author, list) else [author]
    names = [_text(p.get("name")) if isinstance(p, dict) else _text(p) for p in people]
    return [name for name in names if name]


def _publisher(news: dict[str, Any]) -> str:
    publisher = news.get("publisher")
    return _text(publisher.get("name")) if isinstance(publisher, dict) else ""


def _caption(page: HtmlElement) -> tuple[str, str]:
    text = foreign.one_line(_first(page, "//article//figcaption") or _first(page, "//figcaption"))
    caption, credit = _entry.credited(text)
    return caption, credit


def _first(page: HtmlElement, path: str) -> str:
    found = page.xpath(path)
    if not found:
        return ""
    return str(found[0] if isinstance(found[0], str) else found[0].text_content()).strip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
