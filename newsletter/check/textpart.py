"""Readers of plain text get the same issue: its own template may fall behind."""

import re
from collections.abc import Iterator

from newsletter.check import TEXT, Mail, warning
from newsletter.links import tokens
from newsletter.model import Finding

_REMEDY = "Bring email.txt.j2 in step with email.html.j2."


def check(mail: Mail) -> Iterator[Finding]:
    """Every headline and every address of the HTML part stands in the text part, too."""
    text = _squeezed(mail.rendered.text)
    for story in (*mail.issue.stories, *mail.issue.missed):
        if _squeezed(story.headline) not in text:
            yield warning(
                "textpart",
                f"The text part lacks the story “{story.headline}”.",
                _REMEDY,
                TEXT,
                story=story.article.id,
            )
    addresses = {str(address) for address in mail.elements("//body//a/@href")}
    for address in sorted(a for a in addresses if a.startswith("https://")):
        if not re.search(rf"{re.escape(address)}(?!\.?[\w/?&=#%-])", mail.rendered.text):
            yield warning("textpart", f"The text part lacks the link {address}.", _REMEDY, TEXT)
    html = "".join(mail.texts)
    if tokens.GREETING_HTML in html and tokens.GREETING_TEXT not in mail.rendered.text:
        yield warning("textpart", "The text part does not greet the reader.", _REMEDY, TEXT)
    if tokens.PREFERENCES_HTML in addresses and tokens.PREFERENCES_TEXT not in mail.rendered.text:
        yield warning(
            "textpart", "The text part does not lead to the reader's preferences.", _REMEDY, TEXT
        )
    if any(f"<{tag} " in mail.rendered.text or f"<{tag}>" in mail.rendered.text for tag in _TAGS):
        yield warning(
            "textpart", "The text part holds HTML.", "Use the text of things there.", TEXT
        )


_TAGS = ("p", "a", "td", "br", "span", "div")


def _squeezed(text: str) -> str:
    return "".join(text.split())
