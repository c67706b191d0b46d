"""Apply corrections to an issue's text and to its page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from newsletter.model import Change, IssueText, StoryText
from newsletter.model.archive import ChangeKind

_TEXT_ATTRIBUTES = ("alt", "title")  # text that screen readers read out


def correct_words(text: str, changes: Iterable[Change]) -> str:
    """The plain text, with every change of words applied."""
    for change in changes:
        if change.kind is ChangeKind.WORDS:
            text = _pattern(change.old).sub(lambda _, new=change.new: new, text)  # type: ignore[misc]
    return text


def correct_link(address: str | None, changes: Iterable[Change]) -> str | None:
    """The address of a link, with every change of links applied."""
    for change in changes:
        if change.kind is ChangeKind.LINK and address == change.old:
            address = change.new
    return address


def correct_issue_text(text: IssueText, changes: tuple[Change, ...]) -> IssueText:
    """The issue's text, with all changes applied."""
    if not changes:
        return text
    return replace(
        text,
        subject=correct_words(text.subject, changes),
        preheader=correct_words(text.preheader, changes),
        note=_correct_note(text.note, changes),
        stories=tuple(
            StoryText(
                correct_words(story.headline, changes),
                correct_words(story.blurb, changes),
                correct_link(story.url, changes),
            )
            for story in text.stories
        ),
    )


def _correct_note(text: str, changes: Iterable[Change]) -> str:
    """The note as plain text, in which a link's address stands in parentheses after its words."""
    for change in changes:
        if change.kind is ChangeKind.LINK:
            text = text.replace(f"({change.old})", f"({change.new})")
        else:
            text = correct_words(text, (change,))
    return text


def correct_page(page: Any, change: Change) -> int:
    """Apply a change to a page, which is an lxml document. Returns the number of replacements."""
    correct = _correct_links if change.kind is ChangeKind.LINK else _correct_words
    return correct(page, change)


def _correct_links(page: Any, change: Change) -> int:
    links = [link for link in page.iter("a", "area") if (link.get("href") or "") == change.old]
    for link in links:
        link.set("href", change.new)
    return len(links)


def _correct_words(page: Any, change: Change) -> int:
    """Replace words in the text of the body's elements and in the descriptions of pictures."""
    pattern, count = _pattern(change.old), 0

    def replaced(text: str) -> str:
        nonlocal count
        new_text, replacements = pattern.subn(lambda _: change.new, text)
        count += replacements
        return new_text

    for element in page.body.iter():
        if isinstance(element.tag, str) and element.tag not in ("style", "script"):
            if element.text:
                element.text = replaced(element.text)
            for name in _TEXT_ATTRIBUTES:
                if value := element.get(name):
                    element.set(name, replaced(value))
        if element.tail and element is not page.body:
            element.tail = replaced(element.tail)
    return count


@lru_cache(maxsize=256)
def _pattern(old: str) -> re.Pattern[str]:
    """Matches the words with any white space between them."""
    return re.compile(r"\s+".join(map(re.escape, old.split())))
