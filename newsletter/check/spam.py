"""Habits of junk mail, which filters count against an honest letter."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from newsletter.check import HTML, Mail, warning
from newsletter.check._styles import pixels
from newsletter.model import Finding

_SHORTENERS = frozenset(
    {
        *("bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rebrand.ly"),
        *("t.co", "tiny.cc", "tinyurl.com"),
    }
)
_SHOUTS = re.compile(
    r"!{2,}|[$￦₩]{2,}|\b(?:act now|click here|100% free|risk[- ]free)\b", re.IGNORECASE
)
_FALSE_REPLY = re.compile(r"\s*(?:re|fwd?|aw)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})(?:/|$)", re.IGNORECASE)
_LEAST_TEXT = 200  # characters, for a mail with pictures
_SMALLEST = 9  # pixels of type


def check(mail: Mail) -> Iterator[Finding]:
    """The subject does not shout; links show where they lead; pictures come with words."""
    yield from _subject(mail.rendered.subject)
    for link in mail.elements("//body//a[@href]"):
        host = (urlsplit(link.get("href")).hostname or "").removeprefix("www.")
        if host in _SHORTENERS:
            yield warning(
                "spam",
                f"A link goes through {host}, which hides where it leads.",
                "Use the address of the page itself.",
                **mail.where(link),
            )
        said = _ADDRESS.match(link.text_content().strip())
        if said and host and said[1].lower().removeprefix("www.") != host:
            yield warning(
                "spam",
                f"A link says {said[1]} and leads to {host}; filters take that for fraud.",
                "Let it say where it leads.",
                **mail.where(link),
            )
    words = sum(len(text.strip()) for text in mail.texts)
    if mail.elements("//body//img") and words < _LEAST_TEXT:
        yield warning(
            "spam",
            "The mail is hardly more than pictures; filters cannot read those.",
            "Say in words what the pictures say.",
            HTML,
        )
    for element, styles in mail.styled:
        size = pixels(styles.get("font-size"))
        if size is not None and size < _SMALLEST and element.text_content().strip(" \xa0\n"):
            yield warning(
                "spam",
                f"Text of {size:g} pixels is too small to read, and filters take it for hidden.",
                "Give it at least 12 pixels; hide the preheader with display:none.",
                **mail.where(element),
            )


def _subject(subject: str) -> Iterator[Finding]:
    letters = [letter for letter in subject if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    if len(letters) >= 12 and capitals > 0.7 * len(letters):
        yield warning(
            "spam",
            "The subject is written in capitals.",
            "Write it as a sentence in subject = …",
            "issue.toml",
        )
    if match := _SHOUTS.search(subject):
        yield warning(
            "spam",
            f"{match.group()!r} in the subject looks like junk mail.",
            "Say it calmly in subject = …",
            "issue.toml",
        )
    if match := _FALSE_REPLY.match(subject):
        yield warning(
            "spam",
            f"The subject begins with {match.group().strip()!r}, although it answers nobody.",
            "Take that out of subject = …",
            "issue.toml",
        )
