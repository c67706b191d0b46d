"""The size and weight of text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletter.check._css import pixels

BOLD = 700

_BOLD_TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "th"})
_SCALE = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83}
_KEYWORDS = {
    **{"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0},
    **{"x-large": 24.0, "xx-large": 32.0},
}
_RELATIVE = re.compile(r"([\d.]+)(em|%)")
_SIZE_IN_FONT = re.compile(r"([\d.]+(?:px|pt|em|rem|%))(?:/|\s|$)")


def font_size(tag: str, styles: Mapping[str, str], inherited: float) -> float:
    """The font size of an element in CSS pixels. ``inherited``: that of its parent."""
    value = styles.get("font-size")
    if value is None and (match := _SIZE_IN_FONT.search(styles.get("font", ""))):
        value = match[1]
    if value is None:
        return inherited * _SCALE.get(tag, 1)
    value = value.strip().lower()
    if match := _RELATIVE.fullmatch(value):
        return inherited * float(match[1]) / (100 if match[2] == "%" else 1)
    if value in ("smaller", "larger"):
        return inherited * (1.2 if value == "larger" else 1 / 1.2)
    size = _KEYWORDS.get(value, pixels(value))
    return inherited if size is None else size


def is_bold(tag: str, styles: Mapping[str, str], inherited: bool) -> bool:
    """Whether an element's text is bold. ``inherited``: whether its parent's is."""
    weight = styles.get("font-weight", "").strip().lower()
    if not weight and "font" in styles:
        weight = "bold" if re.search(r"\b(?:bold|[7-9]00)\b", styles["font"]) else "normal"
    if weight.isdecimal():
        return int(weight) >= BOLD
    if weight in ("bold", "bolder"):
        return True
    if weight in ("normal", "lighter"):
        return False
    return inherited or tag in _BOLD_TAGS
