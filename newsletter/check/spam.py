"""Habits of junk mail, which spam filters hold against any mail."""

import re
from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.check._css import pixels
from newsletter.model import Finding
from newsletter.text.urls import host_of, split

_SHORTENERS = frozenset(
    {
        *("bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "lnkd.in", "ow.ly", "rebrand.ly"),
        *("t.co", "tiny.cc", "tinyurl.com"),
    }
)
_SHOUTS = re.compile(
    r"!{2,}|[$￦₩]{2,}|\b(?:act now|click here|100% free|risk[- ]free)\b", re.IGNORECASE
)
_REPLY_PREFIX = re.compile(r"\s*(?:re|fwd?|aw)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:(?:https?://|(?=www\.))((?:[\w-]+\.)+[a-z]{2,})|((?:[\w-]+\.)+(?:com|org|net|edu|gov|kr)))"
    r"(?:[/?#:]|$)",
    re.IGNORECASE,
)
_IP_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
_MIN_TEXT = 200  # characters in a mail with pictures
_MIN_FONT_SIZE = 9  # pixels


def check(mail: Mail) -> Iterator[Finding]:
    """The subject does not shout, links show where they lead, and pictures come with text."""
    yield from _subject(mail.rendered.subject)
    for link in mail.elements("//body//a[@href]"):
        yield from _link(mail, link)
    length = sum(len(text.strip()) for text in mail.texts)
    if mail.elements("//body//img") and length < _MIN_TEXT:
        yield warning(
            "spam",
            "The mail is hardly more than pictures, which filters cannot read.",
            "Write in text what the pictures say.",
            HTML,
        )
    for element, styles in mail.styled:
        size = pixels(styles.get("font-size"))
        if size is not None and size < _MIN_FONT_SIZE and element.text_content().strip(" \xa0\n"):
            yield warning(
                "spam",
                f"Text of {size:g} pixels is too small to read, and filters take it for hidden.",
                "Give it at least 12 pixels; hide the preheader with display:none.",
                **mail.where(element),
            )


def _link(mail: Mail, link: Any) -> Iterator[Finding]:
    address = split(link.get("href")).netloc
    host = host_of(link.get("href")).removeprefix("www.")
    if _IP_ADDRESS.fullmatch(host) or "@" in address:
        yield warning(
            "spam",
            f"A link leads to {address}, which hides whose page it is.",
            "Use an address with only the name of the site.",
            **mail.where(link),
        )
    if host in _SHORTENERS:
        yield warning(
            "spam",
            f"A link goes through {host}, which hides where it leads.",
            "Use the address of the page itself.",
            **mail.where(link),
        )
    match = _ADDRESS.match(link.text_content().strip())
    name = (match[1] or match[2]) if match else ""
    if name and host and not _is_same_site(host, name.lower().removeprefix("www.")):
        yield warning(
            "spam",
            f"A link says {name} and leads to {host}; filters take that for fraud.",
            "Make its text name the site that it leads to.",
            **mail.where(link),
        )


def _is_same_site(host: str, name: str) -> bool:
    """Whether two host names are equal or one is a subdomain of the other."""
    return f".{host}".endswith(f".{name}") or f".{name}".endswith(f".{host}")


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
            "Use calmer words in subject = …",
            "issue.toml",
        )
    if match := _REPLY_PREFIX.match(subject):
        yield warning(
            "spam",
            f"The subject begins with {match.group().strip()!r}, although it is not a reply.",
            "Remove that from subject = …",
            "issue.toml",
        )
