"""A word to the editor, or to one reader, as a mail: HTML that needs no inlining, and text."""

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
from newsletter.render.charset import guarded
from newsletter.render.filling import own
from newsletter.text.characters import truncate

_PAGE = Path(__file__).parent / "own_pages" / "alert.html.j2"
_LIGHT = ("#efebe3", "#fffdf9", "#f6f1e7", "#1c1a17", "#635b50", "#d9d2c5")
_NIGHT = ("#110f0e", "#1b1917", "#262320", "#ede8de", "#b5ada0", "#47423b")
_FONTS = {
    False: ("Georgia,'Times New Roman',serif", "Helvetica,Arial,sans-serif"),
    True: (
        "'Noto Serif KR','Nanum Myeongjo',AppleMyungjo,'Apple SD Gothic Neo','Malgun Gothic',serif",
        "'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif",
    ),
}
_WIDTH, _INBOX, _BLANK = 72, 100, "\x1f"
COMMAND = re.compile("`([^`]*)`")  # how words to people mark one


@dataclass(frozen=True)
class Button:
    """One link: its words, where it leads, and what to know about it."""

    words: str
    link: str
    note: str


def alert(config: Config, title: str, paragraphs: Sequence[str], button: Button | None) -> Rendered:
    """The mail to the editor; what stands between backticks in a paragraph is a command."""
    why = Language(config.newsletter.language).say("alert_why", newsletter=config.newsletter.name)
    return word(config, title, title, paragraphs, button, [why])


def word(
    config: Config,
    subject: str,
    title: str,
    paragraphs: Sequence[str],
    button: Button | None,
    why: Sequence[str],
) -> Rendered:
    """The mail; what stands between backticks is a command. ``why``: the lines at its foot.

    It uses no template of the newsroom's, so that it goes out whatever is wrong with those.
    """
    language, name = Language(config.newsletter.language), config.newsletter.name
    korean = config.newsletter.language.startswith("ko")
    serif, sans = _FONTS[korean]
    foot = [plain(line) for line in why]
    preheader = truncate(plain(paragraphs[0]), _INBOX) if paragraphs else ""
    html = own(_PAGE).render(
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
        link_words=button and button.words,
        link_note=button and button.note,
        why=foot,
    )
    blocks = [title, *paragraphs]
    blocks += [f"{button.words}:\n{button.link}", button.note] if button else []
    width = 40 if korean else _WIDTH
    text = "\n\n".join(_wrapped(block, width) for block in blocks)
    text += "\n\n-- \n" + "\n".join(_wrapped(line, width) for line in foot)
    html, text = guarded(html, "</body>"), guarded(text + "\n", None)
    digest = hashlib.sha256(f"{subject}\n{html}\n{text}".encode()).hexdigest()
    return Rendered(subject, preheader, html, text, digest, {})


def plain(words: str) -> str:
    """The words without the marks around commands."""
    return COMMAND.sub(r"\1", words)


def _wrapped(block: str, width: int) -> str:
    """Lines of this many letters; a command stays on one, and so does an address."""
    if "://" in block:
        return block
    text = COMMAND.sub(lambda command: command[1].replace(" ", _BLANK), block)
    lines = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    return lines.replace(_BLANK, " ")
