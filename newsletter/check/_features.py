"""What a mail uses of HTML and CSS, in the names of the table of clients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from newsletter.check import Mail

# A property of a family counts as the family.
_FAMILIES = ("margin", "padding", "border", "background", "font", "list-style")
_TAGS = {
    **{f"h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(("b", "strong"), "html-strong"),
    **dict.fromkeys(
        ("article", "aside", "footer", "header", "main", "nav", "section", "figure"),
        "html-semantics",
    ),
    "map": "html-image-maps",
}
_ATTRIBUTES = frozenset(
    {
        *("align", "background", "cellpadding", "cellspacing", "dir", "height", "hidden", "lang"),
        *("required", "role", "srcset", "target", "valign", "width"),
        *("aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live"),
    }
)
_PSEUDO = re.compile(r"(::?)([a-z-]+)")
_UNIT = re.compile(r"(?<![\w#.-])-?\d*\.?\d+(px|em|rem|ch|ex|cm|mm|in|pt|pc|vh|vw|vmin|vmax|%)")
_FUNCTION = re.compile(r"\b(calc|clamp|min|max|light-dark|rgba?|linear-gradient|radial-gradient)\(")
_FUNCTIONS = {
    "calc": "css-unit-calc", "clamp": "css-function-clamp", "min": "css-function-min",
    "max": "css-function-max", "light-dark": "css-function-light-dark", "rgb": "css-rgb",
    "rgba": "css-rgba", "linear-gradient": "css-linear-gradient",
    "radial-gradient": "css-radial-gradient",
}  # fmt: skip
_MEDIA = (
    "prefers-color-scheme", "prefers-reduced-motion", "hover", "orientation", "device-pixel-ratio",
)  # fmt: skip
_ENDINGS = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}


def used(mail: Mail, known: frozenset[str]) -> dict[str, Any]:
    """The features of the mail that are ``known``, each with an element that uses it, or None."""
    found: dict[str, Any] = {}
    for names, element in (*_in_elements(mail), *_in_styles(mail)):
        for name in names:
            if name in known:
                found.setdefault(name, element)
    return found


def _in_elements(mail: Mail) -> Iterator[tuple[Iterable[str], Any]]:
    yield ("html-doctype",), None
    for element in mail.elements("//*"):
        yield _of_element(element.tag, tuple(element.keys())), element
        if element.tag == "img":
            ending = urlsplit(element.get("src") or "").path.rpartition(".")[2].lower()
            yield (f"image-{_ENDINGS.get(ending, ending)}",), element
        elif element.tag == "a":
            yield _of_address(element.get("href") or ""), element
        elif element.tag == "meta":
            yield (f"html-meta-{element.get('name')}",), element


def _in_styles(mail: Mail) -> Iterator[tuple[Iterable[str], Any]]:
    for element, styles in mail.styled:
        for name, value in styles.items():
            yield _of_declaration(name, value), element
    for rule in mail.sheet.rules:
        yield _of_selector(rule.selector), None
        for name, value, important in rule.declared:
            yield _of_declaration(name, value), None
            yield ("css-important",) if important else (), None
    for at_rule in (*mail.sheet.at_rules, *mail.sheet.nested):
        yield (f"css-at-{at_rule[1:].partition(' ')[0]}",), None
        yield (f"css-at-media-{each}" for each in _MEDIA if each in at_rule), None


def _of_address(address: str) -> tuple[str, ...]:
    if address.startswith("mailto:"):
        return ("html-mailto-links",)
    return ("html-anchor-links",) if address.startswith("#") else ()


@lru_cache(maxsize=512)
def _of_element(tag: object, attributes: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(tag, str):
        return ("html-comments",)
    named = tuple(f"html-{name}" for name in attributes if name in _ATTRIBUTES)
    return (_TAGS.get(tag, f"html-{tag}"), *named)


@lru_cache(maxsize=2048)
def _of_declaration(name: str, value: str) -> tuple[str, ...]:
    family = next((f for f in _FAMILIES if name.startswith(f"{f}-")), name)
    found = [f"css-{name}", f"css-{family}"]
    if name == "display" and value in ("none", "flex", "grid"):
        found.append(f"css-display-{value}")
    found += [
        f"css-unit-{'percent' if unit == '%' else unit}" for unit in set(_UNIT.findall(value))
    ]
    found += [_FUNCTIONS[each] for each in _FUNCTION.findall(value)]
    if "var(" in value or name.startswith("--"):
        found.append("css-variables")
    if value == "initial":
        found.append("css-unit-initial")
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=512)
def _of_selector(selector: str) -> tuple[str, ...]:
    found = []
    bare = _PSEUDO.sub("", selector)
    for colons, name in _PSEUDO.findall(selector):
        found.append(f"css-pseudo-{'element' if colons == '::' else 'class'}-{name}")
    marks = {".": "class", "#": "id", "[": "attribute", ">": "child", "+": "adjacent-sibling",
             "~": "general-sibling", "*": "universal"}  # fmt: skip
    found += [f"css-selector-{name}" for mark, name in marks.items() if mark in bare]
    if re.search(r"[\w\])]\s+[\w.#\[]", bare):
        found.append("css-selector-descendant")
    if re.search(r"(?:^|[\s>+~])[a-z]", bare):
        found.append("css-selector-type")
    return tuple(found)
