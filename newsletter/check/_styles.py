"""The styles of a built mail: what stands in an element, and what is left in style blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml.etree import XPath

Declared = Mapping[str, str]  # property → value, the last one of a name
_NONE: Declared = MappingProxyType({})


@dataclass(frozen=True)
class Rule:
    """One rule: for which elements, what, and in which at-rule it stands (or none)."""

    selector: str
    declared: tuple[tuple[str, str, bool], ...]  # property, value, important
    within: str = ""


@dataclass(frozen=True)
class Sheet:
    """All style blocks of a mail. ``nested``: at-rules that stand in another."""

    size: int  # bytes
    rules: tuple[Rule, ...]
    at_rules: tuple[str, ...]
    nested: tuple[str, ...]

    @classmethod
    def of(cls, blocks: tuple[str, ...]) -> Sheet:
        """The blocks, read together; the same blocks are read once."""
        return _sheet(blocks)

    def dark(self) -> Iterator[Rule]:
        """The rules that hold in the dark palette, in their order."""
        for rule in self.rules:
            if not rule.within or ("prefers-color-scheme" in rule.within and "dark" in rule.within):
                yield rule


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
    """A length in CSS pixels, where it is said in them."""
    text = (value or "").strip().removesuffix("px")
    try:
        return float(text)
    except ValueError:
        return None


@lru_cache(maxsize=16)
def _sheet(blocks: tuple[str, ...]) -> Sheet:
    import tinycss2

    rules: list[Rule] = []
    at_rules: list[str] = []
    nested: list[str] = []

    def read(nodes: list[Any], within: str) -> None:
        for node in nodes:
            if node.type == "qualified-rule":
                items = tinycss2.parse_declaration_list(
                    node.content, skip_comments=True, skip_whitespace=True
                )
                told = tuple(
                    (item.lower_name, tinycss2.serialize(item.value).strip(), item.important)
                    for item in items
                    if item.type == "declaration"
                )
                selectors = tinycss2.serialize(node.prelude).split(",")
                rules.extend(Rule(selector.strip(), told, within) for selector in selectors)
            elif node.type == "at-rule":
                name = f"@{node.at_keyword} {tinycss2.serialize(node.prelude).strip()}".strip()
                (nested if within else at_rules).append(name)
                if node.content is not None and node.lower_at_keyword in ("media", "supports"):
                    inner = tinycss2.parse_rule_list(
                        node.content, skip_comments=True, skip_whitespace=True
                    )
                    read(inner, f"{within} {name}".strip())

    for block in blocks:
        read(tinycss2.parse_stylesheet(block, skip_comments=True, skip_whitespace=True), "")
    size = sum(len(block.encode()) for block in blocks)
    return Sheet(size, tuple(rules), tuple(at_rules), tuple(nested))
