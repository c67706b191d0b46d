"""Outlook for Windows draws with Word: what it needs, and what it does not know."""

import re
from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.check._colours import read_colour
from newsletter.check._styles import Declared, declared, pixels
from newsletter.colours import ENOUGH, contrast
from newsletter.model import Finding

_FOR_OUTLOOK = re.compile(r"<!--\[if [^\]]*mso[^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_GHOST = re.compile(r"<table\b[^>]*\bwidth=[\"']?600\b", re.IGNORECASE)
_ENDS = re.compile(r"<(/?)table\b", re.IGNORECASE)
_VML = re.compile(r"<v:(?:roundrect|rect|oval|shape|line)\b", re.IGNORECASE)
_WHITE = (255, 255, 255)
_CELLS = frozenset({"td", "th", "body"})


def check(mail: Mail) -> Iterator[Finding]:
    """A ghost table holds the width; padding stands on cells; buttons are cells with a ground."""
    ghosts = "".join(_FOR_OUTLOOK.findall(mail.rendered.html))
    ends = _ENDS.findall(ghosts)
    if ends.count("") != ends.count("/"):
        yield warning(
            "outlook",
            f"Of the tables that are there for Outlook, {ends.count('')} are opened and "
            f"{ends.count('/')} closed.",
            "Close each in a <!--[if mso]>…<![endif]--> of its own in the template.",
            HTML,
        )
    if not _GHOST.search(ghosts):
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
    yield from _buttons(mail)
    for element, styles in mail.styled:
        if pixels(styles.get("max-width")) and not _is_held(element):
            yield warning(
                "outlook",
                f"A <{element.tag}> has max-width, which Outlook for Windows knows on tables only.",
                "Put it on a table, or stand <!--[if mso]><table width=…> right before it.",
                **mail.where(element),
            )
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


def _needs_ground(link: Any) -> bool:
    """Whether its words are too light for a ground of white."""
    found = read_colour(declared(link.get("style")).get("color", ""))
    return found is not None and contrast(found[0], _WHITE) < ENOUGH


def _is_held(element: Any) -> bool:
    """Whether it needs no max-width in Outlook: a picture has an attribute, the rest a table."""
    before = element.getprevious()
    ghost = before is not None and not isinstance(before.tag, str) and "mso]" in (before.text or "")
    return element.tag in ("table", "img") or ghost


def _buttons(mail: Mail) -> Iterator[Finding]:
    """Cells with a ground of their own, for nothing but a link."""
    for cell in mail.elements("//td[count(*)=1][a[@href]]"):
        styles = declared(cell.get("style"))
        around = cell.text_content().strip() != cell[0].text_content().strip()
        if around or not (cell.get("bgcolor") or _has_ground(styles)):
            continue
        if not cell.get("bgcolor") and _needs_ground(cell[0]):
            yield warning(
                "outlook",
                "A button has its ground in its style alone, which some clients drop, and nobody "
                "reads its words without.",
                "Give its <td> a bgcolor, too.",
                **mail.where(cell),
            )
        if not _pads(styles):
            yield warning(
                "outlook",
                "A button has no padding, so it is hard to hit.",
                "Put padding on its <td>.",
                **mail.where(cell),
            )


def _pads(styles: Declared) -> bool:
    values = (v for name, v in styles.items() if name.startswith("padding"))
    return any(pixels(part) != 0 for value in values for part in value.split())


def _has_ground(styles: Declared) -> bool:
    return "background" in styles or "background-color" in styles
