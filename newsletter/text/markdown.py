"""The editor's note: Markdown → clean HTML, and → plain text for the text part."""

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
_TOP_HEADING = 2  # the mail's name is its h1
_WIDTH = re.compile(r"max-width:\d{1,4}px")  # the one style that a note may hold


Shown = Callable[[str], Mapping[str, Any] | None]


def to_html(markdown: str, shown: Shown = lambda of: {"src": of}) -> str:
    """HTML without anything that a mail must not hold; empty where there is nothing to read.

    ``shown``: the ``src``, ``width`` and ``height`` of a picture by its address in the note; None
    for one that cannot be had.
    """
    import nh3

    parsed = _parser().parse(tokens.take_apart(markdown))
    for token in parsed:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(max(int(token.tag[1]), _TOP_HEADING), 3)}"
        if token.children:
            token.children = [child for child in token.children if _dressed(child, shown)]
    html = _parser().renderer.render(parsed, _parser().options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_allowed,
        url_schemes={"https", "http", "mailto"},
        link_rel=None,
    )
    return clean.strip()


def pictures(markdown: str) -> list[str]:
    """The note's pictures: web addresses, and paths in the issue's folder."""
    children = (child for token in _parser().parse(markdown) for child in token.children or ())
    found = (str(child.attrs.get("src", "")) for child in children if child.type == "image")
    return [address for address in found if address and not address.startswith(("//", "data:"))]


def to_text(markdown: str) -> str:
    """The note for readers of plain text: a link's address follows its words in brackets."""
    blocks: list[tuple[str, int]] = []  # and the number of the list that it is a line of, or 0
    lists: list[int | None] = []
    prefix, begun, tight = "", 0, False
    for token in _parser().parse(tokens.take_apart(markdown)):
        if token.type == "ordered_list_open":
            lists.append(int(token.attrs.get("start", 1)))
            begun += len(lists) == 1
        elif token.type == "bullet_list_open":
            lists.append(None)
            begun += len(lists) == 1
        elif token.type in {"ordered_list_close", "bullet_list_close"}:
            lists.pop()
        elif token.type == "list_item_open":
            number = lists[-1]
            prefix = "- " if number is None else f"{number}. "
            lists[-1] = None if number is None else number + 1
        elif token.type.endswith("_open"):
            tight = token.hidden  # a paragraph in a list without blank lines
        elif token.type == "inline":
            blocks.append((prefix + _inline(token.children or []), begun if tight else 0))
            prefix = ""
        elif token.type in {"fence", "code_block"}:
            blocks.append((token.content.strip(), 0))
        elif token.type == "html_block":
            blocks.append((_words(token.content), 0))
    return _joined(blocks)


def _joined(blocks: list[tuple[str, int]]) -> str:
    """A blank line between two, but for lines of one list."""
    text, last = "", 0
    for block, of in blocks:
        if block.strip():
            text += ("\n" if of and of == last else "\n\n") + block
            last = of
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


def _dressed(token: Token, shown: Shown) -> bool:
    """Give a picture the attributes of the one that readers get; False where there is none."""
    if token.type != "image":
        return True
    picture = shown(str(token.attrs.get("src", "")))
    if picture is None:
        return False
    token.attrs |= {name: str(value) for name, value in picture.items() if value is not None}
    if width := picture.get("width"):
        token.attrs["style"] = f"max-width:{width}px"  # else the template makes a small one big
    return True


def _allowed(_tag: str, attribute: str, value: str) -> str | None:
    return value if attribute != "style" or _WIDTH.fullmatch(value) else None


def _words(html: str) -> str:
    import nh3
    from markupsafe import Markup

    return Markup(nh3.clean(html, tags=set())).unescape().strip()  # noqa: S704 - cleaned


@lru_cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True, "typographer": True}).enable(["smartquotes"])
