"""Personal parts: neutral words in the mail's bytes that are replaced for each reader.

A token is plain letters, digits and hyphens, so that neither the CSS inliner nor URL escaping
touches it. All have the shape ``ndx-…-xdn``, so none can be part of another.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

GREETING_HTML = "ndx-greeting-html-xdn"
GREETING_TEXT = "ndx-greeting-text-xdn"
UNSUBSCRIBE_HTML = "ndx-unsubscribe-html-xdn"
UNSUBSCRIBE_TEXT = "ndx-unsubscribe-text-xdn"
PREFERENCES_HTML = "ndx-preferences-html-xdn"
PREFERENCES_TEXT = "ndx-preferences-text-xdn"

MEANING: Mapping[str, str] = {
    GREETING_HTML: "the greeting, with the reader's name where it is known, escaped for HTML",
    GREETING_TEXT: "the greeting, with the reader's name where it is known",
    UNSUBSCRIBE_HTML: "the reader's own unsubscribe address, escaped for HTML",
    UNSUBSCRIBE_TEXT: "the reader's own unsubscribe address",
    PREFERENCES_HTML: "the reader's own preferences page, escaped for HTML",
    PREFERENCES_TEXT: "the reader's own preferences page",
}

_ADDRESSES = (UNSUBSCRIBE_HTML, UNSUBSCRIBE_TEXT, PREFERENCES_HTML, PREFERENCES_TEXT)
_SHAPE = re.compile(r"(ndx-[a-z0-9-]*?-xdn)", re.IGNORECASE)
_OPENING = re.compile(r"(ndx)-", re.IGNORECASE)


def found_in(text: str) -> set[str]:
    """Everything of a token's shape in the text, known or not."""
    return set(_SHAPE.findall(text))


def take_apart(text: str) -> str:
    """Foreign text in which nothing can pass for a token of ours; it reads nearly the same."""
    return _OPENING.sub(r"\1 ", text)


def values(
    greeting: str, unsubscribe_url: str, preferences_url: str, *, plain: bool = False
) -> dict[str, str]:
    """What each token is replaced by for one reader. ``plain``: both addresses are ``is_plain``."""
    return {
        GREETING_HTML: _escaped(greeting),
        GREETING_TEXT: greeting,
        UNSUBSCRIBE_HTML: unsubscribe_url if plain else _escaped(unsubscribe_url),
        UNSUBSCRIBE_TEXT: unsubscribe_url,
        PREFERENCES_HTML: preferences_url if plain else _escaped(preferences_url),
        PREFERENCES_TEXT: preferences_url,
    }


def is_plain(text: str) -> bool:
    """Whether it reads the same in HTML."""
    return _escaped(text) is text


def leading(unsubscribe_url: str, preferences_url: str) -> dict[str, str]:
    """The same, of the addresses alone."""
    found = values("", unsubscribe_url, preferences_url)
    return {token: found[token] for token in _ADDRESSES}


def _escaped(text: str) -> str:
    """As html.escape, which looks five times through every greeting of a million and copies it."""
    if "&" in text or "<" in text or ">" in text or '"' in text or "'" in text:
        return html.escape(text)
    return text


def fill(text: str, filling: Mapping[str, str]) -> str:
    """The text with every token replaced, in one pass (a value is never searched again)."""
    return _SHAPE.sub(lambda match: filling.get(match.group(), match.group()), text)


def pieces(text: str) -> list[str]:
    """The text cut at its tokens: words, token, words, …, words. Every second one is a token."""
    return _SHAPE.split(text)
