"""Clean headlines, and compare them."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from newsletter.sanitize.text import one_line

# Feeds format headlines with these tags. Anything else in angle brackets is part of the headline
# ("<기생충> …", "How <script> works") and stays as text.
_FORMATTING = re.compile(
    r"</?(?:a|abbr|b|big|cite|del|em|font|i|ins|mark|q|s|small|span|strong|sub|sup|tt|u|wbr)"
    r"(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"</?(?:br|p|div|h[1-6])(?:\s[^<>]{0,2000})?/?>", re.IGNORECASE)

_SEPARATOR = re.compile(r"\s*\|\s*|\s+[-–—·•»/]\s+|\s*(?:::|»)\s*|:\s+")
_GENERIC_NAME = re.compile(
    r"(?:(?:a|all|an|and|articles|atom|blog|breaking|feed|headlines|home|homepage|latest|main|news|"
    r"rss|stories|the|top)\b\W*)*",
    re.IGNORECASE,
)

_CACHE_SIZE = 8192  # more than the headlines of one gather

_QUOTES = frozenset("'\"`´‘’‚‛“”„‟′″‹›«»「」『』《》〈〉＇＂")
_QUANTITY_SIGNS = frozenset("%‰")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def headline(text: str, site_name: str | None = None) -> str:
    """A publisher's headline as one line shorter than 300 characters, without the site's name.

    ``site_name`` is what the site calls itself, such as a feed's title; each part of
    "Name - Section" is removed. Formatting tags are dropped; other tags and template marks stay
    as text.
    """
    line = one_line(html.unescape(_FORMATTING.sub("", _BREAK.sub(" ", text))), None)
    for name in _site_names(site_name or ""):
        line = _without_site_name(line, name)
    return one_line(line)


@lru_cache(_CACHE_SIZE)
def headline_key(title: str) -> str:
    """A key that is equal for headlines that differ only in case, quotation and punctuation.

    Words, numbers and signs of quantity count: "1.5" is not "15", and "re-sign" not "resign".
    """
    text = _THOUSANDS.sub("", unicodedata.normalize("NFKC", title).casefold())
    return " ".join("".join(_significant(text)).split()) or " ".join(title.split())


def _significant(text: str) -> Iterator[str]:
    """The characters that count, with spaces in place of punctuation between words."""
    for index, character in enumerate(text):
        previous, following = text[index - 1 : index], text[index + 1 : index + 2]
        category = unicodedata.category(character)
        if character in _QUOTES or category in ("Cf", "Cc", "Sk"):
            continue
        is_decimal = character == "." and previous.isdigit() and following.isdigit()
        if category[0] != "P" or character in _QUANTITY_SIGNS or is_decimal:
            yield character
        elif category == "Pd" and following.isdigit() and not previous.strip():
            yield "-"  # a minus sign
        elif (
            character in ".·"
            and previous.isalpha()
            and (following.isalpha() or not following.strip())
        ):
            continue  # U.S. and 한·미
        else:
            yield " "


def _site_names(site_name: str) -> list[str]:
    """The site's name and its parts, the longest first."""
    line = one_line(html.unescape(site_name))
    parts = {line, *_SEPARATOR.split(line)}
    names = {part.strip() for part in parts if not _GENERIC_NAME.fullmatch(part.strip())}
    return sorted((name for name in names if len(name) > 1), key=lambda name: (-len(name), name))


def _without_site_name(line: str, name: str) -> str:
    """The headline without the site's name at its end, or at its start before a bar."""
    name = re.escape(name)
    rest = re.sub(rf"\s*(?:[|ㅣ»]|::|\s[-–—·•:~])\s*{name}\s*$", "", line, flags=re.IGNORECASE)
    rest = re.sub(rf"^{name}\s*(?:[|ㅣ»]|::)\s*", "", rest, flags=re.IGNORECASE)
    return rest or line
