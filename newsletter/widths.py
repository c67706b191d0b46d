"""How much room a text takes: Korean and Chinese letters are twice as wide as Latin ones."""

from __future__ import annotations

import unicodedata

_WIDE = "WF"


def columns(text: str) -> int:
    """The room of the text in narrow letters."""
    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)
