"""Who wrote an article, out of everything that its page says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from newsletter import sanitize
from newsletter.sources import _bylines, _dates, _jsonld

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_METAS = (
    "author", "article:author", "og:article:author", "article:author_name", "dc.creator",
    "dcterms.creator", "dc.contributor", "byl", "byline", "sailthru.author", "parsely-author",
    "cxenseparse:author", "citation_author", "news_authors", "creator", "twitter:data1",
)  # fmt: skip
_PLACES = (
    "//*[@itemprop='author']//*[@itemprop='name']",
    "//*[@itemprop='author']",
    "//a[@rel='author']",
    "//*[contains(concat(' ', @class, ' '), ' byline__name ')]",
    "//*[contains(@class, 'author-name') or contains(@class, 'author__name')"
    " or contains(@class, 'byline-name') or contains(@class, 'article-author')"
    " or contains(@class, 'articletag-author')]",
    "//*[contains(concat(' ', @class, ' '), ' byline ') or contains(concat(' ', @class, ' '),"
    " ' author ') or contains(concat(' ', @class, ' '), ' auteur ') or"
    " contains(concat(' ', @class, ' '), ' autor ') or contains(concat(' ', @class, ' '),"
    " ' reporter ') or contains(concat(' ', @class, ' '), ' writer ')]",
)
_IN_CHINESE = re.compile(
    r"(?:责任编辑|責任編輯|责编|記者|记者|作者|编辑)\s*[：:]\s*"
    r"([㐀-鿿·]{2,4}(?:\s*[、，,]\s*[㐀-鿿·]{2,4}){0,3})"
)
_IN_KOREAN = re.compile(
    r"(?:^|[\s=/\[(])([가-힣]{2,4}) ?(?:선임|전문|수습|객원)?기자(?=$|[\s=/\])])"
)
_OTHERS = re.compile(r"\s*(?:기자|記者|记者)?\s*외\s*\d+\s*(?:명|인)\s*$")
_ROLE = re.compile(r"\s*(?:선임|전문|수습|객원)?(?:기자|특파원|논설위원|인턴기자|記者|记者)\s*$")
_PERSON = re.compile(r"(?:[^\W\d_][\w'’.-]*\s+){1,3}[^\W\d_][\w'’.-]*")
_LONGEST = 120  # characters of a byline; what is longer is a text


def authors(page: HtmlElement, news: Mapping[str, Any], site: Iterable[str]) -> tuple[str, ...]:
    """The names, people before the publisher itself; ``site``: what the publisher is called."""
    own = {_key(name) for name in site if name}
    houses: list[str] = []
    for names in _ways(page, news):
        listed = [name for name in names if name]
        people = [name for name in listed if _key(name) not in own and not _is_house(name, news)]
        if people:
            return tuple(dict.fromkeys(people))
        houses = houses or listed
    return tuple(dict.fromkeys(houses))


def _ways(page: HtmlElement, news: Mapping[str, Any]) -> Iterator[list[str]]:
    author = news.get("author") or news.get("creator")
    people = author if isinstance(author, list) else [author]
    yield _named(_jsonld.text(person) for person in people)
    for name in _METAS:
        # A page may name its publisher first, and the writer in a second one of the same name.
        for content in _contents(page, name):
            yield _named([content])
    for path in _PLACES:
        lines = [sanitize.one_line(element.text_content()) for element in page.xpath(path)[:4]]
        yield _named(text for text in lines if 1 < len(text) <= _LONGEST)
    yield _named([_before_the_date(page)])
    body = sanitize.one_line(" ".join(page.xpath("//body//text()[not(parent::script)]")), None)
    yield _named(re.split(r"[、，,]+", match[1]) if (match := _IN_CHINESE.search(body)) else [])
    yield _named(_IN_KOREAN.findall(body)[:1])


def _contents(page: HtmlElement, name: str) -> Iterator[str]:
    for meta in page.iter("meta"):
        if name in {(meta.get(key) or "").strip().lower() for key in ("name", "property")}:
            yield meta.get("content") or ""


def _named(raw: Iterable[str]) -> list[str]:
    bare = (_ROLE.sub("", _OTHERS.sub("", text.strip())) for text in raw)
    return list(_bylines.parse_authors(text.strip(" |·•-–—") for text in bare))


def _before_the_date(page: HtmlElement) -> str:
    """The name that stands alone just before the day under the headline."""
    previous = ""
    for text in page.xpath("//h1[1]/following::text()[not(parent::script)]")[:60]:
        line = sanitize.one_line(text).strip(" |·•-–—")
        if _dates.parse_date(line, UTC) and len(line) < _LONGEST:
            return previous if _PERSON.fullmatch(previous) and previous.istitle() else ""
        previous = line or previous
    return ""


def _is_house(name: str, news: Mapping[str, Any]) -> bool:
    """Whether the page itself calls the author an organisation."""
    author = news.get("author")
    for person in author if isinstance(author, list) else [author]:
        if isinstance(person, dict) and _jsonld.text(person.get("name")).strip() == name:
            return "Organization" in str(person.get("@type"))
    return False


def _key(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold().removeprefix("www").removesuffix("com")
