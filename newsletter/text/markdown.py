"""Convert the editor's note from Markdown to clean HTML, and to plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from newsletter.links import tokens

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TAGS = {"p", "br", "a", "strong", "em", "ul", "ol", "li", "blockquote", "h2", "h3", "hr", "img"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height", "style"},
    "ol": {"start"},
}
_TOP_HEADING = 2  # h1 is the newsletter's name
_WIDTH = re.compile(r"max-width:\d{1,4}px")  # the only style that a note may have

PictureAttributes = Callable[[str], Mapping[str, Any] | None]


def to_html(
    markdown: str, picture_attributes: PictureAttributes = lambda address: {"src": address}
) -> str:
    """HTML with only the tags that mails allow.

    ``picture_attributes`` returns the ``src``, ``width`` and ``height`` of a picture by its
    address in the note, or None for a picture that is missing and left out.
    """
    import nh3

    parsed = _parser().parse(tokens.without_tokens(markdown))
    for token in parsed:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(max(int(token.tag[1]), _TOP_HEADING), 3)}"
        if token.children:
            token.children = [
                child for child in token.children if _set_attributes(child, picture_attributes)
            ]
    html = _parser().renderer.render(parsed, _parser().options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_filter_attribute,
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )
    return clean.strip()


def pictures(markdown: str) -> list[str]:
    """The addresses of the note's pictures: web addresses, and paths in the issue folder."""
    children = (child for token in _parser().parse(markdown) for child in token.children or ())
    addresses = (str(child.attrs.get("src", "")) for child in children if child.type == "image")
    return [address for address in addresses if address and not address.startswith(("//", "data:"))]


def to_text(markdown: str) -> str:
    """Plain text; the address of a link follows its text in parentheses."""
    blocks: list[tuple[str, int]] = []  # text, and the number of its tight list or 0
    lists: list[int | None] = []
    prefix, list_number, is_tight = "", 0, False
    for token in _parser().parse(tokens.without_tokens(markdown)):
        if token.type == "ordered_list_open":
            lists.append(int(token.attrs.get("start", 1)))
            list_number += len(lists) == 1
        elif token.type == "bullet_list_open":
            lists.append(None)
            list_number += len(lists) == 1
        elif token.type in {"ordered_list_close", "bullet_list_close"}:
            lists.pop()
        elif token.type == "list_item_open":
            number = lists[-1]
            prefix = "- " if number is None else f"{number}. "
            lists[-1] = None if number is None else number + 1
        elif token.type.endswith("_open"):
            is_tight = token.hidden  # a paragraph in a list without blank lines
        elif token.type == "inline":
            blocks.append((prefix + _inline(token.children or []), list_number if is_tight else 0))
            prefix = ""
        elif token.type in {"fence", "code_block"}:
            blocks.append((token.content.strip(), 0))
        elif token.type == "html_block":
            blocks.append((_html_text(token.content), 0))
    return _join(blocks)


def _join(blocks: list[tuple[str, int]]) -> str:
    """Join blocks with a blank line, but items of one tight list without."""
    text, previous = "", 0
    for block, list_number in blocks:
        if block.strip():
            text += ("\n" if list_number and list_number == previous else "\n\n") + block
            previous = list_number
    return text.lstrip("\n")


def _inline(children: list[Token]) -> str:
    text, links = "", []
    for token in children:
        if token.type == "link_open":
            links.append((str(token.attrs.get("href", "")), len(text)))
        elif token.type == "link_close":
            address, start = links.pop()
            address = address.removeprefix("mailto:")
            text += "" if text[start:] == address else f" ({address})"
        elif token.type in {"text", "code_inline", "image"}:
            text += token.content
        elif token.type == "softbreak":
            text += " "
        elif token.type == "hardbreak":
            text += "\n"
    return text


def _set_attributes(token: Token, picture_attributes: PictureAttributes) -> bool:
    """Set the attributes of a picture; False for one that is missing."""
    if token.type != "image":
        return True
    attributes = picture_attributes(str(token.attrs.get("src", "")))
    if attributes is None:
        return False
    token.attrs |= {name: str(value) for name, value in attributes.items() if value is not None}
    if width := attributes.get("width"):
        token.attrs["style"] = f"max-width:{width}px"  # or the template would enlarge it
    return True


def _filter_attribute(_tag: str, attribute: str, value: str) -> str | None:
    return value if attribute != "style" or _WIDTH.fullmatch(value) else None


def _html_text(html: str) -> str:
    import nh3
    from markupsafe import Markup

    return Markup(nh3.clean(html, tags=set())).unescape().strip()  # noqa: S704 - cleaned


@lru_cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True, "typographer": True}).enable(["smartquotes"])
