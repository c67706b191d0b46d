"""What corrections make of words and links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from newsletter.model import Change, IssueText, StoryText
from newsletter.model.archive import ChangeKind

_SPOKEN = ("alt", "title")  # attributes that are read out


def mended(text: str, changes: Iterable[Change]) -> str:
    """Plain words as they read now."""
    for change in changes:
        if change.kind is ChangeKind.WORDS:
            text = _pattern(change.old).sub(lambda _, new=change.new: new, text)  # type: ignore[misc]
    return text


def leading(address: str | None, changes: Iterable[Change]) -> str | None:
    """Where a link leads now."""
    for change in changes:
        if change.kind is ChangeKind.LINK and address == change.old:
            address = change.new
    return address


def mended_text(text: IssueText, changes: tuple[Change, ...]) -> IssueText:
    """What an issue says now."""
    if not changes:
        return text
    return replace(
        text,
        subject=mended(text.subject, changes),
        preheader=mended(text.preheader, changes),
        note=_note(text.note, changes),
        stories=tuple(
            StoryText(
                mended(p.headline, changes), mended(p.blurb, changes), leading(p.url, changes)
            )
            for p in text.stories
        ),
    )


def _note(text: str, changes: Iterable[Change]) -> str:
    """The note as plain words, where a link's address follows its words in brackets."""
    for change in changes:
        if change.kind is ChangeKind.LINK:
            text = text.replace(f"({change.old})", f"({change.new})")
        else:
            text = mended(text, (change,))
    return text


def mend(page: Any, change: Change) -> int:
    """Make the change in a document of lxml's; how often there was something to change."""
    return (
        _mend_links(page, change) if change.kind is ChangeKind.LINK else _mend_words(page, change)
    )


def _mend_links(page: Any, change: Change) -> int:
    links = [link for link in page.iter("a", "area") if (link.get("href") or "") == change.old]
    for link in links:
        link.set("href", change.new)
    return len(links)


def _mend_words(page: Any, change: Change) -> int:
    """In the texts of the body, within one element each, and in what pictures say."""
    pattern, count = _pattern(change.old), 0

    def new(text: str) -> str:
        nonlocal count
        mended, times = pattern.subn(lambda _: change.new, text)
        count += times
        return mended

    for element in page.body.iter():
        if isinstance(element.tag, str) and element.tag not in ("style", "script"):
            if element.text:
                element.text = new(element.text)
            for name in _SPOKEN:
                if value := element.get(name):
                    element.set(name, new(value))
        if element.tail and element is not page.body:
            element.tail = new(element.tail)
    return count


@lru_cache(maxsize=256)
def _pattern(old: str) -> re.Pattern[str]:
    """The words, however the lines between them are broken."""
    return re.compile(r"\s+".join(map(re.escape, old.split())))
