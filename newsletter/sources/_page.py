"""One saved HTML page → an article: OpenGraph, JSON-LD, then what stands on the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter import foreign
from newsletter.sources import _bylines, _dates, _encoding, _entry
from newsletter.sources._entry import Picture

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MARKED_CREDIT = " or ".join(f"contains(@class, '{word}')" for word in ("credit", "copyright"))
_ENOUGH = 600  # characters of body text, more than a blurb shows


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


def read(data: bytes, zone: tzinfo) -> PageFacts:
    """The facts; ``title`` is empty where the page has no headline.

    Raises ValueError for bytes in which there is no page at all.
    """
    page = _parsed(_encoding.decoded(data))
    meta = _metas(page)
    news = next(_articles(page), {})
    url = _own_address(page, meta)
    titles = (
        meta.get("og:title"),
        _text(news.get("headline")),
        _first(page, "//article//h1"),
        _first(page, "//h1"),
        _first(page, "//title"),
    )
    site = f"{meta.get('og:site_name') or _publisher(news)} | {urlsplit(url or '').hostname or ''}"
    when = (
        _text(news.get("datePublished")),
        meta.get("article:published_time"),
        meta.get("datepublished"),
        _first(page, "//article//time/@datetime"),
    )
    image, caption, credit = _picture(page, meta, news, url)
    return PageFacts(
        title=next((found for raw in titles if (found := foreign.headline(raw or "", site))), ""),
        url=url,
        authors=_authors(page, meta, news),
        published=next((at for raw in when if (at := _dates.moment(raw, zone))), None),
        image=image,
        caption=caption,
        credit=credit,
        blurb=foreign.blurb(
            meta.get("og:description")
            or meta.get("description")
            or _text(news.get("description"))
            or _body(page)
        ),
        language=_entry.language(_first(page, "/html/@lang") or meta.get("og:locale")),
    )


def _parsed(text: str) -> HtmlElement:
    import lxml.etree
    import lxml.html

    source = text.replace("\0", "").encode("utf-8", "replace")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return lxml.html.document_fromstring(source, parser=parser)
    except lxml.etree.LxmlError as error:
        raise ValueError(f"there is no page in it ({error})") from None


def _metas(page: HtmlElement) -> dict[str, str]:
    found: dict[str, str] = {}
    for meta in page.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop") or ""
        if content := (meta.get("content") or "").strip():
            found.setdefault(name.lower(), content)
    return found


def _articles(page: HtmlElement) -> Iterator[dict[str, Any]]:
    """The JSON-LD objects that describe an article, wherever they are nested."""
    for script in page.xpath("//script[@type='application/ld+json']/text()"):
        try:
            pending = [json.loads(script, strict=False)]
        except (ValueError, RecursionError):
            continue
        while pending:
            part = pending.pop(0)
            if isinstance(part, list):
                pending += part
            elif isinstance(part, dict):
                pending += [part["@graph"]] if "@graph" in part else []
                if any(kind in str(part.get("@type", "")) for kind in ("Article", "Posting")):
                    yield part


def _own_address(page: HtmlElement, meta: dict[str, str]) -> str | None:
    """The address that the page gives itself; a site's front page is none."""
    for raw in (_first(page, "//link[@rel='canonical']/@href"), meta.get("og:url")):
        url = foreign.link(raw)
        if url and (urlsplit(url).path.strip("/") or urlsplit(url).query):
            return url
    return None


def _authors(page: HtmlElement, meta: dict[str, str], news: dict[str, Any]) -> tuple[str, ...]:
    said = news.get("author")
    people = said if isinstance(said, list) else [said]
    in_json = (_text(p.get("name")) if isinstance(p, dict) else _text(p) for p in people)
    return (
        _bylines.names(in_json)
        or _bylines.names([meta.get("author", "")])
        or _bylines.names([meta.get("article:author", "")])
        or _bylines.names([_first(page, "//*[@rel='author']")])
    )


def _picture(
    page: HtmlElement, meta: dict[str, str], news: dict[str, Any], base: str | None
) -> tuple[str | None, str, str]:
    """The article's picture with its caption and credit."""
    figures = page.xpath("//article//figure[.//figcaption]") or page.xpath(
        "//figure[.//figcaption]"
    )
    figure = figures[0] if figures else None
    in_figure = "" if figure is None else _first(figure, ".//img/@src")
    named = (
        meta.get("og:image"),
        meta.get("og:image:url"),
        meta.get("twitter:image"),
        *_addresses(news.get("image")),
        in_figure,
    )
    image, _ = _entry.best((Picture(address) for address in named if address), base)
    return (image, *(_said(figure) if figure is not None else ("", "")))


def _said(figure: HtmlElement) -> tuple[str, str]:
    """Caption and credit, the latter where the page marks it, else out of the caption's end."""
    caption = figure.xpath(".//figcaption")[0]
    marked = next((e for e in figure.xpath(f".//*[{_MARKED_CREDIT}]") if e is not caption), None)
    whole = foreign.one_line(caption.text_content(), 1000)
    if marked is None:
        text, credit = _bylines.credited(whole)
        return text, foreign.one_line(credit, _bylines.LONGEST)
    said = foreign.one_line(marked.text_content(), _bylines.LONGEST)
    bare, credit = _bylines.credited(said)
    return whole.removesuffix(said).rstrip(" /|-–—("), credit or bare.strip(" ()[]")


def _addresses(image: object) -> Iterator[str]:
    for each in image if isinstance(image, list) else [image]:
        yield _text(each.get("url")) if isinstance(each, dict) else _text(each)


def _body(page: HtmlElement) -> str:
    from lxml import etree

    html = ""
    for paragraph in page.xpath("//article//p") or page.xpath("//p"):
        html += etree.tostring(paragraph, encoding="unicode")
        if len(html) > _ENOUGH:
            break
    return html


def _publisher(news: dict[str, Any]) -> str:
    publisher = news.get("publisher")
    return _text(publisher.get("name")) if isinstance(publisher, dict) else ""


def _first(page: HtmlElement, path: str) -> str:
    found = page.xpath(path)
    if not found:
        return ""
    return str(found[0] if isinstance(found[0], str) else found[0].text_content()).strip()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
