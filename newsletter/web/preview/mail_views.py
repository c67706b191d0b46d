"""A built mail as the preview shows it. ``build/`` itself is never changed."""

from __future__ import annotations

import re
from typing import Literal

Theme = Literal["light", "dark"]

_STYLE_PARTS = re.compile(
    r"<style\b[^>]*>.*?</style>|\bmedia=\"[^\"]*\"", re.DOTALL | re.IGNORECASE
)
_BLOCKS = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL | re.IGNORECASE)
_ONLY_CONDITION = re.compile(
    r"(@media|media=\")\s*\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)(?=\s*[{\"])",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_DECLARED = re.compile(r"color-scheme\s*:[^;}]*dark|<meta[^>]*\bcolor-scheme\b", re.IGNORECASE)
_OPENING_TAGS = re.compile(r"(<[a-z][a-z0-9:-]*)(?=[\s/>]|$)", re.IGNORECASE)
_TARGETS = re.compile(
    r"(<(?:a|area)\b[^>]*?)\s+target=(?:\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE
)
# Browsers drop backgrounds when printing, and buttons need theirs.
_PRINT_STYLES = (
    "<style>:root{-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "h1,h2,h3{break-after:avoid}img{break-inside:avoid}</style>"
)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)


def mail(html: str, theme: Theme, published: str, *, styles: bool = True) -> str:
    """The mail in one palette, with local pictures and links that open a new tab.

    ``published`` is the address below which readers will find the issue's pictures. Without
    ``styles``, style blocks are removed, as some Gmail apps do.
    """
    kept = html if styles else _BLOCKS.sub("", html)
    return _with_head(_with_local_pictures(in_theme(kept, theme), published), theme)


def with_lines(html: str) -> str:
    """The HTML with ``data-line`` on every tag: its line in the built mail, from 1."""
    lines = enumerate(html.split("\n"), 1)
    return "\n".join(_OPENING_TAGS.sub(rf'\1 data-line="{n}"', line) for n, line in lines)


def has_dark_palette(html: str) -> bool:
    """Whether the mail has its own dark palette."""
    return any(
        match[1].lower() == "dark"
        for block in _STYLE_PARTS.findall(html)
        for match in _CONDITION.finditer(block)
    )


def in_theme(html: str, theme: Theme) -> str:
    """Resolve every prefers-color-scheme query, because a page cannot set it for a frame."""
    return _STYLE_PARTS.sub(lambda block: _resolve(block.group(), theme), html)


def _resolve(styles: str, theme: Theme) -> str:
    def only_condition(match: re.Match[str]) -> str:
        media = "all" if match[2].lower() == theme else "not all"
        return match[1] + (media if match[1].endswith('"') else f" {media}")

    def one_condition(match: re.Match[str]) -> str:
        return "(min-width:0)" if match[1].lower() == theme else "(max-width:0)"

    return _CONDITION.sub(one_condition, _ONLY_CONDITION.sub(only_condition, styles))


def _with_local_pictures(html: str, published: str) -> str:
    """Readers get pictures from the public pages, where unsent ones are not published yet."""
    return re.sub(rf"(?<=[\"'(]){re.escape(published)}(?=(?:images|pictures)/)", "/", html)


def _with_head(html: str, theme: Theme) -> str:
    head = f'<base target="_blank">{_PRINT_STYLES}'
    if _DECLARED.search(html):
        # Otherwise the browser uses the palette of the editor's system.
        head += f"<style>:root{{color-scheme:only {theme} !important}}</style>"
    return _HEAD.sub(lambda match: match.group() + head, _TARGETS.sub(r"\1", html), count=1)
