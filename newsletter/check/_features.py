"""What a mail uses of HTML and CSS, in the names of the table of clients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.text.urls import split

if TYPE_CHECKING:
    from newsletter.check import Mail

# A property counts as the first family of which it is one.
_FAMILIES = tuple(
    (re.compile(pattern), feature)
    for pattern, feature in (
        (r"(margin|padding)-(inline|block)", "{0}-inline-block"),
        (r"(margin|padding)-(inline|block)-(?:start|end)", "{0}-{1}-start-end"),
        (r"border-(?:inline|block)", "border-inline-block"),
        (r"border-(?:inline|block)-(?:start|end)", "border-inline-block-individual"),
        (r"border-(?:inline|block)-.*", "border-inline-block-longhand"),
        (r"border-(?:start|end)-(?:start|end)-radius", "border-radius-logical"),
        (r"border-(?:top|bottom)-(?:left|right)-radius", "border-radius"),
        (r"border-image-.*", "border-image"),
        (r"top|right|bottom|left", "left-right-top-bottom"),
        (r"columns|column-(?:width|fill|span|rule.*)", "column-layout-properties"),
        (r"(?:row|column|grid)-gap|grid-(?:row|column)-gap", "gap"),
        (r"grid-template.*", "grid-template"),
        (r"scroll-snap.*", "scroll-snap"),
        (r"block-size|inline-size", "block-inline-size"),
        (r"text-emphasis-(?:color|style)", "text-emphasis"),
        (r"flex-flow", "flex-wrap"),
        (r"(mask-image|clip-path|filter|transform|transition|animation|inset|outline)-.*", "{0}"),
        (r"(overflow|background-position|object-position)-.*", "{0}"),
        (r"(margin|padding|border|background|font|list-style)-.*", "{0}"),
    )
)
_PREFIX = re.compile(r"-(?:webkit|moz|ms|o)-")
_TAGS = {
    **{f"h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(("b", "strong"), "html-strong"),
    **dict.fromkeys(
        ("article", "aside", "footer", "header", "main", "nav", "section", "figure"),
        "html-semantics",
    ),
    "map": "html-image-maps",
    "acronym": "html-acronym",
}
_ATTRIBUTES = frozenset(
    {
        *("align", "background", "cellpadding", "cellspacing", "dir", "height", "hidden", "lang"),
        *("popover", "required", "role", "srcset", "target", "valign", "width"),
        *("aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "aria-live"),
    }
)
_RENAMED = {
    "loading": "html-loading-attribute", "inert": "css-inert-attribute",
    "amp4email": "amp", "\u26a14email": "amp",
}  # fmt: skip
_ELEMENTS = frozenset({"after", "before", "first-letter", "first-line"})  # also after one colon
_PSEUDO = re.compile(r"(::?)([a-z-]+)")
_UNIT = re.compile(r"(?<![\w#.-])-?\d*\.?\d+(px|em|rem|ch|ex|cm|mm|in|pt|pc|vh|vw|vmin|vmax|%)")
_FUNCTION = re.compile(
    r"\b(calc|clamp|min|max|light-dark|rgba?|(?:linear|radial|conic)-gradient|hwb|(?:ok)?(?:lab|lch)"
    r"|color|color-mix)\("
)
_FUNCTIONS = {
    "calc": "css-unit-calc", "clamp": "css-function-clamp", "min": "css-function-min",
    "max": "css-function-max", "light-dark": "css-function-light-dark", "rgb": "css-rgb",
    "rgba": "css-rgba", "linear-gradient": "css-linear-gradient",
    "radial-gradient": "css-radial-gradient", "conic-gradient": "css-conic-gradient",
    **dict.fromkeys(
        ("hwb", "lab", "lch", "oklab", "oklch", "color", "color-mix"), "css-modern-color"
    ),
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
            yield _of_picture(element.get("src") or ""), element
        elif element.tag == "a":
            yield _of_address(element.get("href") or ""), element
        elif element.tag in ("input", "button"):
            kind = element.get("type") or ("text" if element.tag == "input" else "submit")
            yield (f"html-{element.tag}-{kind}",), element
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
    yield mail.sheet.ways, None
    for at_rule in (*mail.sheet.at_rules, *mail.sheet.nested):
        yield (f"css-at-{at_rule[1:].partition(' ')[0]}",), None
        yield (f"css-at-media-{each}" for each in _MEDIA if each in at_rule), None


def _of_picture(address: str) -> tuple[str, ...]:
    if address.startswith("data:"):
        return ("image-base64",)
    ending = split(address).path.rpartition(".")[2].lower()
    return (f"image-{_ENDINGS.get(ending, ending)}",)


def _of_address(address: str) -> tuple[str, ...]:
    if address.startswith("mailto:"):
        return ("html-mailto-links",)
    return ("html-anchor-links",) if address.startswith("#") else ()


@lru_cache(maxsize=512)
def _of_element(tag: object, attributes: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(tag, str):
        return ("html-comments",)
    named = [f"html-{name}" for name in attributes if name in _ATTRIBUTES]
    named += [_RENAMED[name] for name in attributes if name in _RENAMED]
    return (_TAGS.get(tag, f"html-{tag}"), *named)


@lru_cache(maxsize=2048)
def _of_declaration(name: str, value: str) -> tuple[str, ...]:
    name = _PREFIX.sub("", name)
    found = [f"css-{name}", f"css-{_family(name)}"]
    if name == "display" and (kind := value.removeprefix("inline-")) in ("none", "flex", "grid"):
        found.append(f"css-display-{kind}")
    if name == "background" and ("url(" in value or "gradient(" in value):
        found.append("css-background-image")
    if re.search(r"\b(?:fit|max|min)-content\b", value):
        found.append("css-intrinsic-size")
    if name in ("font", "font-family") and "system-ui" in value:
        found.append("css-sytem-ui")  # as the table spells it
    found += [
        f"css-unit-{'percent' if unit == '%' else unit}" for unit in set(_UNIT.findall(value))
    ]
    found += [_FUNCTIONS[each] for each in _FUNCTION.findall(value)]
    if "var(" in value or name.startswith("--"):
        found.append("css-variables")
    if value == "initial":
        found.append("css-unit-initial")
    return tuple(dict.fromkeys(found))


def _family(name: str) -> str:
    for pattern, feature in _FAMILIES:
        if match := pattern.fullmatch(name):
            return feature.format(*match.groups())
    return name


@lru_cache(maxsize=512)
def _of_selector(selector: str) -> tuple[str, ...]:
    found = []
    bare = _PSEUDO.sub("", selector)
    for colons, name in _PSEUDO.findall(selector):
        kind = "element" if colons == "::" or name in _ELEMENTS else "class"
        found.append(f"css-pseudo-{kind}-{name}")
    marks = {".": "class", "#": "id", "[": "attribute", ">": "child", "+": "adjacent-sibling",
             "~": "general-sibling", "*": "universal"}  # fmt: skip
    found += [f"css-selector-{name}" for mark, name in marks.items() if mark in bare]
    if re.search(r"[\w\])]\s+[\w.#\[]", bare):
        found.append("css-selector-descendant")
    if re.search(r"[.#][\w-]+[.#\[]", bare):
        found.append("css-selector-chaining")
    if re.search(r"(?:^|[\s>+~])[a-z]", bare):
        found.append("css-selector-type")
    return tuple(found)
