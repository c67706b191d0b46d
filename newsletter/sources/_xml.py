"""The care that XML needs before a parser reads it."""

from __future__ import annotations

import re

from newsletter.errors import FetchError

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NUMBERED = re.compile(r"&#(?:x([0-9a-f]{1,8})|(\d{1,8}));", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")

_DOCTYPE = re.compile(
    r"(?>\s+|<\?.*?\?>|<!--.*?-->)*+<!DOCTYPE\s[^\[>]*\[(?P<inner>.*?)(?:\]\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_ENTITY = re.compile(r"""<!ENTITY\s+[\w.:-]+\s+(?:"([^"%]{0,500})"|'([^'%]{0,500})')\s*>""")


def clean(text: str, name: str) -> str:
    """XML without what parsers stumble over.

    Raises FetchError where its DOCTYPE declares an entity that grows, or that is fetched.
    """
    if doctype := _DOCTYPE.match(text):
        inner = doctype["inner"]
        values = [match[1] or match[2] or "" for match in _ENTITY.finditer(inner)]
        if len(values) != inner.count("<!ENTITY") or any(re.search(r"&[^#]", v) for v in values):
            raise FetchError(
                f"{name} declares entities that grow or are fetched from elsewhere, "
                f"which no honest feed does; it was not read. Ask the publisher."
            )
    return _DECLARATION.sub("", _NUMBERED.sub(_if_a_letter, _NO_XML.sub("", text)))


def _if_a_letter(reference: re.Match[str]) -> str:
    """A reference by number, but for numbers that stand for no character of XML."""
    number = int(reference[1], 16) if reference[1] else int(reference[2])
    in_basic_plane = number in (9, 10, 13) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE
    return reference.group() if in_basic_plane or 0x10000 <= number < 0x110000 else ""
