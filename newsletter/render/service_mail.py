"""Mails from the program itself: alerts to the editor, and mails about a sign-up to one reader."""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from newsletter import colours
from newsletter.config import Config
from newsletter.language import Language
from newsletter.model import Rendered
from newsletter.render.charset import keep_utf8
from newsletter.render.jinja import own_template
from newsletter.text.characters import truncate

_PAGE = Path(__file__).parent / "own_pages" / "service_mail.html.j2"
_LIGHT = ("#efebe3", "#fffdf9", "#f6f1e7", "#1c1a17", "#635b50", "#d9d2c5")
_NIGHT = ("#110f0e", "#1b1917", "#262320", "#ede8de", "#b5ada0", "#47423b")
_FONTS = {
    False: ("Georgia,'Times New Roman',serif", "Helvetica,Arial,sans-serif"),
    True: (
        "'Noto Serif KR','Nanum Myeongjo',AppleMyungjo,'Apple SD Gothic Neo','Malgun Gothic',serif",
        "'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif",
    ),
}
_WIDTH = 72  # characters of a line of the text part
_KOREAN_WIDTH = 40
_PREHEADER = 100  # characters
_COMMAND_SPACE = "\x1f"  # stands for a space in a command, so that no line ends there
COMMAND = re.compile("`([^`]*)`")  # a command in a text for people


@dataclass(frozen=True)
class Button:
    """The one link of a mail."""

    text: str
    link: str
    note: str  # what the reader should know about it


def alert_mail(
    config: Config, title: str, paragraphs: Sequence[str], button: Button | None
) -> Rendered:
    """A mail to the editor. Text between backticks in a paragraph is a command."""
    why = Language(config.newsletter.language).say("alert_why", newsletter=config.newsletter.name)
    return service_mail(config, title, title, paragraphs, button, [why])


def service_mail(
    config: Config,
    subject: str,
    title: str,
    paragraphs: Sequence[str],
    button: Button | None,
    why: Sequence[str],
) -> Rendered:
    """A mail to the editor or a reader. Text between backticks in a paragraph is a command.

    ``why`` are the lines at its foot. The mail does not use the newsroom's template, so a fault in
    the template does not keep it from going out.
    """
    language, name = Language(config.newsletter.language), config.newsletter.name
    korean = config.newsletter.language.startswith("ko")
    serif, sans = _FONTS[korean]
    foot = [without_backticks(line) for line in why]
    preheader = truncate(without_backticks(paragraphs[0]), _PREHEADER) if paragraphs else ""
    html = own_template(_PAGE).render(
        language=config.newsletter.language,
        direction=language.direction,
        accent=config.newsletter.accent,
        light=_LIGHT,
        night=_NIGHT,
        serif=serif,
        sans=sans,
        leading=1.7 if korean else 1.55,
        readable=colours.readable,
        on=colours.on,
        pieces=COMMAND.split,
        newsletter=name,
        subject=subject,
        title=title,
        preheader=preheader,
        paragraphs=paragraphs,
        link=button and button.link,
        link_text=button and button.text,
        link_note=button and button.note,
        why=foot,
    )
    blocks = [title, *paragraphs]
    blocks += [f"{button.text}:\n{button.link}", button.note] if button else []
    width = _KOREAN_WIDTH if korean else _WIDTH
    text = "\n\n".join(_wrapped(block, width) for block in blocks)
    text += "\n\n-- \n" + "\n".join(_wrapped(line, width) for line in foot)
    html, text = keep_utf8(html, "</body>"), keep_utf8(text + "\n", None)
    digest = hashlib.sha256(f"{subject}\n{html}\n{text}".encode()).hexdigest()
    return Rendered(subject, preheader, html, text, digest, {})


def without_backticks(text: str) -> str:
    """The text without the backticks around commands."""
    return COMMAND.sub(r"\1", text)


def _wrapped(block: str, width: int) -> str:
    """The block in lines of ``width`` characters. A command or a web address is not broken."""
    if "://" in block:
        return block
    text = COMMAND.sub(lambda command: command[1].replace(" ", _COMMAND_SPACE), block)
    lines = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    return lines.replace(_COMMAND_SPACE, " ")
