"""Sent issues as the public reads them: their texts and corrections."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from newsletter.model.issue_name import IssueName


@dataclass(frozen=True)
class StoryText:
    """A story in the issue."""

    headline: str
    blurb: str = ""
    url: str | None = None


@dataclass(frozen=True)
class IssueText:
    """An issue's text without markup."""

    subject: str
    preheader: str = ""
    note: str = ""
    picture: str | None = None  # address of the lead picture
    stories: tuple[StoryText, ...] = ()


class ChangeKind(StrEnum):
    """What a change replaces."""

    WORDS = "words"
    LINK = "link"


@dataclass(frozen=True)
class Change:
    """One replacement on the page of an issue."""

    kind: ChangeKind
    old: str
    new: str


@dataclass(frozen=True)
class Correction:
    """One correction of an issue."""

    number: int  # counted for each issue, from 1
    at: datetime
    note: str = ""  # what readers are told, on one line
    changes: tuple[Change, ...] = ()
    mailed: bool = False  # a correction mail was drafted, named after the issue and ``number``
    withdrawn: datetime | None = None  # when it was withdrawn; the page no longer shows it


@dataclass(frozen=True)
class Published:
    """An issue that the public may read."""

    send: int  # the number of its send
    issue: IssueName
    at: datetime  # public since
    changed_at: datetime  # of the last correction or withdrawal; otherwise ``at``
    text: IssueText = field(repr=False)  # as it was sent
    corrections: tuple[Correction, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of all corrections, in order."""
        return tuple(change for correction in self.corrections for change in correction.changes)
