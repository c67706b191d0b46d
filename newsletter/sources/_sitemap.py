"""Sitemaps: plain, for news, or an index of others; whatever prefix their tags have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from newsletter import sanitize
from newsletter.errors import FetchError
from newsletter.sources import _dates, _entry, _media
from newsletter.sources._entry import Picture

MOST = 50_000  # addresses; the protocol allows no more in one file


@dataclass(frozen=True)
class Place:
    """One page that a sitemap lists. ``request``: its address as written there."""

    url: str
    request: str
    title: str = ""
    published: datetime | None = None
    modified: datetime | None = None
    language: str | None = None
    image: str | None = None
    caption: str = ""


@dataclass(frozen=True)
class Child:
    """One sitemap that an index lists."""

    url: str
    modified: datetime | None


def read(text: str, name: str, zone: tzinfo) -> tuple[list[Place], list[Child]]:
    """The pages and the further sitemaps; raises FetchError for what is no sitemap."""
    from lxml import etree

    parser = etree.XMLParser(
        recover=True, resolve_entities=False, no_network=True, huge_tree=True, strip_cdata=True
    )
    source = _media.clean(text, name).lstrip("\ufeff \t\r\n").encode("utf-8", "replace")
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        raise FetchError(
            f"{name} is no sitemap; look for the address in the site's robots.txt, or use its feed."
        )
    places: list[Place] = []
    children: list[Child] = []
    for element in root:
        if _name(element) == "url" and len(places) < MOST:
            if place := _place(element, zone):
                places.append(place)
        elif _name(element) == "sitemap":
            modified = _dates.moment(_text(element, "lastmod"), zone)
            children.append(Child(_text(element, "loc"), modified))
    return places, [child for child in children if child.url]


def _place(element: Any, zone: tzinfo) -> Place | None:
    request = _text(element, "loc")
    url = sanitize.link(request)
    if not url:
        return None
    news = next(_children(element, "news"), None)
    images = list(_children(element, "image"))
    shown = [(Picture(_text(image, "loc")), image) for image in images]
    image, address = _entry.best((picture for picture, _ in shown), url)
    caption = next((_text(i, "caption", "title") for p, i in shown if p.address == address), "")
    modified = _dates.moment(_text(element, "lastmod"), zone)
    said = sanitize.one_line(sanitize.plain(caption), 1000) if image else ""
    if news is None:
        return Place(url, request, modified=modified, image=image, caption=said)
    about = next(_children(news, "publication"), news)
    return Place(
        url,
        request,
        title=sanitize.headline(_text(news, "title"), _text(about, "name")),
        published=_dates.moment(_text(news, "publication_date"), zone),
        modified=modified,
        language=_entry.language(_text(about, "language")),
        image=image,
        caption=said,
    )


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
