"""Which characters a text has, and how wide they are."""

from __future__ import annotations

import re
import unicodedata

_WIDE = "WF"  # Korean and Chinese letters are twice as wide as Latin ones
_INVALID_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEYOND_LATIN_1 = re.compile("[\u0100-\U0010ffff]")


def columns(text: str) -> int:
    """The width of the text in narrow letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)


def truncate(text: str, width: int) -> str:
    """The first words that fit into ``width`` columns, with … if some are left out."""
    if columns(text) <= width:
        return text
    while columns(text) >= width:
        text = text.rpartition(" ")[0] or text[:-1]
    return f"{text}…"


def is_latin_1(text: str) -> bool:
    """Whether a provider could send the text as iso-8859-1: Latin-1, and not all ASCII."""
    return not text.isascii() and not _BEYOND_LATIN_1.search(text)


def without_invalid_xml(text: str) -> str:
    """The text without the characters that XML does not allow."""
    return _INVALID_XML.sub("", text)
