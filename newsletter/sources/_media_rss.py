"""Captions and credits of Media RSS.

feedparser takes a picture's title and description for the entry's own, so they are read here and
hidden from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from newsletter.sources import _bylines

_NAMESPACE = "http://search.yahoo.com/mrss"
_WORDS_OF_A_PICTURE = re.compile(r"(</?media:)(title|description|text|credit)(?=[\s/>])")


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
    captions: dict[str, tuple[str, str]] = {}
    for element in () if root is None else root.iter():
        address = _is_media(element, "content", "thumbnail") and element.get("url")
        if address and (caption := _said(element)) != ("", ""):
            captions.setdefault(address.strip(), caption)
    return captions


def _said(element: Any) -> tuple[str, str]:
    """What is said of a picture, in it or around it."""
    around = element.getparent()
    caption = _text(element, "description", "text", "title") or (
        "" if around is None else _text(around, "description")
    )
    credit = _text(element, "credit") or ("" if around is None else _text(around, "credit"))
    bare, bracketed = _bylines.split_credit(caption)
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
