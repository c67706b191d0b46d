"""Tokens mark the places of a mail that differ by reader. They are replaced for each reader.

A token consists of ASCII letters, digits and hyphens, so neither the CSS inliner nor URL escaping
changes it. All have the form ``ndx-…-xdn``, so no token is part of another.
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

_LINKS = (UNSUBSCRIBE_HTML, UNSUBSCRIBE_TEXT, PREFERENCES_HTML, PREFERENCES_TEXT)
_FORM = re.compile(r"(ndx-[a-z0-9-]*?-xdn)", re.IGNORECASE)
_OPENING = re.compile(r"(ndx)-", re.IGNORECASE)


def find_all(text: str) -> set[str]:
    """Everything in the text that has the form of a token, whether it is one or not."""
    return set(_FORM.findall(text))


def without_tokens(text: str) -> str:
    """The text, changed so that no part of it has the form of a token. It reads nearly the same."""
    return _OPENING.sub(r"\1 ", text)


def values(
    greeting: str, unsubscribe_url: str, preferences_url: str, *, plain: bool = False
) -> dict[str, str]:
    """Each token with one reader's value. ``plain`` says that ``is_plain`` holds for both links."""
    return {
        GREETING_HTML: _escaped(greeting),
        GREETING_TEXT: greeting,
        UNSUBSCRIBE_HTML: unsubscribe_url if plain else _escaped(unsubscribe_url),
        UNSUBSCRIBE_TEXT: unsubscribe_url,
        PREFERENCES_HTML: preferences_url if plain else _escaped(preferences_url),
        PREFERENCES_TEXT: preferences_url,
    }


def is_plain(text: str) -> bool:
    """Whether the text is the same when it is escaped for HTML."""
    return _escaped(text) is text


def link_values(unsubscribe_url: str, preferences_url: str) -> dict[str, str]:
    """As ``values``, but only the tokens for links."""
    every = values("", unsubscribe_url, preferences_url)
    return {token: every[token] for token in _LINKS}


def _escaped(text: str) -> str:
    """As html.escape, but faster for the usual text, in which there is nothing to escape."""
    if "&" in text or "<" in text or ">" in text or '"' in text or "'" in text:
        return html.escape(text)
    return text


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with every token replaced. Values are not searched for tokens again."""
    return _FORM.sub(lambda match: values.get(match.group(), match.group()), text)


def pieces(text: str) -> list[str]:
    """The text, split at its tokens: text, token, text, …, text. Every second piece is a token."""
    return _FORM.split(text)
