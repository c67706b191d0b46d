"""What a page says about its article in JSON-LD, mended where it is broken."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from newsletter.sanitize import headline_key

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MOST = 2000  # parts of one page's data that are looked at

_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*.*?\*/|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)\s*$"
)
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
_FIELD = re.compile(
    r'"(headline|datePublished|description|articleBody|thumbnailUrl|alternativeHeadline)"\s*:\s*"'
    r'((?:[^"\\]|\\.|"(?!\s*[,}\]]))*)"\s*[,}\]]'
)
_NAME = re.compile(r'"author"\s*:\s*(?:\[\s*)?\{[^{}\[\]]*?"name"\s*:\s*"([^"]{1,200})"')
_IMAGE = re.compile(
    r'"image"\s*:\s*(?:\[\s*)?(?:\{[^{}\[\]]*?"url"\s*:\s*)?"(https?:[^"]{1,2000})"'
)
_KINDS = ("Article", "Posting", "Report", "NewsStory")


def article(page: HtmlElement, title: str) -> dict[str, Any]:
    """The object that describes this page's article; empty where there is none.

    ``title``: how the page itself heads the article, to tell it from others that it names.
    """
    articles = list(_articles(page))
    if not articles:
        return {}
    heading = headline_key(title)

    def near(each: dict[str, Any]) -> tuple[bool, bool, bool]:
        headline = headline_key(text(each.get("headline")) or text(each.get("name")))
        alike = bool(headline) and (headline in heading or heading in headline)
        return alike, bool(each.get("datePublished")), bool(each.get("author"))

    return max(articles, key=near)


def text(value: object) -> str:
    """A value that is text; the name of an object; the first of a list."""
    if isinstance(value, list):
        return next((line for item in value if (line := text(item))), "")
    if isinstance(value, dict):
        return text(value.get("name") or value.get("@value"))
    return html.unescape(value) if isinstance(value, str) else ""


def _articles(page: HtmlElement) -> Iterator[dict[str, Any]]:
    for script in page.xpath("//script[contains(@type, 'ld+json')]"):
        pending: list[Any] = [_loaded(script.text or "")]
        for _ in range(MOST):
            if not pending:
                break
            part = pending.pop(0)
            if isinstance(part, list):
                pending += part
            elif isinstance(part, dict):
                if any(kind in str(part.get("@type", "")) for kind in _KINDS):
                    yield part
                pending += [part[key] for key in ("@graph", "mainEntity", "item") if key in part]


def _loaded(script: str) -> Any:
    bare = _WRAPPING.sub("", _WRAPPING.sub("", script.strip())).strip().rstrip(";")
    for attempt in (bare, _TRAILING_COMMA.sub("", bare), html.unescape(bare)):
        try:
            return json.JSONDecoder(strict=False).raw_decode(attempt)[0]
        except (ValueError, RecursionError):
            continue
    return _salvaged(bare) if "Article" in bare or "Posting" in bare else None


def _salvaged(script: str) -> dict[str, Any]:
    """The few fields that matter, out of data that no parser takes."""
    fields: dict[str, Any] = {"@type": "Article"}
    for key, value in _FIELD.findall(script[:200_000]):
        fields.setdefault(key, _unescaped(value))
    if names := _NAME.findall(script[:200_000]):
        fields["author"] = [{"@type": "Person", "name": _unescaped(name)} for name in names]
    if image := _IMAGE.search(script[:200_000]):
        fields["image"] = _unescaped(image[1])
    return fields


def _unescaped(value: str) -> str:
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return value.replace('\\"', '"').replace("\\/", "/")
