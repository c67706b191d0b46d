"""Headlines: as they are shown, and as they are compared."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from newsletter.sanitize.text import one_line

# Feeds dress up headlines with these; every other thing in pointed brackets is the headline's own
# words ("<기생충> …", "How <script> works") and stays as text.
_FORMATTING = re.compile(
    r"</?(?:a|abbr|b|big|cite|del|em|font|i|ins|mark|q|s|small|span|strong|sub|sup|tt|u|wbr)"
    r"(?:\s[^<>]{0,2000})?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"</?(?:br|p|div|h[1-6])(?:\s[^<>]{0,2000})?/?>", re.IGNORECASE)

_PARTS = re.compile(r"\s*\|\s*|\s+[-–—·•»/]\s+|\s*(?:::|»)\s*|:\s+")
_SAYS_NOTHING = re.compile(
    r"(?:(?:a|all|an|and|articles|atom|blog|breaking|feed|headlines|home|homepage|latest|main|news|"
    r"rss|stories|the|top)\b\W*)*",
    re.IGNORECASE,
)

_REMEMBERED = 8192  # headlines of one gather

_QUOTES = frozenset("'\"`´‘’‚‛“”„‟′″‹›«»「」『』《》〈〉＇＂")
_KEPT_PUNCTUATION = frozenset("%‰")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


def headline(text: str, site_name: str | None = None) -> str:
    """A foreign headline as one line shorter than 300 characters, without the site's name.

    ``site_name``: what the site calls itself, such as a feed's title; of "Name - Section" each
    part counts. Tags and template marks in a headline are its text, but for mere formatting.
    """
    bare = html.unescape(_FORMATTING.sub("", _BREAK.sub(" ", text)))
    line = one_line(bare, None)
    for name in _names(site_name or ""):
        line = _without(line, name)
    return one_line(line)


@lru_cache(_REMEMBERED)
def same_headline(title: str) -> str:
    """What two headlines of one story share, whatever their case, quotation marks, punctuation.

    Words, numbers and signs of quantity stay: "1.5" is not "15", and "re-sign" not "resign".
    """
    text = unicodedata.normalize("NFKC", title).casefold()
    text = _THOUSANDS.sub("", text)
    words = "".join(_letters(text)).split()
    return " ".join(words) or " ".join(title.split())


def _letters(text: str) -> Iterator[str]:
    for place, letter in enumerate(text):
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        kind = unicodedata.category(letter)
        if letter in _QUOTES or kind in ("Cf", "Cc", "Sk"):
            continue
        in_number = letter == "." and before.isdigit() and after.isdigit()
        if kind[0] != "P" or letter in _KEPT_PUNCTUATION or in_number:
            yield letter
        elif kind == "Pd" and after.isdigit() and not before.strip():
            yield "-"  # a minus
        elif letter in ".·" and before.isalpha() and (after.isalpha() or not after.strip()):
            continue  # U.S. and 한·미
        else:
            yield " "


def _names(site_name: str) -> list[str]:
    """The site's name and its parts, the longest first."""
    whole = one_line(html.unescape(site_name))
    parts = {whole, *_PARTS.split(whole)}
    names = {part.strip() for part in parts if not _SAYS_NOTHING.fullmatch(part.strip())}
    return sorted((name for name in names if len(name) > 1), key=lambda name: (-len(name), name))


def _without(line: str, name: str) -> str:
    """The headline without the site's name behind it, or before it with a bar."""
    name = re.escape(name)
    behind = re.sub(rf"\s*(?:[|ㅣ»]|::|\s[-–—·•:~])\s*{name}\s*$", "", line, flags=re.IGNORECASE)
    alone = re.sub(rf"^{name}\s*(?:[|ㅣ»]|::)\s*", "", behind, flags=re.IGNORECASE)
    return alone or line
