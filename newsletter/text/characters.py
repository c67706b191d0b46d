"""What kind of letters a text has, and how much room they take."""

from __future__ import annotations

import re
import unicodedata

_WIDE = "WF"  # Korean and Chinese letters are twice as wide as Latin ones
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEYOND = re.compile("[\u0100-\U0010ffff]")


def columns(text: str) -> int:
    """The room of the text in narrow letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)


def beginning(text: str, room: int) -> str:
    """As much of the text as has room, in whole words, with … where something is left out."""
    if columns(text) <= room:
        return text
    while columns(text) >= room:
        text = text.rpartition(" ")[0] or text[:-1]
    return f"{text}…"


def is_latin(text: str) -> bool:
    """Whether a provider could send the text as iso-8859-1: beyond ASCII, and nothing further."""
    return not text.isascii() and not _BEYOND.search(text)


def for_xml(text: str) -> str:
    """The text without what no XML may hold."""
    return _NO_XML.sub("", text)
