"""Outlook for Windows renders mails with Word, which lacks much of CSS."""

import re
from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.check._css import Declarations, declarations, pixels
from newsletter.check._css_colours import parse_colour
from newsletter.colours import ENOUGH, contrast
from newsletter.model import Finding

_CONDITIONAL = re.compile(r"<!--\[if [^\]]*mso[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_GHOST_TABLE = re.compile(r"<table\b[^>]*\bwidth=[\"']?600\b", re.IGNORECASE)
_TABLE_TAG = re.compile(r"<(/?)table\b", re.IGNORECASE)
_VML = re.compile(r"<v:(?:roundrect|rect|oval|shape|line)\b", re.IGNORECASE)
_WHITE = (255, 255, 255)
_CELLS = frozenset({"td", "th", "body"})


def check(mail: Mail) -> Iterator[Finding]:
    """A ghost table limits the width; cells have padding; buttons are cells with a background."""
    conditional = "".join(_CONDITIONAL.findall(mail.rendered.html))
    tags = _TABLE_TAG.findall(conditional)
    if tags.count("") != tags.count("/"):
        yield warning(
            "outlook",
            f"Of the tables for Outlook, {tags.count('')} are opened and {tags.count('/')} closed.",
            "Close each in its own <!--[if mso]>…<![endif]--> in the template.",
            HTML,
        )
    if not _GHOST_TABLE.search(conditional):
        yield warning(
            "outlook",
            "Outlook for Windows ignores max-width, so the mail is as wide as its window.",
            'Put <!--[if mso]><table width="600" …><tr><td><![endif]--> around the mail.',
            HTML,
        )
    if _VML.search(mail.rendered.html):
        yield warning(
            "outlook",
            "There is a button in VML, which cannot be reached by keyboard.",
            "Make it a <td bgcolor> with padding around an <a>.",
            HTML,
        )
    yield from _buttons(mail)
    for element, styles in mail.styled:
        if pixels(styles.get("max-width")) and not _has_limited_width(element):
            yield warning(
                "outlook",
                f"A <{element.tag}> has max-width, which Outlook for Windows supports on tables "
                f"only.",
                "Put it on a table, or put <!--[if mso]><table width=…> right before it.",
                **mail.where(element),
            )
        if element.tag in _CELLS or not _has_padding(styles):
            continue
        if element.tag == "a" and _has_background(styles):
            subject = "A button has its background and padding on the link"
            remedy = "Put bgcolor and padding on a <td> around the <a>."
        else:
            subject = f"A <{element.tag}> has padding"
            remedy = "Put the padding on a table cell, or use a margin."
        yield warning(
            "outlook",
            f"{subject}, which Outlook for Windows ignores.",
            remedy,
            **mail.where(element),
        )


def _buttons(mail: Mail) -> Iterator[Finding]:
    """Check cells with a background that hold nothing but a link."""
    for cell in mail.elements("//td[count(*)=1][a[@href]]"):
        styles = declarations(cell.get("style"))
        has_other_text = cell.text_content().strip() != cell[0].text_content().strip()
        if has_other_text or not (cell.get("bgcolor") or _has_background(styles)):
            continue
        if not cell.get("bgcolor") and _is_unreadable_on_white(cell[0]):
            yield warning(
                "outlook",
                "A button has its background only in its style, which some clients drop; its "
                "text is then unreadable.",
                "Give its <td> a bgcolor, too.",
                **mail.where(cell),
            )
        if not _has_padding(styles):
            yield warning(
                "outlook",
                "A button has no padding, so it is hard to hit.",
                "Put padding on its <td>.",
                **mail.where(cell),
            )


def _is_unreadable_on_white(link: Any) -> bool:
    parsed = parse_colour(declarations(link.get("style")).get("color", ""))
    return parsed is not None and contrast(parsed[0], _WHITE) < ENOUGH


def _has_limited_width(element: Any) -> bool:
    """Whether Outlook limits its width anyway: a table, a picture, or within a ghost table."""
    previous = element.getprevious()
    is_comment = previous is not None and not isinstance(previous.tag, str)
    has_ghost_table = is_comment and "mso]" in (previous.text or "")
    return element.tag in ("table", "img") or has_ghost_table


def _has_padding(styles: Declarations) -> bool:
    values = (value for name, value in styles.items() if name.startswith("padding"))
    return any(pixels(length) != 0 for value in values for length in value.split())


def _has_background(styles: Declarations) -> bool:
    return "background" in styles or "background-color" in styles
