"""A news sitemap, or an index of sitemaps: what is new, and the rest from the pages themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import Field

from newsletter import sanitize
from newsletter.config import LimitedSourceOptions
from newsletter.errors import FetchError
from newsletter.http import unzipped
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _encoding, _page, _sitemap, _trim
from newsletter.sources._identity import identity
from newsletter.sources._room import parsing
from newsletter.sources._sitemap import Child, Place

log = logging.getLogger(__name__)

CHILDREN = 20  # sitemaps of an index that are read
DEPTH = 2
AT_ONCE = 4  # pages of the site that are read at the same time

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class SitemapSource:
    """One sitemap."""

    class Options(LimitedSourceOptions):
        """``url``; ``read_pages`` adds what the pages say themselves."""

        url: str
        read_pages: bool = Field(True, strict=True)

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._door = around.door
        self._zone = ZoneInfo(options.timezone) if options.timezone else around.zone

    def fetch(self, window: Window) -> Iterable[Article]:
        """Every article that the sitemap names, the newest first; FetchError where it is none.

        Pages are read for those of the window alone, and for no more than the limit.
        """
        places = self._places(self._options.url, window, DEPTH)
        places.sort(key=lambda place: place.published or place.modified or _LONG_AGO, reverse=True)
        wanted = [place for place in places if _may_belong(place, window)][: self._options.limit]
        pages: dict[str, Article] = {}
        if self._options.read_pages and wanted:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="page") as pool:
                read = pool.map(self._with_page, wanted)
                pages = dict(zip((place.url for place in wanted), read, strict=True))
        return [pages.get(place.url) or self._article(place) for place in places]

    def _places(self, url: str, window: Window, depth: int) -> list[Place]:
        answer = self._door.get(url)
        with parsing():
            text = _encoding.decoded(_trim.sitemap(unzipped(answer.body, url)))
            found, children = _sitemap.read(text, url, self._zone)
        if depth:
            for child in _promising(children, window):
                try:
                    found += self._places(child.url, window, depth - 1)
                except FetchError as error:
                    log.warning("A part of %s was passed over: %s", self._options.url, error)
        return list({place.url: place for place in reversed(found)}.values())[::-1]

    def _article(self, place: Place) -> Article:
        return Article(
            id=identity(sanitize.canonical(place.url)),
            title=place.title,
            source=self._options.url,
            url=place.url,
            published=place.published,
            image=place.image,
            caption=place.caption or None,
            language=place.language,
            section=self._options.section,
        )

    def _with_page(self, place: Place) -> Article:
        """The article with what its page says beside; the sitemap's headline and date hold."""
        article = self._article(place)
        try:
            answer = self._door.get(place.request)
            with parsing():
                page = _page.read(answer.body, self._zone, answer.url)
        except (FetchError, ValueError) as error:
            log.info("%s is taken as its sitemap has it: %s", place.url, error)
            return replace(article, partial=True)
        return replace(
            article,
            title=article.title or page.title,
            url=_same_site(page.url, place.url),
            authors=page.authors,
            published=article.published or page.published,
            image=page.image or article.image,
            caption=(page.caption or None) if page.image else article.caption,
            credit=page.credit or None,
            blurb=page.blurb,
            language=article.language or page.language,
        )


def _may_belong(place: Place, window: Window) -> bool:
    if place.published:
        return place.published in window
    return place.modified is None or place.modified >= window.start


def _promising(children: Iterable[Child], window: Window) -> list[Child]:
    """The sitemaps of an index that can hold something new, those for news first."""
    recent = [c for c in children if c.modified is None or c.modified >= window.start]
    recent.sort(key=lambda child: child.modified or _LONG_AGO, reverse=True)
    recent.sort(key=lambda child: "news" not in child.url.lower())
    return recent[:CHILDREN]


def _same_site(own: str | None, listed: str) -> str:
    """The address that the page gives itself, where it is one of the same site."""
    if own and own.split("/")[2].removeprefix("www.") == listed.split("/")[2].removeprefix("www."):
        return own
    return listed
