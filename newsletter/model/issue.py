"""What is mailed: an issue, how it reads once rendered, and what the checks say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from newsletter.model.articles import Article, Dateline, EditorBox, SourceHealth
from newsletter.model.issue_name import IssueName


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
    layout: str = "picture"  # how it is set: the name of a file in the template's layouts/


@dataclass(frozen=True)
class Sponsor:
    """An advertisement slot; ``after`` names the section it follows (none: the lead story).

    It runs in the issues from ``starts`` to ``ends``, both included.
    """

    text: str
    label: str | None = None
    link: str | None = None
    image: str | None = None
    alt: str = ""
    after: str | None = None
    starts: date | None = None
    ends: date | None = None

    def runs(self, day: date) -> bool:
        """Whether it stands in the issue of that day."""
        return (self.starts or day) <= day <= (self.ends or day)


@dataclass(frozen=True)
class Choice:
    """One answer to a poll; without a link, readers give it by mail."""

    text: str
    link: str | None = None


@dataclass(frozen=True)
class Poll:
    """A question to the readers."""

    question: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Hosted:
    """A picture that was fitted to its place and lies in the issue's ``pictures/``.

    ``of``: its address, or its path; ``place``: how wide it stands at most, in CSS pixels;
    ``width`` and ``height`` in pixels, up to twice the place; ``bytes``: of the file.
    """

    of: str
    place: int
    file: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True)
class Pictures:
    """What was made of an issue's pictures. ``lost``: why one could not be had."""

    hosted: tuple[Hosted, ...] = ()
    lost: Mapping[str, str] = field(default_factory=dict)

    def find(self, of: str, place: int) -> Hosted | None:
        """The one that was fitted to that place."""
        return next((h for h in self.hosted if (h.of, h.place) == (of, place)), None)


@dataclass(frozen=True)
class Issue:
    """One mailing as its folder describes it: everything that rendering needs from there."""

    name: IssueName
    subject: str
    preheader: str
    note: str  # Markdown
    lead: Story | None
    sections: tuple[Section, ...]
    sponsors: tuple[Sponsor, ...] = ()
    missed: tuple[Story, ...] = ()
    poll: Poll | None = None
    pictures: Pictures = Pictures()
    dateline: Dateline | None = None
    editor: EditorBox | None = None
    sources: tuple[SourceHealth, ...] = ()

    @property
    def corrects(self) -> IssueName | None:
        """The issue that this mail corrects; None: it is an issue of its own."""
        return self.name.corrected if self.name.is_correction else None

    @property
    def stories(self) -> tuple[Story, ...]:
        """Every story in the order of the mail, the lead first; not those of earlier issues."""
        lead = (self.lead,) if self.lead else ()
        return lead + tuple(story for section in self.sections for story in section.stories)

    @property
    def running(self) -> tuple[Sponsor, ...]:
        """The advertisements whose dates hold this issue's."""
        return tuple(sponsor for sponsor in self.sponsors if sponsor.runs(self.name.date))


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
    """One result of a check: what is wrong, where, and what to do about it.

    ``place`` is for people; ``line`` counts in email.html, ``story`` is an article's id.
    """

    level: Level
    check: str
    message: str
    remedy: str
    place: str | None = None
    line: int | None = None
    story: str | None = None
