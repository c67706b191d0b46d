"""Captions and credits of Media RSS, and the care that XML needs before anybody reads it.

feedparser takes a picture's title and description for the entry's own, so they are read here and
hidden from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from newsletter.errors import FetchError
from newsletter.sources import _bylines

_NAMESPACE = "http://search.yahoo.com/mrss"
_WORDS_OF_A_PICTURE = re.compile(r"(</?media:)(title|description|text|credit)(?=[\s/>])")
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
    known = number in (9, 10, 13) or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE
    return reference.group() if known or 0x10000 <= number < 0x110000 else ""


def without_words(text: str) -> str:
    """The XML with the words of pictures hidden from feedparser."""
    return _WORDS_OF_A_PICTURE.sub(r"\1x-\2", text)


def words(text: str) -> Mapping[str, tuple[str, str]]:
    """Caption and credit of each picture in the feed, by its address there."""
    if _NAMESPACE not in text:
        return {}
    from lxml import etree

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    found: dict[str, tuple[str, str]] = {}
    for element in () if root is None else root.iter():
        address = _is_media(element, "content", "thumbnail") and element.get("url")
        if address and (said := _said(element)) != ("", ""):
            found.setdefault(address.strip(), said)
    return found


def _said(element: Any) -> tuple[str, str]:
    """What is said of a picture, in it or around it."""
    around = element.getparent()
    caption = _text(element, "description", "text", "title") or (
        "" if around is None else _text(around, "description")
    )
    credit = _text(element, "credit") or ("" if around is None else _text(around, "credit"))
    bare, bracketed = _bylines.credited(caption)
    return bare, credit or bracketed


def _text(element: Any, *names: str) -> str:
    for name in names:
        for child in element:
            if _is_media(child, name) and (text := "".join(child.itertext()).strip()):
                return text
    return ""


def _is_media(element: Any, *names: str) -> bool:
    if not isinstance(element.tag, str):
        return False
    namespace, _, name = element.tag.rpartition("}")
    return namespace.startswith("{" + _NAMESPACE) and name in names
