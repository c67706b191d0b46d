"""Colours as CSS writes them."""

from __future__ import annotations

import re
from functools import lru_cache

from newsletter.colours import Colour

_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^(),]*)\)")
_CANDIDATE = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^()]*\)|\b[a-z]+\b(?![-(])")
_PICTURE = re.compile(r"(?:url|[a-z-]*gradient)\((?:[^()]|\([^()]*\))*\)")


@lru_cache(maxsize=512)
def parse_colour(text: str) -> tuple[Colour, float] | None:
    """The colour and its alpha, from 0 (transparent) to 1; None if ``text`` is not a colour."""
    from tinycss2.color3 import parse_color

    rgba = parse_color(_FUNCTION.sub(_with_commas, text.strip().lower()))
    if rgba is None or isinstance(rgba, str):
        return None
    colour = (round(rgba.red * 255), round(rgba.green * 255), round(rgba.blue * 255))
    return colour, min(max(rgba.alpha, 0.0), 1.0)


@lru_cache(maxsize=512)
def background_colour(background: str) -> tuple[Colour, float] | None:
    """The colour and alpha in a ``background`` value, without its picture; None for no colour."""
    text = _PICTURE.sub(" ", background.lower())
    colours = (parse_colour(match.group()) for match in _CANDIDATE.finditer(text))
    return next((colour for colour in colours if colour), None)


def blend(colour: Colour, background: Colour, alpha: float) -> Colour:
    """The colour as seen over the background."""
    if alpha == 1:
        return colour
    red, green, blue = (
        round(c * alpha + b * (1 - alpha)) for c, b in zip(colour, background, strict=True)
    )
    return red, green, blue


def _with_commas(match: re.Match[str]) -> str:
    """``rgb(0 0 0 / 50%)`` in the older syntax, which tinycss2 parses."""
    parts = match[2].replace("/", " ").split()
    if len(parts) == 4 and parts[3].endswith("%"):
        parts[3] = str(float(parts[3][:-1] or 0) / 100)
    return f"{match[1]}{'a' if len(parts) == 4 else ''}({','.join(parts)})"
