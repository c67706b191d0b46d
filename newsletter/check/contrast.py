"""Text must be read on its ground, in the light and in the dark palette (WCAG 1.4.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from newsletter.check import Mail, warning
from newsletter.check._styles import Declared, declared, matcher, pixels
from newsletter.colours import ENOUGH, ENOUGH_LARGE, Colour, contrast
from newsletter.model import Finding

_WANTED = frozenset({"color", "background-color", "background", "display"})
_NOT_READ = frozenset({"style", "script", "title"})


@dataclass(frozen=True)
class _Look:
    """How text looks at one place: what it inherits, and the ground behind it."""

    colour: Colour = (0, 0, 0)
    ground: Colour | None = (255, 255, 255)  # None: a picture, of which nothing is known
    size: float = 16  # pixels
    bold: bool = False

    @property
    def enough(self) -> float:
        large = self.size >= 24 or (self.bold and self.size >= 18.66)
        return ENOUGH_LARGE if large else ENOUGH


def check(mail: Mail) -> Iterator[Finding]:
    """One finding for each pair of colours that is too weak, with the first words in it."""
    yield from _weak(mail, "light", {}, _Look())
    over = _over(mail)
    if over:
        dark = _Look(colour=(255, 255, 255), ground=(0, 0, 0))
        yield from _weak(mail, "dark", over, dark)


def _weak(
    mail: Mail, palette: str, over: Mapping[Any, Declared], start: _Look
) -> Iterator[Finding]:
    said = set()
    for body in mail.elements("//body"):
        for element, words, look in _texts(body, start, over):
            if look.ground is None:
                continue
            ratio = contrast(look.colour, look.ground)
            pair = look.colour, look.ground, look.enough
            if ratio >= look.enough or pair in said:
                continue
            said.add(pair)
            yield warning(
                "contrast",
                f"“{words[:50]}” is weak in the {palette} palette: {_hex(look.colour)} on "
                f"{_hex(look.ground)} has a contrast of {ratio:.1f}; it needs {look.enough:g}.",
                f"Choose another colour in {'style.css' if palette == 'light' else 'extras.css'}.",
                **mail.where(element),
            )


def _texts(
    element: Any, look: _Look, over: Mapping[Any, Declared]
) -> Iterator[tuple[Any, str, _Look]]:
    """Every text that is seen, with how it looks."""
    if not isinstance(element.tag, str) or element.tag in _NOT_READ:
        return
    styles = {**declared(element.get("style")), **over.get(element, {})}
    if styles.get("display") == "none":
        return
    here = _changed(look, element, styles)
    if words := (element.text or "").strip(" \xa0\n\t"):
        yield element, words, here
    for child in element:
        yield from _texts(child, here, over)
        if words := (child.tail or "").strip(" \xa0\n\t"):
            yield element, words, here


def _changed(look: _Look, element: Any, styles: Mapping[str, str]) -> _Look:
    if element.tag in ("h1", "h2", "h3", "b", "strong", "th"):
        look = replace(look, bold=True)
    if not styles and not element.get("bgcolor"):
        return look
    if colour := _colour(styles.get("color", "")):
        look = replace(look, colour=colour)
    ground = styles.get("background-color") or styles.get("background") or element.get("bgcolor")
    if ground and ground not in ("none", "transparent", "inherit"):
        known = _colour(ground) or next(filter(None, map(_colour, ground.split())), None)
        look = replace(look, ground=None if "url(" in ground else known or look.ground)
    if size := pixels(styles.get("font-size")):
        look = replace(look, size=size)
    if weight := styles.get("font-weight"):
        look = replace(look, bold=weight in ("bold", "bolder", "600", "700", "800", "900"))
    return look


def _over(mail: Mail) -> dict[Any, Declared]:
    """What the style blocks change in the dark, by element: important rules, in CSS's order."""
    if not any("prefers-color-scheme" in rule.within for rule in mail.sheet.rules):
        return {}
    weighed = []
    for order, rule in enumerate(mail.sheet.dark()):
        told = [(name, value) for name, value, important in rule.declared if important]
        told = [(name, value) for name, value in told if name in _WANTED]
        found = matcher(rule.selector) if told else None
        if found:
            path, weight = found
            weighed.append((weight, order, path, told))
    changes: dict[Any, dict[str, str]] = {}
    for _, _, path, told in sorted(weighed, key=lambda each: each[:2]):
        for element in path(mail.page):
            changes.setdefault(element, {}).update(told)
    return dict(changes)


@lru_cache(maxsize=256)
def _colour(text: str) -> Colour | None:
    from tinycss2.color3 import parse_color

    found = parse_color(text) if text else None
    if found is None or isinstance(found, str) or found.alpha < 1:
        return None
    return round(found.red * 255), round(found.green * 255), round(found.blue * 255)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
