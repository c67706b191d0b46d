"""The contrast between text and background by WCAG 2, and colours with enough of it."""

from __future__ import annotations

import colorsys

ENOUGH = 4.5  # WCAG 1.4.3, for text of usual size
ENOUGH_LARGE = 3.0  # from 24 px, or 18.7 px bold
_STEPS = 50

Colour = tuple[int, int, int]


def parsed(text: str) -> Colour:
    """``#9b1c2e`` as red, green and blue; raises ValueError for anything else."""
    if len(text) != 7 or text[0] != "#":
        raise ValueError(f"{text!r} is no colour of six hexadecimal digits")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(colour: str, *grounds: str) -> str:
    """The colour, made darker or lighter until it has enough contrast on all backgrounds.

    Its hue and saturation stay, so a red becomes a light red, not a pale one.
    """
    on = [parsed(ground) for ground in grounds]
    dark = sum(map(_luminance, on)) / len(on) < 0.18
    towards = 1 if dark else 0
    hue, lightness, saturation = colorsys.rgb_to_hls(*(c / 255 for c in parsed(colour)))
    for step in range(_STEPS + 1):
        lighter = lightness + (towards - lightness) * step / _STEPS
        shares = colorsys.hls_to_rgb(hue, lighter, saturation)
        red, green, blue = (round(255 * share) for share in shares)
        if all(contrast((red, green, blue), ground) >= ENOUGH for ground in on):
            break
    return f"#{red:02x}{green:02x}{blue:02x}"


def on(ground: str) -> str:
    """White, or black if white has too little contrast; one of the two always has enough."""
    white = contrast((255, 255, 255), parsed(ground)) >= ENOUGH
    return "#ffffff" if white else "#000000"


def _luminance(colour: Colour) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return float(share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = map(linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
