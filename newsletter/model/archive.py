"""What was sent, as readers find it on the web: its words, and what was mended since."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from newsletter.model.issue_name import IssueName


@dataclass(frozen=True)
class StoryText:
    """A story as the issue told it."""

    headline: str
    blurb: str = ""
    url: str | None = None


@dataclass(frozen=True)
class IssueText:
    """What an issue says, in plain words; ``picture``: the address of the lead's."""

    subject: str
    preheader: str = ""
    note: str = ""
    picture: str | None = None
    stories: tuple[StoryText, ...] = ()


class Kind(StrEnum):
    """What a change changes."""

    WORDS = "words"
    LINK = "link"


@dataclass(frozen=True)
class Change:
    """Something on the page of an issue that reads, or leads, otherwise now."""

    kind: Kind
    old: str
    new: str


@dataclass(frozen=True)
class Correction:
    """What was mended at once. ``note``: what readers are told of it, in one line or none.

    ``mailed``: a mail was made of it, which is called after the issue and this number.
    ``withdrawn``: when it was taken back as a mistake itself; it is shown no more.
    """

    number: int
    at: datetime
    note: str = ""
    changes: tuple[Change, ...] = ()
    mailed: bool = False
    withdrawn: datetime | None = None


@dataclass(frozen=True)
class Published:
    """An issue that anybody may read; ``text`` as it was sent. ``at``: since when.

    ``changed_at``: when it was mended last, or a correction taken back; else the same.
    """

    send: int
    issue: IssueName
    at: datetime
    changed_at: datetime
    text: IssueText = field(repr=False)
    corrections: tuple[Correction, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """All that was mended, in its order."""
        return tuple(change for each in self.corrections for change in each.changes)
