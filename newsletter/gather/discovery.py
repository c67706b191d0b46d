"""Find out what a site offers: its WordPress, its feeds, its news sitemap, or one article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo

from newsletter import sources
from newsletter.errors import FetchError
from newsletter.http import Response, SupportsGet
from newsletter.model import Article, Window
from newsletter.sanitize import canonical, one_line
from newsletter.sources import Surroundings

MAX_TRIED = 12  # addresses after the first

_LINK = re.compile(r"<link\b[^>]{0,1000}>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>([^<]{0,500})", re.IGNORECASE)
_ARTICLE = re.compile(
    r"""property=["']?og:type["']?\s+content=["']?article|"@type"\s*:\s*"[A-Za-z]*Article""",
    re.IGNORECASE,
)
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_USUAL = (
    ("feed", "/feed/"),
    ("sitemap", "/news-sitemap.xml"),
    ("sitemap", "/sitemap-news.xml"),
    ("feed", "/rss.xml"),
    ("feed", "/feed.xml"),
    ("feed", "/atom.xml"),
    ("feed", "/feed.json"),
)
_ORDER = ("page", "wordpress", "feed", "sitemap")  # the one with the most about an article first
_NOWHERE = Path("/nonexistent")


@dataclass(frozen=True)
class DiscoveredSource:
    """A source that was read. ``articles``: how many it has now."""

    type: str
    url: str
    title: str
    articles: int
    newest: datetime | None


def discover(url: str, fetcher: SupportsGet) -> list[DiscoveredSource]:
    """The sources at an address, the best first; empty if there is none.

    Raises FetchError if the address itself cannot be read.
    """
    start = url if "://" in url else f"https://{url}"
    answer = fetcher.get(start)
    head = answer.body[:300_000].decode("utf-8", "replace")
    title = one_line(match[1]) if (match := _TITLE.search(head)) else ""
    found_at: dict[tuple[str, str], DiscoveredSource] = {}
    for kind, place in islice(_places(answer, head, fetcher), MAX_TRIED):
        if (kind, canonical(place)) not in found_at and (
            read := _read(kind, place, title, fetcher)
        ):
            found_at[kind, canonical(place)] = read
    # A feed of comments, or of an empty tag, comes last.
    ranked = sorted(found_at.values(), key=lambda each: _ORDER.index(each.type))
    ranked.sort(key=lambda each: each.articles == 0 or "comments" in each.url)
    return ranked


def _places(answer: Response, head: str, fetcher: SupportsGet) -> Iterator[tuple[str, str]]:
    """The places to try, the likely ones first."""
    here = answer.url
    if not re.match(r"\s*(?:<!doctype html|<html|<head)", head, re.IGNORECASE):
        yield "feed", here
        yield "sitemap", here
        return
    if urlsplit(here).path.strip("/") and _ARTICLE.search(head):
        yield "page", here
    named = list(_declared(head, here))
    yield from named
    site = _wordpress(answer, head)
    if site:
        yield "wordpress", site
    for sitemap in _robots(here, fetcher):
        yield "sitemap", sitemap
    if not any(kind == "feed" for kind, _ in named):
        for kind, path in _USUAL:
            yield kind, urljoin(here, path)


def _declared(head: str, here: str) -> Iterator[tuple[str, str]]:
    """The feeds that a page links in its head."""
    for tag in _LINK.findall(head):
        attributes = {m[1].lower(): m[2] or m[3] or m[4] or "" for m in _ATTRIBUTE.finditer(tag)}
        is_alternate = "alternate" in attributes.get("rel", "").lower()
        if is_alternate and attributes.get("type", "") in _FEED_TYPES:
            yield "feed", urljoin(here, attributes.get("href", "").replace("&amp;", "&"))


def _wordpress(answer: Response, head: str) -> str | None:
    """The address of the site if it runs WordPress."""
    link = answer.headers.get("link", "")
    match = re.search(r"<([^>]+)>;\s*rel=\"?https://api\.w\.org/", link) or re.search(
        r"""rel=["']https://api\.w\.org/["']\s+href=["']([^"']+)""", head
    )
    if match:
        root = urljoin(answer.url, str(match[1]))
        return root.partition("/wp-json")[0].partition("?")[0].rstrip("/") + "/"
    if re.search(r"/wp-content/|content=[\"']WordPress", head):
        parts = urlsplit(answer.url)
        return f"{parts.scheme}://{parts.netloc}/"
    return None


def _robots(here: str, fetcher: SupportsGet) -> list[str]:
    """The sitemaps in robots.txt; if some are for news, only those."""
    try:
        text = fetcher.get(urljoin(here, "/robots.txt")).body.decode("utf-8", "replace")
    except FetchError:
        return []
    named = [m[1] for m in re.finditer(r"(?im)^\s*sitemap\s*:\s*(https?://\S+)", text)]
    news = [url for url in named if "news" in url.lower()]
    return (news or named)[:3]


def _read(kind: str, url: str, title: str, fetcher: SupportsGet) -> DiscoveredSource | None:
    """The source of that kind at that place, if it can be read and has articles."""
    model = sources.options(kind)
    more = {"read_pages": False} if kind == "sitemap" else {}
    now = datetime.now(UTC)
    try:
        options = model.model_validate({"type": kind, "url": url, **more})
        around = Surroundings(_NOWHERE, ZoneInfo("UTC"), fetcher)
        window = Window(now - timedelta(days=31), now)
        articles: list[Article] = list(sources.build(options, around).fetch(window))
    except (FetchError, ValueError):
        return None
    dates = [article.published for article in articles if article.published]
    if kind == "sitemap" and not any(article.title for article in articles):
        return None  # a sitemap of pages, not of news
    return DiscoveredSource(kind, url, title, len(articles), max(dates, default=None))
