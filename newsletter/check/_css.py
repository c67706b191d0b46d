"""CSS declarations, selectors and lengths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import XPath

Declarations = Mapping[str, str]  # property → value; the last declaration of a property wins
_NONE: Declarations = MappingProxyType({})

_LENGTH = re.compile(r"([+-]?\d*\.?\d+)(px|pt|pc|in|cm|mm|r?em)?")
_UNITS: Mapping[str | None, float] = {
    None: 1, "px": 1, "pt": 4 / 3, "pc": 16, "in": 96, "cm": 96 / 2.54, "mm": 9.6 / 2.54,
    "em": 16, "rem": 16,
}  # fmt: skip


@lru_cache(maxsize=2048)
def declarations(style: str | None) -> Declarations:
    """The declarations of a style attribute."""
    import tinycss2

    if not style:
        return _NONE
    items = tinycss2.parse_declaration_list(style, skip_comments=True, skip_whitespace=True)
    return MappingProxyType(
        {
            item.lower_name: tinycss2.serialize(item.value).strip()
            for item in items
            if item.type == "declaration"
        }
    )


@lru_cache(maxsize=512)
def compile_selector(selector: str) -> tuple[XPath, tuple[int, int, int]] | None:
    """An XPath for the elements that a selector matches, and its specificity.

    None for a selector that cannot be parsed or matches no element.
    """
    import lxml.etree
    from cssselect import GenericTranslator, SelectorError, parse

    try:
        (parsed,) = parse(selector)
        path = GenericTranslator().selector_to_xpath(parsed, prefix="descendant-or-self::")
        return lxml.etree.XPath(path), parsed.specificity()
    except (SelectorError, ValueError, lxml.etree.XPathError):
        return None


def pixels(value: str | None) -> float | None:
    """A length in CSS pixels, with em at the usual 16; None for percentages and other values."""
    match = _LENGTH.fullmatch((value or "").strip().lower())
    return float(match[1]) * _UNITS[match[2]] if match else None
