"""The one character that keeps a part of a mail in UTF-8."""

from __future__ import annotations

from newsletter.text.characters import is_latin_1

_GUARD = "\u200c"


def guarded(part: str, before: str | None) -> str:
    """Keep a provider from choosing Latin-1 for the part: a character that Latin-1 has not.

    SendGrid picks the charset from the characters; Gmail then shows "Message clipped".
    """
    if not is_latin_1(part):
        return part
    if before is None:
        return part.rstrip("\n") + _GUARD + "\n"
    return part.replace(before, _GUARD + before, 1)
