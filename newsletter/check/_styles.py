"""The styles in an element of a built mail, what a selector finds, and how long a length is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import XPath

Declared = Mapping[str, str]  # property → value, the last one of a name
_NONE: Declared = MappingProxyType({})

_LENGTH = re.compile(r"([+-]?\d*\.?\d+)(px|pt|pc|in|cm|mm|r?em)?")
_UNITS: Mapping[str | None, float] = {
    None: 1, "px": 1, "pt": 4 / 3, "pc": 16, "in": 96, "cm": 96 / 2.54, "mm": 9.6 / 2.54,
    "em": 16, "rem": 16,
}  # fmt: skip


@lru_cache(maxsize=2048)
def declared(style: str | None) -> Declared:
    """The declarations of a style attribute."""
    import tinycss2

    if not style:
        return _NONE
    found = {}
    for item in tinycss2.parse_declaration_list(style, skip_comments=True, skip_whitespace=True):
        if item.type == "declaration":
            found[item.lower_name] = tinycss2.serialize(item.value).strip()
    return MappingProxyType(found)


@lru_cache(maxsize=512)
def matcher(selector: str) -> tuple[XPath, tuple[int, int, int]] | None:
    """What finds the elements of a selector, and how much it weighs; None where it finds none."""
    import lxml.etree
    from cssselect import GenericTranslator, SelectorError, parse

    try:
        (one,) = parse(selector)
        path = GenericTranslator().selector_to_xpath(one, prefix="descendant-or-self::")
        return lxml.etree.XPath(path), one.specificity()
    except (SelectorError, ValueError, lxml.etree.XPathError):
        return None


def pixels(value: str | None) -> float | None:
    """A length in CSS pixels; em as if text had the usual 16, None for a share or for no length."""
    match = _LENGTH.fullmatch((value or "").strip().lower())
    return float(match[1]) * _UNITS[match[2]] if match else None
