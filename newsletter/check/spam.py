"""Habits of junk mail, which filters count against an honest letter."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.check._styles import pixels
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
_FALSE_REPLY = re.compile(r"\s*(?:re|fwd?|aw)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:(?:https?://|(?=www\.))((?:[\w-]+\.)+[a-z]{2,})|((?:[\w-]+\.)+(?:com|org|net|edu|gov|kr)))"
    r"(?:[/?#:]|$)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"[0-9.]+|.*:.*")
_LEAST_TEXT = 200  # characters, for a mail with pictures
_SMALLEST = 9  # pixels of type


def check(mail: Mail) -> Iterator[Finding]:
    """The subject does not shout; links show where they lead; pictures come with words."""
    yield from _subject(mail.rendered.subject)
    for link in mail.elements("//body//a[@href]"):
        host = host_of(link.get("href")).removeprefix("www.")
        if _NUMBERS.fullmatch(host) or "@" in split(link.get("href")).netloc:
            yield warning(
                "spam",
                f"A link leads to {split(link.get('href')).netloc}, which hides whose page it is.",
                "Use an address with the name of the site alone.",
                **mail.where(link),
            )
        if host in _SHORTENERS:
            yield warning(
                "spam",
                f"A link goes through {host}, which hides where it leads.",
                "Use the address of the page itself.",
                **mail.where(link),
            )
        said = _ADDRESS.match(link.text_content().strip())
        name = (said[1] or said[2]) if said else ""
        if name and host and not _is_of(host, name.lower().removeprefix("www.")):
            yield warning(
                "spam",
                f"A link says {name} and leads to {host}; filters take that for fraud.",
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


def _is_of(host: str, name: str) -> bool:
    """Whether two names are of one site: the same, or one below the other."""
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
