"""The styles of a mail, written into each element; and no style lost on the way in silence."""

from __future__ import annotations

import logging
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from newsletter.errors import ContentError

_INLINER = threading.Lock()  # premailer is not thread-safe to the byte
_STYLE = re.compile(
    r"<style(?![^>]*data-premailer=.ignore.)[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
# What the inliner cannot find elements by, and leaves out.
_NOT_INLINED = re.compile(r"::?[a-z-]+|[\^$*~|]=", re.IGNORECASE)
_STYLED = re.compile(r"""(<[a-z][^<>]*\sstyle=)("[^"]*"|'[^']*')""", re.IGNORECASE)
_GAP = re.compile(r"""("[^"]*"|'[^']*')|([;,])\s+""")


def inlined(html: str, searched: Sequence[Path]) -> str:
    """The styles of every ``<style>`` but those marked ``data-premailer="ignore"``, inlined.

    ``searched``: the folders of the template, for the place of what is wrong. Raises ContentError.
    """
    import cssutils

    if not html.strip():
        raise ContentError("The template email.html.j2 gives nothing. Restore it, or write it.")
    cssutils.log.setLevel(logging.CRITICAL)
    styles = "\n".join(_STYLE.findall(_COMMENT.sub("", html)))
    with _INLINER:
        for snippet, why in _lost(styles):
            raise ContentError(
                f"{_place(snippet, searched)}: {snippet.strip()!r} would be lost, because {why}. "
                f"Write it in another way, or put it into extras.css, the style block marked "
                f"data-premailer, which readers get as it is."
            )
        mail: str = _inliner()(
            html,
            allow_network=False,
            strip_important=False,
            disable_validation=True,
            align_floating_images=False,
            disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
            keep_style_tags=False,
            remove_classes=False,
            cssutils_logging_level=logging.CRITICAL,
        ).transform(pretty_print=False)
    return _STYLED.sub(_light, mail)


def _light(element: re.Match[str]) -> str:
    """An element's styles without the blanks that the inliner put between them."""
    quote, styles = element[2][0], element[2][1:-1]
    return element[1] + quote + _GAP.sub(r"\1\2", styles) + quote


@lru_cache(maxsize=1)
def _inliner() -> Any:
    """premailer, which reads the same styles once: between two saves they seldom change."""
    import premailer

    class Inliner(premailer.Premailer):  # type: ignore[misc]
        @staticmethod
        @lru_cache(maxsize=16)
        def read(css: str, number: int) -> Any:
            settings = {"disable_validation": True, "strip_important": False}
            plain = premailer.Premailer("<p>", **settings)
            return plain._parse_style_rules(css, number)

        def _parse_style_rules(self, css_body: str | None, ruleset_index: int) -> Any:
            rules, leftover = self.read(css_body or "", ruleset_index)
            return list(rules), list(leftover)

    return Inliner


@lru_cache(maxsize=16)
def _lost(styles: str) -> tuple[tuple[str, str], ...]:
    """The first piece of the styles that would not reach an element, and why."""
    return tuple(fault for fault, _ in zip(_faults(styles), range(1), strict=False))


def _faults(styles: str) -> Iterator[tuple[str, str]]:
    import cssutils
    import tinycss2

    sheet = cssutils.parseString(styles, validate=False)
    parsed: Counter[tuple[str, str]] = Counter()
    for rule in sheet.cssRules.rulesOfType(cssutils.css.CSSRule.STYLE_RULE):
        for style in rule.style.getProperties(all=True):
            parsed[_squeezed(rule.selectorText), style.name] += 1
    for rule in tinycss2.parse_stylesheet(styles, skip_comments=True, skip_whitespace=True):
        if rule.type == "error":
            yield styles.splitlines()[rule.source_line - 1].strip(), "it is no CSS"
        elif rule.type == "at-rule":
            yield f"@{rule.at_keyword}", "an at-rule cannot stand in an element"
        else:
            yield from _lost_of(rule, parsed)


def _lost_of(rule: object, known: Counter[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    import tinycss2

    selector = tinycss2.serialize(rule.prelude).strip()  # type: ignore[attr-defined]
    if match := _NOT_INLINED.search(selector):
        yield selector, f"{match.group()!r} names no element that the inliner can find"
    for item in tinycss2.parse_declaration_list(
        rule.content,  # type: ignore[attr-defined]
        skip_comments=True,
        skip_whitespace=True,
    ):
        if item.type != "declaration":
            yield f"{selector} {{ … }}", f"a declaration in it is no CSS ({item.type})"
            continue
        written = f"{item.name}:{tinycss2.serialize(item.value)}"
        key = _squeezed(selector), item.lower_name
        if not any(name == key[0] for name, _ in known):
            yield selector, "the inliner does not know this way to name elements"
            return
        if known[key] <= 0:
            yield written, "the inliner does not know this way to write a value"
        known[key] -= 1


def _squeezed(text: str) -> str:
    return "".join(text.split()).replace("'", '"')


def _place(snippet: str, searched: Sequence[Path]) -> str:
    """File and line of the template where the snippet, or at least its beginning, stands."""
    shortened = (snippet, snippet.partition(" {")[0], f"{snippet.partition(':')[0]}:")
    for excerpt in dict.fromkeys(shortened):
        for folder in searched:
            for path in sorted(folder.rglob("*")):
                if path.suffix not in (".css", ".j2", ".html") or not path.is_file():
                    continue
                lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
                for number, line in enumerate(lines, 1):
                    if _squeezed(excerpt) in _squeezed(line):
                        return f"{path}, line {number}"
    return "The styles of the template"
