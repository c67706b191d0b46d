"""A built mail as the preview shows it. What lies in ``build/`` is never changed."""

from __future__ import annotations

import re
from typing import Literal

Theme = Literal["light", "dark"]

_STYLES = re.compile(r"<style\b[^>]*>.*?</style>|\bmedia=\"[^\"]*\"", re.DOTALL | re.IGNORECASE)
_BLOCKS = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL | re.IGNORECASE)
_ALONE = re.compile(
    r"(@media|media=\")\s*\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)(?=\s*[{\"])",
    re.IGNORECASE,
)
_AMONG_OTHERS = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_DECLARED = re.compile(r"color-scheme\s*:[^;}]*dark|<meta[^>]*\bcolor-scheme\b", re.IGNORECASE)
_STARTS = re.compile(r"(<[a-z][a-z0-9:-]*)(?=[\s/>]|$)", re.IGNORECASE)
_TARGETS = re.compile(
    r"(<(?:a|area)\b[^>]*?)\s+target=(?:\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE
)
# Browsers leave out grounds where they print, and with them what makes a button a button.
_PRINTED = (
    "<style>:root{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "h1,h2,h3{break-after:avoid}img{break-inside:avoid}</style>"
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


def mail(html: str, theme: Theme, published: str, *, styles: bool = True) -> str:
    """The mail in one palette, with pictures from this machine and links for a new tab.

    ``published``: the address below which readers will find the issue's own files. Without
    ``styles`` it has no style blocks, as some of Gmail's apps show it.
    """
    bare = html if styles else _BLOCKS.sub("", html)
    return _opened(_with_own_pictures(in_theme(bare, theme), published), theme)


def with_lines(html: str) -> str:
    """The same with ``data-line`` on every tag: where in the built mail it begins, from 1."""
    lines = enumerate(html.split("\n"), 1)
    return "\n".join(_STARTS.sub(rf'\1 data-line="{n}"', line) for n, line in lines)


def has_dark_palette(html: str) -> bool:
    """Whether the mail itself says how it looks in the dark."""
    return any(
        match[1].lower() == "dark"
        for block in _STYLES.findall(html)
        for match in _AMONG_OTHERS.finditer(block)
    )


def in_theme(html: str, theme: Theme) -> str:
    """Decide every question for the reader's palette, which a page cannot set for a frame."""
    return _STYLES.sub(lambda block: _decided(block.group(), theme), html)


def _decided(styles: str, theme: Theme) -> str:
    def alone(match: re.Match[str]) -> str:
        answer = "all" if match[2].lower() == theme else "not all"
        return match[1] + (answer if match[1].endswith('"') else f" {answer}")

    def among_others(match: re.Match[str]) -> str:
        return "(min-width:0)" if match[1].lower() == theme else "(max-width:0)"

    return _AMONG_OTHERS.sub(among_others, _ALONE.sub(alone, styles))


def _with_own_pictures(html: str, published: str) -> str:
    """Readers get the issue's pictures from the public pages, where they do not lie yet."""
    return re.sub(rf"(?<=[\"'(]){re.escape(published)}(?=(?:images|pictures)/)", "/", html)


def _opened(html: str, theme: Theme) -> str:
    head = f'<base target="_blank">{_PRINTED}'
    if _DECLARED.search(html):
        # Else the browser paints page and letters after the wish of the editor's own system.
        head += f"<style>:root{{color-scheme:only {theme} !important}}</style>"
    return _HEAD.sub(lambda match: match.group() + head, _TARGETS.sub(r"\1", html), count=1)
