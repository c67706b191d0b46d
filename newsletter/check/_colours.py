"""Colours as CSS writes them."""

from __future__ import annotations

import re
from functools import lru_cache

from newsletter.colours import Colour

_SPACED = re.compile(r"(rgb|hsl)a?\(([^(),]*)\)")
_ONE = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^()]*\)|\b[a-z]+\b(?![-(])")
_PICTURE = re.compile(r"(?:url|[a-z-]*gradient)\((?:[^()]|\([^()]*\))*\)")


@lru_cache(maxsize=512)
def read_colour(text: str) -> tuple[Colour, float] | None:
    """The colour, and how much of it covers what is behind: from 0 to 1."""
    from tinycss2.color3 import parse_color

    found = parse_color(_SPACED.sub(_with_commas, text.strip().lower()))
    if found is None or isinstance(found, str):
        return None
    colour = (round(found.red * 255), round(found.green * 255), round(found.blue * 255))
    return colour, min(max(found.alpha, 0.0), 1.0)


@lru_cache(maxsize=512)
def colour_in(background: str) -> tuple[Colour, float] | None:
    """The colour that a ``background`` names beside its picture, if any."""
    bare = _PICTURE.sub(" ", background.lower())
    found = (read_colour(match.group()) for match in _ONE.finditer(bare))
    return next((each for each in found if each), None)


def mixed(colour: Colour, ground: Colour, alpha: float) -> Colour:
    """The colour laid over the ground."""
    if alpha == 1:
        return colour
    red, green, blue = (
        round(c * alpha + g * (1 - alpha)) for c, g in zip(colour, ground, strict=True)
    )
    return red, green, blue


def _with_commas(match: re.Match[str]) -> str:
    """``rgb(0 0 0 / 50%)`` as it was written before."""
    parts = match[2].replace("/", " ").split()
    if len(parts) == 4 and parts[3].endswith("%"):
        parts[3] = str(float(parts[3][:-1] or 0) / 100)
    return f"{match[1]}{'a' if len(parts) == 4 else ''}({','.join(parts)})"
