"""Readers of plain text must get the same issue, although it has a template of its own."""

import re
from collections.abc import Iterator

from newsletter.check import TEXT, Mail, warning
from newsletter.links import tokens
from newsletter.model import Finding

_REMEDY = "Update email.txt.j2 to match email.html.j2."
_TAGS = ("p", "a", "td", "br", "span", "div")


def check(mail: Mail) -> Iterator[Finding]:
    """Every headline and address of the HTML part is in the text part, too."""
    text = mail.rendered.text
    squeezed = _without_space(text)
    for story in (*mail.issue.stories, *mail.issue.missed):
        if _without_space(story.headline) not in squeezed:
            yield warning(
                "textpart",
                f"The text part lacks the story “{story.headline}”.",
                _REMEDY,
                TEXT,
                story=story.article.id,
            )
    addresses = {str(address) for address in mail.elements("//body//a/@href")}
    for address in sorted(a for a in addresses if a.startswith("https://")):
        if not re.search(rf"{re.escape(address)}(?!\.?[\w/?&=#%-])", text):
            yield warning("textpart", f"The text part lacks the link {address}.", _REMEDY, TEXT)
    if tokens.GREETING_HTML in "".join(mail.texts) and tokens.GREETING_TEXT not in text:
        yield warning("textpart", "The text part does not greet the reader.", _REMEDY, TEXT)
    if tokens.PREFERENCES_HTML in addresses and tokens.PREFERENCES_TEXT not in text:
        yield warning(
            "textpart", "The text part lacks the address of the preferences.", _REMEDY, TEXT
        )
    if any(f"<{tag} " in text or f"<{tag}>" in text for tag in _TAGS):
        yield warning("textpart", "The text part holds HTML.", "Use plain text there.", TEXT)


def _without_space(text: str) -> str:
    return "".join(text.split())
