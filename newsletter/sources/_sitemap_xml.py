"""Sitemaps: plain, for news, or an index of others; whatever prefix their tags have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from newsletter import sanitize
from newsletter.errors import FetchError
from newsletter.sources import _dates, _facts, _pictures, _xml
from newsletter.sources._facts import Facts
from newsletter.sources._pictures import Picture

MOST = 50_000  # addresses; the protocol allows no more in one file


@dataclass(frozen=True)
class ListedPage:
    """One page that a sitemap lists."""

    url: str
    request: str  # its address as written there
    modified: datetime | None
    facts: Facts


@dataclass(frozen=True)
class ListedSitemap:
    """One sitemap that an index lists."""

    url: str
    modified: datetime | None


def read(text: str, name: str, zone: tzinfo) -> tuple[list[ListedPage], list[ListedSitemap]]:
    """The pages and the further sitemaps; raises FetchError for what is no sitemap."""
    from lxml import etree

    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, huge_tree=True, strip_cdata=True
    )
    source = _xml.clean(text, name).lstrip("\ufeff \t\r\n").encode("utf-8", "replace")
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise FetchError(
            f"{name} is no sitemap; look for the address in the site's robots.txt, or use its feed."
        )
    pages: list[ListedPage] = []
    sitemaps: list[ListedSitemap] = []
    for element in root:
        if _name(element) == "url" and len(pages) < MOST:
            if page := _page(element, zone):
                pages.append(page)
        elif _name(element) == "sitemap":
            modified = _dates.parse_date(_text(element, "lastmod"), zone)
            sitemaps.append(ListedSitemap(_text(element, "loc"), modified))
    return pages, [sitemap for sitemap in sitemaps if sitemap.url]


def _page(element: Any, zone: tzinfo) -> ListedPage | None:
    request = _text(element, "loc")
    url = sanitize.link(request)
    if not url:
        return None
    news = next(_children(element, "news"), None)
    modified = _dates.parse_date(_text(element, "lastmod"), zone)
    image, caption = _image(element, url)
    facts = Facts(url=url, image=image, caption=caption)
    if news is not None:
        about = next(_children(news, "publication"), news)
        facts = replace(
            facts,
            title=sanitize.headline(_text(news, "title"), _text(about, "name")),
            published=_dates.parse_date(_text(news, "publication_date"), zone),
            language=_facts.language(_text(about, "language")),
        )
    return ListedPage(url, request, modified, facts)


def _image(element: Any, url: str) -> tuple[str | None, str]:
    """The page's picture and its caption."""
    pictures = [(Picture(_text(image, "loc")), image) for image in _children(element, "image")]
    image, address = _pictures.best((picture for picture, _ in pictures), url)
    if image is None:
        return None, ""
    captions = (_text(e, "caption", "title") for p, e in pictures if p.address == address)
    return image, sanitize.one_line(sanitize.plain(next(captions, "")), 1000)


def _children(element: Any, name: str) -> Iterator[Any]:
    return (child for child in element if _name(child) == name)


def _text(element: Any, *names: str) -> str:
    for name in names:
        for child in _children(element, name):
            if text := " ".join("".join(child.itertext()).split()):
                return text
    return ""


def _name(element: Any) -> str:
    """The tag without namespace or prefix; nothing for comments."""
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.rpartition("}")[2].rpartition(":")[2].lower()
