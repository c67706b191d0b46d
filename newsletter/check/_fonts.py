"""How big and how bold text is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletter.check._styles import pixels

BOLD = 700

_BOLD_TAGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "th"})
_SCALE = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h5": 0.83, "h6": 0.67, "small": 0.83}
_NAMED = {
    **{"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0},
    **{"x-large": 24.0, "xx-large": 32.0},
}
_RELATIVE = re.compile(r"([\d.]+)(em|%)")
_IN_FONT = re.compile(r"([\d.]+(?:px|pt|em|rem|%))(?:/|\s|$)")


def size_of(tag: str, styles: Mapping[str, str], around: float) -> float:
    """The size of an element's text in CSS pixels; ``around``: that of the text around it."""
    said = styles.get("font-size")
    if said is None and (match := _IN_FONT.search(styles.get("font", ""))):
        said = match[1]
    if said is None:
        return around * _SCALE.get(tag, 1)
    said = said.strip().lower()
    if match := _RELATIVE.fullmatch(said):
        return around * float(match[1]) / (100 if match[2] == "%" else 1)
    if said in ("smaller", "larger"):
        return around * (1.2 if said == "larger" else 1 / 1.2)
    found = _NAMED.get(said, pixels(said))
    return around if found is None else found


def is_bold(tag: str, styles: Mapping[str, str], around: bool) -> bool:
    """Whether an element's text is bold; ``around``: whether the text around it is."""
    said = styles.get("font-weight", "").strip().lower()
    if not said and "font" in styles:
        said = "bold" if re.search(r"\b(?:bold|[7-9]00)\b", styles["font"]) else "normal"
    if said.isdecimal():
        return int(said) >= BOLD
    if said in ("bold", "bolder"):
        return True
    if said in ("normal", "lighter"):
        return False
    return around or tag in _BOLD_TAGS
