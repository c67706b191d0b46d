"""The style blocks that remain in a built mail, and when their rules apply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

_GROUPING = frozenset({"media", "supports", "layer", "container", "document", "scope"})
_ALWAYS = frozenset({"", "@media screen", "@media all", "@media only screen"})
# Outlook's apps mark what they darkened: text with data-ogsc or data-ogac, backgrounds with
# data-ogsb or data-ogab.
_OUTLOOK_MARK = re.compile(r"\[data-og[sa][cb]\]\s*")


@dataclass(frozen=True)
class Rule:
    """One selector with its declarations."""

    selector: str
    declarations: tuple[tuple[str, str, bool], ...]  # property, value, important
    at_rule: str = ""  # the at-rules around it, in lower case


@dataclass(frozen=True)
class StyleSheet:
    """All style blocks of a mail. At-rules are in lower case."""

    size: int  # bytes
    rules: tuple[Rule, ...]
    at_rules: tuple[str, ...]  # at the top level
    nested: tuple[str, ...]  # within a rule or another at-rule
    features: frozenset[str] = frozenset()  # of CSS syntax, by their names in Can I email
    faults: tuple[str, ...] = ()  # what is not valid CSS

    def light(self) -> Iterator[Rule]:
        """The rules of the light palette, in order."""
        return (r for r in self.rules if r.at_rule in _ALWAYS or _has_palette(r, "light"))

    def dark(self) -> Iterator[Rule]:
        """The rules of the dark palette, in order."""
        return (r for r in self.rules if r.at_rule in _ALWAYS or _has_palette(r, "dark"))

    def outlook_dark(self) -> Iterator[Rule]:
        """The rules for what Outlook's apps darkened, as if they darkened everything."""
        for rule in self.rules:
            selector, count = _OUTLOOK_MARK.subn("", rule.selector)
            if count and selector:
                yield replace(rule, selector=selector)

    @property
    def has_dark(self) -> bool:
        """Whether there are rules for clients that ask for a dark palette."""
        return any(_has_palette(rule, "dark") for rule in self.rules)


def _has_palette(rule: Rule, palette: str) -> bool:
    return "prefers-color-scheme" in rule.at_rule and palette in rule.at_rule


@lru_cache(maxsize=16)
def parse_stylesheet(blocks: tuple[str, ...]) -> StyleSheet:
    """Parse the contents of style blocks together."""
    parser = _Parser()
    for block in blocks:
        parser.parse_block(block)
    return StyleSheet(
        sum(len(block.encode()) for block in blocks),
        tuple(parser.rules),
        tuple(parser.at_rules),
        tuple(parser.nested),
        frozenset(parser.features),
        tuple(parser.faults),
    )


@dataclass
class _Parser:
    """Collects the fields of a StyleSheet, block by block."""

    rules: list[Rule] = field(default_factory=list)
    at_rules: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def parse_block(self, block: str) -> None:
        import tinycss2

        if "/*" in block:
            self.features.add("css-comments")
        code = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'", "", block, flags=re.DOTALL)
        if code.count("{") != code.count("}"):
            self.faults.append("the braces { and } do not match")
        self._parse(tinycss2.parse_stylesheet(block, skip_comments=True, skip_whitespace=True), "")

    def _parse(self, nodes: Iterable[Any], at_rule: str) -> None:
        for node in nodes:
            if node.type == "qualified-rule":
                self._parse_rule(node, at_rule)
            elif node.type == "at-rule":
                self._parse_at_rule(node, at_rule)
            elif node.type == "error":
                self.faults.append(node.message)

    def _parse_rule(self, node: Any, at_rule: str) -> None:
        import tinycss2

        declarations = []
        for item in tinycss2.parse_blocks_contents(
            node.content, skip_comments=True, skip_whitespace=True
        ):
            if item.type == "declaration":
                value = tinycss2.serialize(item.value).strip()
                declarations.append((item.lower_name, value, item.important))
            elif item.type == "at-rule":
                self.nested.append(_heading(item))
            elif item.type == "qualified-rule":
                self.features.add("css-nesting")
            elif item.type == "error":
                self.faults.append(item.message)
        selectors = list(_selectors(node.prelude))
        if len(selectors) > 1:
            self.features.add("css-selector-grouping")
        self.rules.extend(Rule(selector, tuple(declarations), at_rule) for selector in selectors)

    def _parse_at_rule(self, node: Any, at_rule: str) -> None:
        import tinycss2

        heading = _heading(node)
        (self.nested if at_rule else self.at_rules).append(heading)
        if node.content is not None and node.lower_at_keyword in _GROUPING:
            inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            self._parse(inner, f"{at_rule} {heading}".strip())


def _heading(at_rule: Any) -> str:
    """An at-rule's keyword and prelude, such as ``@media screen``."""
    import tinycss2

    prelude = tinycss2.serialize(at_rule.prelude).strip().lower()
    return f"@{at_rule.lower_at_keyword} {prelude}".strip()


def _selectors(prelude: Iterable[Any]) -> Iterator[str]:
    """The selectors of a rule; a comma within brackets does not separate two."""
    import tinycss2

    nodes: list[Any] = []
    for node in prelude:
        if node == ",":
            yield tinycss2.serialize(nodes).strip()
            nodes = []
        else:
            nodes.append(node)
    yield tinycss2.serialize(nodes).strip()
