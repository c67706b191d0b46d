"""Keep the parts of a mail in UTF-8."""

from __future__ import annotations

from newsletter.text.characters import is_latin_1

_GUARD = "\u200c"


def keep_utf8(part: str, before: str | None) -> str:
    """The part with an invisible character that Latin-1 does not have.

    It is inserted before the text ``before``, or at the end. Without it SendGrid may choose
    Latin-1, and Gmail then shows "Message clipped".
    """
    if not is_latin_1(part):
        return part
    if before is None:
        return part.rstrip("\n") + _GUARD + "\n"
    return part.replace(before, _GUARD + before, 1)
