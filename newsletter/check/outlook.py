"""Outlook for Windows draws with Word: what it needs, and what it does not know."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.check._styles import Declared, pixels
from newsletter.model import Finding

_GHOST = re.compile(
    r"<!--\[if [^\]]*mso[^\]]*\]>(?:(?!-->).)*?<table[^>]*\bwidth=\"?600", re.DOTALL
)
_VML = re.compile(r"<v:(?:roundrect|rect|shape)\b")
_CELLS = frozenset({"td", "th", "body"})


def check(mail: Mail) -> Iterator[Finding]:
    """A ghost table holds the width; padding stands on cells; buttons are cells with a ground."""
    if not _GHOST.search(mail.rendered.html):
        yield warning(
            "outlook",
            "Outlook for Windows does not know max-width, so the mail is as wide as its window.",
            'Put <!--[if mso]><table width="600" …><tr><td><![endif]--> around the mail.',
            HTML,
        )
    if _VML.search(mail.rendered.html):
        yield warning(
            "outlook",
            "There is a button drawn in VML, which no keyboard reaches.",
            "Make it a <td bgcolor> with padding around an <a>.",
            HTML,
        )
    for element, styles in mail.styled:
        if element.tag in _CELLS or not _pads(styles):
            continue
        if element.tag == "a" and _has_ground(styles):
            what = "A button has its ground and padding on the link"
            remedy = "Put bgcolor and padding on a <td> around the <a>."
        else:
            what = f"A <{element.tag}> has padding"
            remedy = "Put the padding on a table cell, or use a margin."
        yield warning(
            "outlook",
            f"{what}; Outlook for Windows leaves it out.",
            remedy,
            **mail.where(element),
        )


def _pads(styles: Declared) -> bool:
    values = (v for name, v in styles.items() if name.startswith("padding"))
    return any(pixels(part) != 0 for value in values for part in value.split())


def _has_ground(styles: Declared) -> bool:
    return "background" in styles or "background-color" in styles
