"""Inline a mail's CSS into its elements, and report every style that the inliner would drop."""

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
# Selectors that the inliner does not support and leaves out.
_NOT_INLINED = re.compile(r"::?[a-z-]+|[\^$*~|]=", re.IGNORECASE)
_STYLED = re.compile(r"""(<[a-z][^<>]*\sstyle=)("[^"]*"|'[^']*')""", re.IGNORECASE)
_GAP = re.compile(r"""("[^"]*"|'[^']*')|([;,])\s+""")


def inline_styles(html: str, searched: Sequence[Path]) -> str:
    """The mail with the rules of every ``<style>`` inlined, except ``data-premailer="ignore"``.

    ``searched`` are the template's folders. Raises ContentError, with file and line, for a
    style that would be lost.
    """
    import cssutils

    if not html.strip():
        raise ContentError("The template email.html.j2 renders to nothing. Restore the file.")
    cssutils.log.setLevel(logging.CRITICAL)
    styles = "\n".join(_STYLE.findall(_COMMENT.sub("", html)))
    with _INLINER:
        if fault := _first_fault(styles):
            snippet, reason = fault
            raise ContentError(
                f"{_place(snippet, searched)}: {snippet.strip()!r} would be lost, because "
                f"{reason}. Write it in another way, or put it into extras.css: the style block "
                f"marked data-premailer is sent as it is."
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
    return _STYLED.sub(_without_gaps, mail)


def _without_gaps(element: re.Match[str]) -> str:
    """An element's style attribute without the spaces that the inliner adds."""
    quote, styles = element[2][0], element[2][1:-1]
    return element[1] + quote + _GAP.sub(r"\1\2", styles) + quote


@lru_cache(maxsize=1)
def _inliner() -> Any:
    """premailer, with a cache for parsed styles, because they seldom change between two saves."""
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
def _first_fault(styles: str) -> tuple[str, str] | None:
    """The first piece of CSS that would be lost, and the reason."""
    return next(_faults(styles), None)


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
            yield styles.splitlines()[rule.source_line - 1].strip(), "it is not CSS"
        elif rule.type == "at-rule":
            yield f"@{rule.at_keyword}", "an at-rule cannot be inlined"
        else:
            yield from _rule_faults(rule, parsed)


def _rule_faults(rule: object, parsed: Counter[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The declarations of a rule that ``parsed``, what the inliner understood, does not have."""
    import tinycss2

    selector = tinycss2.serialize(rule.prelude).strip()  # type: ignore[attr-defined]
    if match := _NOT_INLINED.search(selector):
        yield selector, f"the inliner does not support {match.group()!r} in a selector"
    for item in tinycss2.parse_declaration_list(
        rule.content,  # type: ignore[attr-defined]
        skip_comments=True,
        skip_whitespace=True,
    ):
        if item.type != "declaration":
            yield f"{selector} {{ … }}", f"a declaration in it is not CSS ({item.type})"
            continue
        declaration = f"{item.name}:{tinycss2.serialize(item.value)}"
        key = _squeezed(selector), item.lower_name
        if not any(name == key[0] for name, _ in parsed):
            yield selector, "the inliner does not support this selector"
            return
        if parsed[key] <= 0:
            yield declaration, "the inliner does not support this value"
        parsed[key] -= 1


def _squeezed(text: str) -> str:
    return "".join(text.split()).replace("'", '"')


def _place(snippet: str, searched: Sequence[Path]) -> str:
    """The file and line of the template that contain the snippet, or at least its beginning."""
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
