"""What an article is called, out of the several headlines that its page has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from newsletter import sanitize
from newsletter.sources import _jsonld

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_TAIL = re.compile(r"\s*(?:[|ㅣ_»]|::|--|\s[-–—·•:]|[-–—](?=[^\s-]+$))\s*")
_HEAD = re.compile(r"(?:[|ㅣ»]|::)\s*$")  # "Opinion | Headline"
_BARS = " |ㅣ»_"  # left over where a name was taken off
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_SECTION = re.compile(
    "\\s*(?:[|ㅣ_]\\s*[^-|ㅣ_]{1,20}|-[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]{1,6})$"
)
_LONGEST_SITE = 20  # characters of a site's name behind a headline in the title of the window


def headline(
    page: HtmlElement, meta: Mapping[str, str], news: Mapping[str, Any], site: Iterable[str]
) -> str:
    """The headline without the names in ``site``; empty where the page has none."""
    names = [name for name in site if name]
    declared = [meta.get("og:title", ""), _jsonld.text(news.get("headline"))]
    declared += [meta.get("twitter:title", ""), meta.get("title", "")]
    on_page = [heading.text_content() for heading in page.xpath("//article//h1 | //h1")[:4]]
    window = next((title.text_content() for title in page.xpath("//head/title | //title")), "")
    window = _without_tail(_clean(window, names), on_page)
    titles = [title for raw in declared if (title := _clean(raw, names))]
    headings = [title for raw in on_page if (title := _clean(raw, names))]
    best = next(iter(titles), "") or window
    # The heading on the page is the headline where it is the same but for what was added to it.
    for candidate in [*headings, *titles]:
        if 8 <= len(candidate) < len(best) and (
            (best.startswith(candidate) and _TAIL.match(best[len(candidate) :]))
            or (best.endswith(candidate) and _HEAD.search(best[: -len(candidate)]))
        ):
            return candidate
    return sanitize.one_line(best or next(iter(headings), "")).strip(_BARS)


def _clean(raw: str, names: list[str]) -> str:
    title = sanitize.headline(raw, " | ".join(names))
    for name in names:
        end = re.escape(name)
        bare = re.sub(rf"\s*[-–—|_ㅣ·]+\s*{end}\s*$", "", title, flags=re.IGNORECASE)
        title = bare if len(bare) >= len(name) else title
    # "Headline-Section | Site": with the site gone, the section is left.
    return _SECTION.sub("", title) if title != sanitize.headline(raw) else title


def _without_tail(window: str, headings: list[str]) -> str:
    """The title of the window without what looks like the site's name behind it."""
    parts = list(_TAIL.finditer(window))
    if not parts or any(sanitize.one_line(heading) == window for heading in headings):
        return window
    bare, tail = window[: parts[-1].start()], window[parts[-1].end() :]
    long_enough = len(bare) >= (8 if _CJK.search(bare) else 20)
    a_name = (
        len(tail) <= _LONGEST_SITE and len(tail.split()) <= 3 and not re.search(r"[.!?…]$", tail)
    )
    return bare if long_enough and a_name and ":" not in parts[-1].group() else window
