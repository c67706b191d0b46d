"""The style blocks that are left in a built mail, and which of their rules hold when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

_GROUPS = frozenset({"media", "supports", "layer", "container", "document", "scope"})
_EVERYWHERE = frozenset({"", "@media screen", "@media all", "@media only screen"})
# Outlook's apps mark what they darkened: text with c, grounds with b.
_MARKS = re.compile(r"\[data-og[sa][cb]\]\s*")


@dataclass(frozen=True)
class Rule:
    """One rule: for which elements, what, and in which at-rule it stands (or none)."""

    selector: str
    declared: tuple[tuple[str, str, bool], ...]  # property, value, important
    within: str = ""  # in small letters


@dataclass(frozen=True)
class Sheet:
    """All style blocks of a mail.

    ``at_rules`` and ``nested`` (those that stand in a rule or in another at-rule) in small letters;
    ``ways``: of writing that some clients stumble over, by the names of the table of clients;
    ``faults``: what is no CSS.
    """

    size: int  # bytes
    rules: tuple[Rule, ...]
    at_rules: tuple[str, ...]
    nested: tuple[str, ...]
    ways: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()

    @classmethod
    def of(cls, blocks: tuple[str, ...]) -> Sheet:
        """The blocks, read together; the same blocks are read once."""
        return _sheet(blocks)

    def light(self) -> Iterator[Rule]:
        """The rules that hold in the light palette, in their order."""
        return (r for r in self.rules if r.within in _EVERYWHERE or _asks(r, "light"))

    def dark(self) -> Iterator[Rule]:
        """The rules that hold in the dark palette, in their order."""
        return (r for r in self.rules if r.within in _EVERYWHERE or _asks(r, "dark"))

    def marked(self) -> Iterator[Rule]:
        """The rules for what Outlook's apps have darkened, as if all were."""
        for rule in self.rules:
            bare, count = _MARKS.subn("", rule.selector)
            if count and bare:
                yield replace(rule, selector=bare)

    @property
    def has_dark(self) -> bool:
        """Whether a client that asks for a dark palette gets one."""
        return any(_asks(rule, "dark") for rule in self.rules)


def _asks(rule: Rule, palette: str) -> bool:
    return "prefers-color-scheme" in rule.within and palette in rule.within


@lru_cache(maxsize=16)
def _sheet(blocks: tuple[str, ...]) -> Sheet:
    reader = _Reader()
    for block in blocks:
        reader.read_block(block)
    return Sheet(
        sum(len(block.encode()) for block in blocks),
        tuple(reader.rules),
        tuple(reader.at_rules),
        tuple(reader.nested),
        frozenset(reader.ways),
        tuple(reader.faults),
    )


@dataclass
class _Reader:
    """What was read of the blocks so far."""

    rules: list[Rule] = field(default_factory=list)
    at_rules: list[str] = field(default_factory=list)
    nested: list[str] = field(default_factory=list)
    ways: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def read_block(self, block: str) -> None:
        import tinycss2

        if "/*" in block:
            self.ways.add("css-comments")
        bare = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'", "", block, flags=re.DOTALL)
        if bare.count("{") != bare.count("}"):
            self.faults.append("the braces { and } do not match")
        self._read(tinycss2.parse_stylesheet(block, skip_comments=True, skip_whitespace=True), "")

    def _read(self, nodes: Iterable[Any], within: str) -> None:
        for node in nodes:
            if node.type == "qualified-rule":
                self._read_rule(node, within)
            elif node.type == "at-rule":
                self._read_at_rule(node, within)
            elif node.type == "error":
                self.faults.append(node.message)

    def _read_rule(self, node: Any, within: str) -> None:
        import tinycss2

        told = []
        for item in tinycss2.parse_blocks_contents(
            node.content, skip_comments=True, skip_whitespace=True
        ):
            if item.type == "declaration":
                value = tinycss2.serialize(item.value).strip()
                told.append((item.lower_name, value, item.important))
            elif item.type == "at-rule":
                self.nested.append(_named(item))
            elif item.type == "qualified-rule":
                self.ways.add("css-nesting")
            elif item.type == "error":
                self.faults.append(item.message)
        selectors = list(_selectors(node.prelude))
        if len(selectors) > 1:
            self.ways.add("css-selector-grouping")
        self.rules.extend(Rule(selector, tuple(told), within) for selector in selectors)

    def _read_at_rule(self, node: Any, within: str) -> None:
        import tinycss2

        name = _named(node)
        (self.nested if within else self.at_rules).append(name)
        if node.content is not None and node.lower_at_keyword in _GROUPS:
            inner = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
            self._read(inner, f"{within} {name}".strip())


def _named(at_rule: Any) -> str:
    import tinycss2

    said = f"@{at_rule.lower_at_keyword} {tinycss2.serialize(at_rule.prelude).strip().lower()}"
    return said.strip()


def _selectors(prelude: Iterable[Any]) -> Iterator[str]:
    """The selectors of a rule; a comma inside brackets divides none."""
    import tinycss2

    one: list[Any] = []
    for piece in prelude:
        if piece == ",":
            yield tinycss2.serialize(one).strip()
            one = []
        else:
            one.append(piece)
    yield tinycss2.serialize(one).strip()
