"""A news sitemap, or an index of sitemaps: what is new, and the rest from the pages themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from pydantic import Field

from newsletter import sanitize
from newsletter.config import LimitedSourceOptions
from newsletter.errors import FetchError
from newsletter.http import gunzip
from newsletter.model import Article, Window
from newsletter.sources import (
    Facts,
    Surroundings,
    _article_page,
    _encoding,
    _sitemap_xml,
    _size_limits,
    article,
    article_id,
    parsing,
)
from newsletter.sources._sitemap_xml import ListedPage, ListedSitemap

log = logging.getLogger(__name__)

SITEMAPS = 20  # sitemaps of an index that are read
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
        self._fetcher = around.fetcher
        self._zone = around.zone_of(options)

    def fetch(self, window: Window) -> Iterable[Article]:
        """Every article that the sitemap names, the newest first; FetchError where it is none.

        Pages are read for those of the window alone, and for no more than the limit.
        """
        listed = self._listed(self._options.url, window, DEPTH)
        listed.sort(key=_newest, reverse=True)
        fresh = [page for page in listed if _may_belong(page, window)][: self._options.limit]
        articles: dict[str, Article] = {}
        if self._options.read_pages and fresh:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="page") as pool:
                read = pool.map(self._with_page, fresh)
                articles = dict(zip((page.url for page in fresh), read, strict=True))
        return [articles.get(page.url) or self._article(page, page.facts) for page in listed]

    def _listed(self, url: str, window: Window, depth: int) -> list[ListedPage]:
        answer = self._fetcher.get(url)
        with parsing():
            text = _encoding.decoded(_size_limits.sitemap(gunzip(answer.body, url)))
            pages, sitemaps = _sitemap_xml.read(text, url, self._zone)
        if depth:
            for sitemap in _promising(sitemaps, window):
                try:
                    pages += self._listed(sitemap.url, window, depth - 1)
                except FetchError as error:
                    log.warning("A part of %s was passed over: %s", self._options.url, error)
        return list({page.url: page for page in reversed(pages)}.values())[::-1]

    def _article(self, page: ListedPage, facts: Facts, *, partial: bool = False) -> Article:
        id_ = article_id(sanitize.canonical(page.url))
        return article(self._options, id_, facts, partial=partial)

    def _with_page(self, page: ListedPage) -> Article:
        """The article with what its page says beside; the sitemap's headline and date hold."""
        listed = page.facts
        try:
            answer = self._fetcher.get(page.request)
            with parsing():
                own = _article_page.read(answer.body, self._zone, answer.url)
        except (FetchError, ValueError) as error:
            log.info("%s is taken as its sitemap has it: %s", page.url, error)
            return self._article(page, listed, partial=True)
        both = replace(
            own,
            title=listed.title or own.title,
            url=_same_site(own.url, page.url),
            published=listed.published or own.published,
            image=own.image or listed.image,
            caption=own.caption if own.image else listed.caption,
            language=listed.language or own.language,
        )
        return self._article(page, both)


def _newest(page: ListedPage) -> datetime:
    return page.facts.published or page.modified or _LONG_AGO


def _may_belong(page: ListedPage, window: Window) -> bool:
    if page.facts.published:
        return page.facts.published in window
    return page.modified is None or page.modified >= window.start


def _promising(sitemaps: Iterable[ListedSitemap], window: Window) -> list[ListedSitemap]:
    """The sitemaps of an index that can hold something new, those for news first."""
    recent = [s for s in sitemaps if s.modified is None or s.modified >= window.start]
    recent.sort(key=lambda sitemap: sitemap.modified or _LONG_AGO, reverse=True)
    recent.sort(key=lambda sitemap: "news" not in sitemap.url.lower())
    return recent[:SITEMAPS]


def _same_site(own: str | None, listed: str) -> str:
    """The address that the page gives itself, where it is one of the same site."""
    if own and own.split("/")[2].removeprefix("www.") == listed.split("/")[2].removeprefix("www."):
        return own
    return listed
