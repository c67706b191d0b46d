"""One HTML page → an article: what it says for machines, then what stands on it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import tzinfo
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from newsletter import sanitize
from newsletter.sources import (
    _bylines,
    _encoding,
    _facts,
    _jsonld,
    _page_bylines,
    _page_dates,
    _page_titles,
    _pictures,
    _size_limits,
)
from newsletter.sources._facts import Facts
from newsletter.sources._jsonld import text as _text
from newsletter.sources._pictures import Picture

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_MARKED_CREDIT = " or ".join(f"contains(@class, '{word}')" for word in ("credit", "copyright"))
_APART = " or ".join(
    f"contains(@class, '{word}')" for word in ("byline", "author", "credit", "caption", "date")
)
_TELLS = f"not({_APART}) and not(ancestor::figure or ancestor::nav or ancestor::footer)"
_ENOUGH = 600  # characters of body text, more than a blurb shows
_LEAST = 80  # characters of a body; menus have less
_NO_STORY = re.compile(
    r"(?:^|[-_/.])(?:logo|default|placeholder|no-?image|noimg|avatar|favicon|icon|sprite|"
    r"share[-_]?(?:image|default)|og[-_]?(?:image|default))s?(?:[-_.]|\d|$)",
    re.IGNORECASE,
)
_IN_SCRIPT = re.compile(
    r'\\?"(?:articleBody|contentHtml|content_html|bodyHtml|body_html|body|content|description)\\?"'
    r'\s*:\s*\\?"((?:[^"\\]|\\.){80,20000}?)\\?"[,}]'
)


def read(data: bytes, zone: tzinfo, base: str | None = None) -> Facts:
    """The facts; ``title`` is empty where the page has no headline. ``base``: where it was.

    Raises ValueError for bytes in which there is no page at all.
    """
    source = _encoding.decoded(_size_limits.cut(data, _size_limits.PAGE))
    page = _parsed(source)
    meta = _metas(page)
    news = _jsonld.article(page, meta.get("og:title") or _first(page, "//title"))
    url = _own_address(page, meta, base)
    site = [
        meta.get("og:site_name", ""),
        _text(news.get("publisher")),
        meta.get("article:section", ""),
        meta.get("application-name", ""),
        (urlsplit(url or base or "").hostname or "").removeprefix("www."),
    ]
    image, caption, credit = _picture(page, meta, news, url or base)
    facts = Facts(
        title=_page_titles.headline(page, meta, news, site),
        url=url,
        authors=_page_bylines.authors(page, news, site),
        published=_page_dates.published(page, meta, news, url or base, zone),
        image=image,
        caption=caption,
        credit=credit,
        blurb=_blurb(page, meta, news),
        language=_facts.language(_first(page, "/html/@lang") or meta.get("og:locale")),
    )
    return facts if facts.title and facts.blurb else _filled(facts, source)


def _filled(facts: Facts, source: str) -> Facts:
    """What is still missing, as trafilatura finds it in the text."""
    import trafilatura

    try:
        document = trafilatura.bare_extraction(source, with_metadata=True)
    except (ValueError, TypeError, AttributeError, RecursionError):  # of a page it cannot bear
        document = None
    if document is None:
        return facts
    fields = document if isinstance(document, dict) else document.as_dict()
    text = str(fields.get("text") or "").removeprefix(facts.title)
    return replace(
        facts,
        title=facts.title or sanitize.headline(str(fields.get("title") or "")),
        blurb=facts.blurb or (sanitize.blurb(escape(text)) if len(text) >= _LEAST else ""),
    )


def _parsed(text: str) -> HtmlElement:
    import lxml.etree
    import lxml.html

    source = text.replace("\0", "").encode("utf-8", "replace")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return lxml.html.document_fromstring(source, parser=parser)
    except (lxml.etree.LxmlError, AssertionError) as error:
        raise ValueError(f"there is no page in it ({error})") from None


def _metas(page: HtmlElement) -> dict[str, str]:
    contents: dict[str, str] = {}
    for meta in page.iter("meta"):
        for name in (meta.get("property"), meta.get("name"), meta.get("itemprop")):
            if name and (content := (meta.get("content") or "").strip()):
                contents.setdefault(name.lower().strip(), content)
    return contents


def _own_address(page: HtmlElement, meta: Mapping[str, str], base: str | None) -> str | None:
    """The address that the page gives itself; a site's front page is none."""
    for raw in (_first(page, "//link[@rel='canonical']/@href"), meta.get("og:url")):
        url = sanitize.link(raw, base) if raw else None
        if url and (urlsplit(url).path.strip("/") or urlsplit(url).query):
            return url
    return None


def _blurb(page: HtmlElement, meta: Mapping[str, str], news: Mapping[str, Any]) -> str:
    ways = (
        meta.get("og:description", ""),
        meta.get("description", ""),
        _text(news.get("description")),
        meta.get("twitter:description", ""),
        _text(news.get("articleBody")),
    )
    for description in ways:
        if blurb := sanitize.blurb(description):
            return blurb
    body = _body(page)
    if len(sanitize.plain(body)) < _LEAST:
        body = _body_in_script(page) or body
    return sanitize.blurb(body)


def _body(page: HtmlElement) -> str:
    from lxml import etree

    html = ""
    for paragraph in page.xpath(f"//article//p[{_TELLS}]") or page.xpath(f"//p[{_TELLS}]"):
        html += etree.tostring(paragraph, encoding="unicode")
        if len(html) > _ENOUGH:
            break
    return html


def _body_in_script(page: HtmlElement) -> str:
    """The longest text that a page keeps for its own program."""
    best = ""
    for script in page.xpath("//script[not(@src)]/text()"):
        for match in _IN_SCRIPT.finditer(script[:1_000_000]):
            try:
                value = json.loads(f'"{match[1]}"', strict=False)
                value = json.loads(f'"{value}"', strict=False) if "\\u003c" in value else value
            except ValueError:
                continue
            best = max(best, value, key=len)
    return best


def _picture(
    page: HtmlElement, meta: Mapping[str, str], news: Mapping[str, Any], base: str | None
) -> tuple[str | None, str, str]:
    """The article's picture with its caption and credit."""
    figures = page.xpath("//article//figure") or page.xpath("//figure")
    named = (
        meta.get("og:image"),
        meta.get("og:image:url"),
        meta.get("og:image:secure_url"),
        *_addresses(news.get("image")),
        meta.get("twitter:image"),
        meta.get("twitter:image:src"),
        _text(news.get("thumbnailUrl")),
        _first(page, "//link[@rel='image_src']/@href"),
    )
    pictures = [Picture(address) for address in named if address and not _is_none(address)]
    for place in [*figures[:3], *page.xpath("//article | //main")[:1]]:
        pictures += [p for p in _shown_in(place) if not _is_none(p.address)]
    image, address = _pictures.best(pictures, base)
    if image is None:
        return None, "", ""
    figure = next((candidate for candidate in figures if _stem(address) in _stems(candidate)), None)
    figure = figure if figure is not None else next(iter(figures), None)
    return (image, *(_said(figure) if figure is not None else ("", "")))


def _shown_in(place: HtmlElement) -> Iterator[Picture]:
    from lxml import etree

    return _pictures.shown_in(etree.tostring(place, encoding="unicode")[:200_000])


def _is_none(address: str) -> bool:
    """Whether a picture stands for the site and not for the story."""
    return bool(_NO_STORY.search(urlsplit(address).path.rsplit("/", 1)[-1]))


def _stems(figure: HtmlElement) -> set[str]:
    return {_stem(address) for address in figure.xpath(".//img/@src | .//img/@data-src")} - {""}


def _stem(address: str) -> str:
    """The picture's own name, whatever its size and format."""
    name = urlsplit(address).path.rsplit("/", 1)[-1]
    return re.sub(r"(?:-\d+x\d+|-scaled)?(?:\.\w{3,4})*$", "", name)


def _said(figure: HtmlElement) -> tuple[str, str]:
    """Caption and credit, the latter where the page marks it, else out of the caption's end."""
    captions = figure.xpath(".//figcaption")
    if not captions:
        return "", ""
    caption = captions[0]
    marked = next((e for e in figure.xpath(f".//*[{_MARKED_CREDIT}]") if e is not caption), None)
    line = sanitize.one_line(caption.text_content(), 1000)
    if marked is None:
        text, credit = _bylines.split_credit(line)
        return text, sanitize.one_line(credit, _bylines.LONGEST)
    credit_line = sanitize.one_line(marked.text_content(), _bylines.LONGEST)
    bare, credit = _bylines.split_credit(credit_line)
    return line.removesuffix(credit_line).rstrip(" /|-–—("), credit or bare.strip(" ()[]")


def _addresses(image: object) -> Iterator[str]:
    """The pictures of JSON-LD, the widest first."""
    listed = image if isinstance(image, list) else [image]
    objects = [item for item in listed if isinstance(item, dict)]
    objects.sort(key=lambda picture: -_pictures.size(picture.get("width")))
    for picture in objects:
        yield _text(picture.get("url")) or _text(picture.get("contentUrl"))
    yield from (item for item in listed if isinstance(item, str))


def _first(page: HtmlElement, path: str) -> str:
    results = page.xpath(path)
    if not results:
        return ""
    return str(results[0] if isinstance(results[0], str) else results[0].text_content()).strip()
