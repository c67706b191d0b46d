"""Text must be read on its ground, in the light and in the dark palette (WCAG 1.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from newsletter.check import Mail, warning
from newsletter.check._colours import colour_in, mixed, read_colour
from newsletter.check._fonts import is_bold, size_of
from newsletter.check._sheet import Rule
from newsletter.check._styles import Declared, declared, matcher
from newsletter.colours import ENOUGH, ENOUGH_LARGE, Colour, contrast
from newsletter.model import Finding

_WANTED = frozenset(
    {
        *("color", "background-color", "background", "display", "visibility", "opacity"),
        *("font", "font-size", "font-weight"),
    }
)
_NOT_READ = frozenset({"style", "script", "title"})
_COLOURS = frozenset({"color", "background-color", "background"})
_UNKNOWN = "var()"


@dataclass(frozen=True)
class _Look:
    """How text looks at one place: what it inherits, and the ground behind it.

    None is a colour that is not known, of which nothing is said.
    """

    colour: Colour | None
    ground: Colour | None
    link: Colour | None  # of a link that says no colour of its own
    alpha: float = 1
    size: float = 16  # pixels
    bold: bool = False

    @property
    def enough(self) -> float:
        large = self.size >= 24 or (self.bold and self.size >= 18.66)
        return ENOUGH_LARGE if large else ENOUGH


_LIGHT = _Look(colour=(0, 0, 0), ground=(255, 255, 255), link=(0, 0, 238))
_DARK = _Look(colour=(255, 255, 255), ground=(0, 0, 0), link=(158, 158, 255))
# Outlook's apps change what they were not told about in a way of their own.
_MARKED = _Look(colour=None, ground=None, link=None)


@dataclass(frozen=True)
class _Cascade:
    """What style blocks say of elements: ``under`` what stands in an element, and ``over`` it."""

    under: Mapping[Any, Declared]
    over: Mapping[Any, Declared]
    keeps_colours: bool = True  # whether the colours in an element stay as they are

    def styles(self, element: Any) -> Mapping[str, str]:
        """All declarations that hold for the element."""
        own: Mapping[str, str] = declared(element.get("style"))
        if coloured := _by_attribute(element):
            own = {**coloured, **own}
        if not self.keeps_colours and own:
            own = {name: _UNKNOWN if name in _COLOURS else own[name] for name in own}
        under, over = self.under.get(element), self.over.get(element)
        return {**(under or {}), **own, **(over or {})} if under or over else own


def check(mail: Mail) -> Iterator[Finding]:
    """One finding for each pair of colours that is too weak, with the first words in it."""
    sheet = mail.sheet
    yield from _weak(mail, "the light palette", _cascade(mail, sheet.light()), _LIGHT)
    if sheet.has_dark:
        yield from _weak(mail, "the dark palette", _cascade(mail, sheet.dark()), _DARK)
    marked = _cascade(mail, sheet.marked())
    if marked.over or marked.under:
        cascade = replace(marked, keeps_colours=False)
        yield from _weak(mail, "the dark palette of Outlook's apps", cascade, _MARKED)


def _weak(mail: Mail, palette: str, cascade: _Cascade, start: _Look) -> Iterator[Finding]:
    said = set()
    for body in mail.elements("//body"):
        for element, words, look in _texts(body, start, cascade):
            if look.colour is None or look.ground is None or not look.size:
                continue
            colour = mixed(look.colour, look.ground, look.alpha)
            ratio = contrast(colour, look.ground)
            pair = colour, look.ground, look.enough
            if ratio >= look.enough or pair in said:
                continue
            said.add(pair)
            yield warning(
                "contrast",
                f"“{words[:50]}” is weak in {palette}: {_hex(colour)} on {_hex(look.ground)} has "
                f"a contrast of {ratio:.2f}; it needs {look.enough:g}.",
                f"Choose another colour in {'style.css' if start is _LIGHT else 'extras.css'}.",
                **mail.where(element),
            )


def _texts(element: Any, look: _Look, cascade: _Cascade) -> Iterator[tuple[Any, str, _Look]]:
    """Every text that is seen, with how it looks."""
    if not isinstance(element.tag, str) or element.tag in _NOT_READ:
        return
    styles = cascade.styles(element)
    if styles.get("display") == "none" or styles.get("visibility") == "hidden":
        return
    here = _changed(look, element, styles)
    if words := (element.text or "").strip(" \xa0\n\t"):
        yield element, words, here
    for child in element:
        yield from _texts(child, here, cascade)
        if words := (child.tail or "").strip(" \xa0\n\t"):
            yield element, words, here


def _changed(look: _Look, element: Any, told: Mapping[str, str]) -> _Look:
    changes: dict[str, Any] = {}
    if "color" in told:
        changes |= _coloured(told["color"])
    elif element.tag == "a" and element.get("href") is not None:
        changes |= {"colour": look.link, "alpha": 1.0}
    if ground := told.get("background-color") or told.get("background"):
        changes["ground"] = _ground(look.ground, ground)
    if opacity := told.get("opacity"):
        changes["alpha"] = changes.get("alpha", look.alpha) * _share(opacity)
    if (size := size_of(element.tag, told, look.size)) != look.size:
        changes["size"] = size
    if (bold := is_bold(element.tag, told, look.bold)) != look.bold:
        changes["bold"] = bold
    return replace(look, **changes) if changes else look


def _by_attribute(element: Any) -> dict[str, str]:
    found = {"background-color": element.get("bgcolor")}
    if element.tag in ("font", "body"):
        found["color"] = element.get("color") or element.get("text")
    # In an attribute a colour of digits may stand without its sign.
    return {k: v if read_colour(v) else f"#{v}" for k, v in found.items() if v}


def _coloured(value: str) -> dict[str, Any]:
    """What changes with a colour; nothing with one that clients pass over."""
    if found := read_colour(value):
        return {"colour": found[0], "alpha": found[1]}
    return {"colour": None} if "(" in value else {}  # as var(…)


def _ground(behind: Colour | None, value: str) -> Colour | None:
    """The ground; of a picture the colour under it, which is all that is seen with pictures off."""
    if not (found := colour_in(value)):
        return None if "var(" in value else behind
    colour, alpha = found
    if alpha == 1:
        return colour
    return None if behind is None else mixed(colour, behind, alpha)


def _share(opacity: str) -> float:
    try:
        share = float(opacity.rstrip("%")) / (100 if opacity.endswith("%") else 1)
    except ValueError:
        return 1
    return min(max(share, 0), 1)


def _cascade(mail: Mail, rules: Iterable[Rule]) -> _Cascade:
    """What rules say of elements, in CSS's order; important ones over all others."""
    weighed = []
    for order, rule in enumerate(rules):
        told = [each for each in rule.declared if each[0] in _WANTED]
        if told and (found := matcher(rule.selector)):
            path, weight = found
            weighed.append((weight, order, path, told))
    under: dict[Any, dict[str, str]] = {}
    over: dict[Any, dict[str, str]] = {}
    for _, _, path, told in sorted(weighed, key=lambda each: each[:2]):
        for element in path(mail.page):
            for name, value, important in told:
                (over if important else under).setdefault(element, {})[name] = value
    return _Cascade(under, over)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
