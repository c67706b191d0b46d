"""When an article was published, out of everything that its page says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from newsletter.sources import _dates, _jsonld

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_METAS = (
    "article:published_time", "article:published", "og:article:published_time",
    "og:published_time", "og:pubdate", "datepublished", "date_published", "publishdate",
    "publish-date", "publish_date", "published_date", "pubdate", "publication_date",
    "article_date_original", "article.published", "parsely-pub-date", "sailthru.date",
    "cxenseparse:recs:publishtime", "dc.date.issued", "dcterms.issued", "dc.date",
    "dcterms.created", "dcterms.date", "weibo:article:create_at", "displaydate", "date",
)  # fmt: skip
_PLACES = (
    "//*[@itemprop='datePublished']/@content",
    "//*[@itemprop='datePublished']/@datetime",
    "//*[@itemprop='datePublished']",
    "//time[@pubdate]/@datetime",
    "//article//time/@datetime",
    "//main//time/@datetime",
    "//time/@datetime",
    "//@data-deploy-dt | //@data-published | //@data-publish-date | //@data-datetime"
    " | //@data-pubdate | //@data-date",
    "//*[contains(@class, 'publish') or contains(@class, 'pubdate') or contains(@class, 'date')"
    " or contains(@class, 'tarih') or contains(@class, 'fecha') or contains(@class, 'datum')"
    " or contains(@class, 'h-time')]",
)
_IN_SCRIPT = re.compile(
    r"""["']?(?:datePublished|publishedAt|published_at|publishDate|publish_date|pubDate|pub_date|"""
    r"""firstPublished|first_published_at|deployDt|releaseDate)["']?\s*[:=]\s*["']([^"']{8,40})["']"""
)
_IN_ADDRESS = re.compile(r"/(20\d\d)[-/]?([01]\d)[-/]?([0-3]\d)(?=[/_-])")
_LONGEST = 120  # characters of a line that is a date and little else


def published(
    page: HtmlElement,
    meta: Mapping[str, str],
    news: Mapping[str, Any],
    url: str | None,
    zone: tzinfo,
) -> datetime | None:
    """The moment in UTC, from what says it best to what says it least; None where nothing does."""
    for label in _ways(page, meta, news):
        if when := _dates.parse_date(label, zone):
            return when
    if match := _IN_ADDRESS.search(url or ""):
        return _dates.parse_date("-".join(match.groups()), zone)
    return None


def _ways(page: HtmlElement, meta: Mapping[str, str], news: Mapping[str, Any]) -> Iterator[str]:
    yield _jsonld.text(news.get("datePublished"))
    yield from (meta.get(name, "") for name in _METAS)
    yield _parsely(meta.get("parsely-page", ""))
    for path in _PLACES:
        for element in page.xpath(path)[:3]:
            text = element if isinstance(element, str) else element.text_content()
            if len(text.strip()) <= _LONGEST:
                yield text
    for text in page.xpath("//h1[1]/following::text()[not(parent::script)]")[:80]:
        if 8 <= len(text.strip()) <= _LONGEST:
            yield text
    for script in page.xpath("//script[not(@src)]/text()"):
        if match := _IN_SCRIPT.search(script.replace('\\"', '"')):
            yield match[1]
    yield _jsonld.text(news.get("dateCreated")) or _jsonld.text(news.get("dateModified"))
    yield meta.get("article:modified_time", "")


def _parsely(text: str) -> str:
    try:
        state = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return _jsonld.text(state.get("pub_date")) if isinstance(state, dict) else ""
