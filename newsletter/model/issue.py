"""What is mailed: an issue, how it reads once rendered, and what the checks say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from newsletter.model.articles import Article, Dateline, EditorBox, SourceReport


@dataclass(frozen=True)
class Story:
    """An article chosen for an issue, with the editor's overrides already applied."""

    article: Article
    headline: str
    blurb: str
    image: str | None = None
    alt: str = ""
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True)
class Section:
    """A titled group of stories."""

    title: str
    stories: tuple[Story, ...]


@dataclass(frozen=True)
class Sponsor:
    """An advertisement slot; ``after`` names the section it follows (none: the lead story)."""

    text: str
    label: str | None = None
    link: str | None = None
    image: str | None = None
    alt: str = ""
    after: str | None = None


@dataclass(frozen=True)
class Issue:
    """One mailing as its folder describes it: everything that rendering needs from there."""

    date: date
    subject: str
    preheader: str
    note: str  # Markdown
    lead: Story | None
    sections: tuple[Section, ...]
    sponsors: tuple[Sponsor, ...] = ()
    dateline: Dateline | None = None
    editor: EditorBox | None = None
    sources: tuple[SourceReport, ...] = ()

    @property
    def name(self) -> str:
        """The name of the issue: its send date."""
        return self.date.isoformat()

    @property
    def stories(self) -> tuple[Story, ...]:
        """Every story in the order of the mail, the lead first."""
        lead = (self.lead,) if self.lead else ()
        return lead + tuple(story for section in self.sections for story in section.stories)


@dataclass(frozen=True)
class Rendered:
    """The mail before personal parts are filled in. ``hash`` names exactly these bytes."""

    subject: str
    preheader: str
    html: str
    text: str
    hash: str
    tokens: Mapping[str, str]  # token → what it stands for


class Level(StrEnum):
    """An error stops a send; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One result of a check: what is wrong, where, and what to do about it."""

    level: Level
    check: str
    message: str
    remedy: str
    place: str | None = None
