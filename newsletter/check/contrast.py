"""Text must be readable on its background, in the light and the dark palette (WCAG 1.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from newsletter.check import Mail, warning
from newsletter.check._css import Declarations, compile_selector, declarations
from newsletter.check._css_colours import background_colour, blend, parse_colour
from newsletter.check._fonts import font_size, is_bold
from newsletter.check._stylesheet import Rule
from newsletter.colours import ENOUGH, ENOUGH_LARGE, Colour, contrast
from newsletter.model import Finding

_PROPERTIES = frozenset(
    {
        *("color", "background-color", "background", "display", "visibility", "opacity"),
        *("font", "font-size", "font-weight"),
    }
)
_INVISIBLE = frozenset({"style", "script", "title"})
_COLOURS = frozenset({"color", "background-color", "background"})
_UNKNOWN = "var()"
_BLANKS = " \xa0\n\t"


@dataclass(frozen=True)
class _TextStyle:
    """The inherited style of text at one place. A colour of None is unknown and not checked."""

    colour: Colour | None
    background: Colour | None
    link: Colour | None  # of links without a colour of their own
    alpha: float = 1
    size: float = 16  # pixels
    bold: bool = False

    @property
    def required_contrast(self) -> float:
        is_large = self.size >= 24 or (self.bold and self.size >= 18.66)
        return ENOUGH_LARGE if is_large else ENOUGH


_LIGHT = _TextStyle(colour=(0, 0, 0), background=(255, 255, 255), link=(0, 0, 238))
_DARK = _TextStyle(colour=(255, 255, 255), background=(0, 0, 0), link=(158, 158, 255))
# Outlook's apps choose dark colours of their own for what has no rule.
_OUTLOOK_DARK = _TextStyle(colour=None, background=None, link=None)


@dataclass(frozen=True)
class _Cascade:
    """The declarations of style blocks, by element."""

    normal: Mapping[Any, Declarations]  # weaker than the style attribute
    important: Mapping[Any, Declarations]  # stronger than the style attribute
    keeps_colours: bool = True  # whether colours in elements stay as they are

    def styles(self, element: Any) -> Declarations:
        """All declarations that apply to the element."""
        inline = declarations(element.get("style"))
        if attributes := _colour_attributes(element):
            inline = {**attributes, **inline}
        if not self.keeps_colours and inline:
            inline = {k: _UNKNOWN if k in _COLOURS else value for k, value in inline.items()}
        normal, important = self.normal.get(element), self.important.get(element)
        return {**(normal or {}), **inline, **(important or {})} if normal or important else inline


def check(mail: Mail) -> Iterator[Finding]:
    """One finding for each pair of colours with too little contrast, quoting its first text."""
    sheet = mail.stylesheet
    yield from _weak_texts(mail, "the light palette", _cascade(mail, sheet.light()), _LIGHT)
    if sheet.has_dark:
        yield from _weak_texts(mail, "the dark palette", _cascade(mail, sheet.dark()), _DARK)
    outlook = _cascade(mail, sheet.outlook_dark())
    if outlook.important or outlook.normal:
        cascade = replace(outlook, keeps_colours=False)
        yield from _weak_texts(mail, "the dark palette of Outlook's apps", cascade, _OUTLOOK_DARK)


def _weak_texts(
    mail: Mail, palette: str, cascade: _Cascade, default: _TextStyle
) -> Iterator[Finding]:
    reported = set()
    for body in mail.elements("//body"):
        for element, text, style in _visible_texts(body, default, cascade):
            if style.colour is None or style.background is None or not style.size:
                continue
            colour = blend(style.colour, style.background, style.alpha)
            ratio = contrast(colour, style.background)
            pair = colour, style.background, style.required_contrast
            if ratio >= style.required_contrast or pair in reported:
                continue
            reported.add(pair)
            yield warning(
                "contrast",
                f"“{text[:50]}” is hard to read in {palette}: {_hex(colour)} on "
                f"{_hex(style.background)} has a contrast of {ratio:.2f}; it needs "
                f"{style.required_contrast:g}.",
                f"Choose another colour in {'style.css' if default is _LIGHT else 'extras.css'}.",
                **mail.where(element),
            )


def _visible_texts(
    element: Any, inherited: _TextStyle, cascade: _Cascade
) -> Iterator[tuple[Any, str, _TextStyle]]:
    if not isinstance(element.tag, str) or element.tag in _INVISIBLE:
        return
    styles = cascade.styles(element)
    if styles.get("display") == "none" or styles.get("visibility") == "hidden":
        return
    style = _apply(inherited, element, styles)
    if text := (element.text or "").strip(_BLANKS):
        yield element, text, style
    for child in element:
        yield from _visible_texts(child, style, cascade)
        if text := (child.tail or "").strip(_BLANKS):
            yield element, text, style


def _apply(inherited: _TextStyle, element: Any, styles: Declarations) -> _TextStyle:
    changes: dict[str, Any] = {}
    if "color" in styles:
        changes |= _colour_changes(styles["color"])
    elif element.tag == "a" and element.get("href") is not None:
        changes |= {"colour": inherited.link, "alpha": 1.0}
    if background := styles.get("background-color") or styles.get("background"):
        changes["background"] = _background(inherited.background, background)
    if opacity := styles.get("opacity"):
        changes["alpha"] = changes.get("alpha", inherited.alpha) * _parse_opacity(opacity)
    if (size := font_size(element.tag, styles, inherited.size)) != inherited.size:
        changes["size"] = size
    if (bold := is_bold(element.tag, styles, inherited.bold)) != inherited.bold:
        changes["bold"] = bold
    return replace(inherited, **changes) if changes else inherited


def _colour_attributes(element: Any) -> dict[str, str]:
    attributes = {"background-color": element.get("bgcolor")}
    if element.tag in ("font", "body"):
        attributes["color"] = element.get("color") or element.get("text")
    # In an attribute, hexadecimal digits may lack their #.
    return {k: v if parse_colour(v) else f"#{v}" for k, v in attributes.items() if v}


def _colour_changes(value: str) -> dict[str, Any]:
    if parsed := parse_colour(value):
        return {"colour": parsed[0], "alpha": parsed[1]}
    return {"colour": None} if "(" in value else {}  # var(…) is unknown; clients ignore the rest


def _background(inherited: Colour | None, value: str) -> Colour | None:
    """The background colour; of a picture the one below it, as readers see it without pictures."""
    if not (parsed := background_colour(value)):
        return None if "var(" in value else inherited
    colour, alpha = parsed
    if alpha == 1:
        return colour
    return None if inherited is None else blend(colour, inherited, alpha)


def _parse_opacity(value: str) -> float:
    try:
        opacity = float(value.rstrip("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        return 1
    return min(max(opacity, 0), 1)


def _cascade(mail: Mail, rules: Iterable[Rule]) -> _Cascade:
    """The declarations of rules by element, in the order of CSS."""
    ordered = []
    for order, rule in enumerate(rules):
        relevant = [item for item in rule.declarations if item[0] in _PROPERTIES]
        if relevant and (selector := compile_selector(rule.selector)):
            path, specificity = selector
            ordered.append((specificity, order, path, relevant))
    normal: dict[Any, dict[str, str]] = {}
    important: dict[Any, dict[str, str]] = {}
    for _, _, path, relevant in sorted(ordered, key=lambda entry: entry[:2]):
        for element in path(mail.page):
            for name, value, is_important in relevant:
                (important if is_important else normal).setdefault(element, {})[name] = value
    return _Cascade(normal, important)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
