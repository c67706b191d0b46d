"""The features of HTML and CSS that a mail uses, by their names in Can I email."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.text.urls import split

if TYPE_CHECKING:
    from newsletter.check import Mail

# The first pattern that matches a property names its feature.
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
_PSEUDO_ELEMENTS = frozenset(
    {"after", "before", "first-letter", "first-line"}
)  # also after one colon
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
_FORMATS = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}


def features_in(mail: Mail, table: Collection[str]) -> dict[str, Any]:
    """The features of ``table`` that the mail uses, each with its first element.

    The element is None for features of style blocks and of the document.
    """
    elements: dict[str, Any] = {}
    for features, element in (*_html_features(mail), *_css_features(mail)):
        for feature in features:
            if feature in table:
                elements.setdefault(feature, element)
    return elements


def _html_features(mail: Mail) -> Iterator[tuple[Iterable[str], Any]]:
    yield ("html-doctype",), None
    for element in mail.elements("//*"):
        yield _tag_features(element.tag, tuple(element.keys())), element
        if element.tag == "img":
            yield _picture_features(element.get("src") or ""), element
        elif element.tag == "a":
            yield _link_features(element.get("href") or ""), element
        elif element.tag in ("input", "button"):
            kind = element.get("type") or ("text" if element.tag == "input" else "submit")
            yield (f"html-{element.tag}-{kind}",), element
        elif element.tag == "meta":
            yield (f"html-meta-{element.get('name')}",), element


def _css_features(mail: Mail) -> Iterator[tuple[Iterable[str], Any]]:
    for element, styles in mail.styled:
        for name, value in styles.items():
            yield _declaration_features(name, value), element
    for rule in mail.stylesheet.rules:
        yield _selector_features(rule.selector), None
        for name, value, important in rule.declarations:
            yield _declaration_features(name, value), None
            yield ("css-important",) if important else (), None
    yield mail.stylesheet.features, None
    for at_rule in (*mail.stylesheet.at_rules, *mail.stylesheet.nested):
        yield (f"css-at-{at_rule[1:].partition(' ')[0]}",), None
        yield (f"css-at-media-{query}" for query in _MEDIA if query in at_rule), None


def _picture_features(address: str) -> tuple[str, ...]:
    if address.startswith("data:"):
        return ("image-base64",)
    suffix = split(address).path.rpartition(".")[2].lower()
    return (f"image-{_FORMATS.get(suffix, suffix)}",)


def _link_features(address: str) -> tuple[str, ...]:
    if address.startswith("mailto:"):
        return ("html-mailto-links",)
    return ("html-anchor-links",) if address.startswith("#") else ()


@lru_cache(maxsize=512)
def _tag_features(tag: object, attributes: Iterable[str]) -> tuple[str, ...]:
    if not isinstance(tag, str):
        return ("html-comments",)
    features = [f"html-{name}" for name in attributes if name in _ATTRIBUTES]
    features += [_RENAMED[name] for name in attributes if name in _RENAMED]
    return (_TAGS.get(tag, f"html-{tag}"), *features)


@lru_cache(maxsize=2048)
def _declaration_features(name: str, value: str) -> tuple[str, ...]:
    name = _PREFIX.sub("", name)
    features = [f"css-{name}", f"css-{_family(name)}"]
    if name == "display" and (kind := value.removeprefix("inline-")) in ("none", "flex", "grid"):
        features.append(f"css-display-{kind}")
    if name == "background" and ("url(" in value or "gradient(" in value):
        features.append("css-background-image")
    if re.search(r"\b(?:fit|max|min)-content\b", value):
        features.append("css-intrinsic-size")
    if name in ("font", "font-family") and "system-ui" in value:
        features.append("css-sytem-ui")  # as the table spells it
    features += [
        f"css-unit-{'percent' if unit == '%' else unit}" for unit in set(_UNIT.findall(value))
    ]
    features += [_FUNCTIONS[function] for function in _FUNCTION.findall(value)]
    if "var(" in value or name.startswith("--"):
        features.append("css-variables")
    if value == "initial":
        features.append("css-unit-initial")
    return tuple(dict.fromkeys(features))


def _family(name: str) -> str:
    for pattern, feature in _FAMILIES:
        if match := pattern.fullmatch(name):
            return feature.format(*match.groups())
    return name


@lru_cache(maxsize=512)
def _selector_features(selector: str) -> tuple[str, ...]:
    features = []
    bare = _PSEUDO.sub("", selector)
    for colons, name in _PSEUDO.findall(selector):
        kind = "element" if colons == "::" or name in _PSEUDO_ELEMENTS else "class"
        features.append(f"css-pseudo-{kind}-{name}")
    symbols = {".": "class", "#": "id", "[": "attribute", ">": "child", "+": "adjacent-sibling",
               "~": "general-sibling", "*": "universal"}  # fmt: skip
    features += [f"css-selector-{name}" for symbol, name in symbols.items() if symbol in bare]
    if re.search(r"[\w\])]\s+[\w.#\[]", bare):
        features.append("css-selector-descendant")
    if re.search(r"[.#][\w-]+[.#\[]", bare):
        features.append("css-selector-chaining")
    if re.search(r"(?:^|[\s>+~])[a-z]", bare):
        features.append("css-selector-type")
    return tuple(features)
