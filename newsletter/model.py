"""The vocabulary of the program as frozen data. No I/O, no clock.

All moments are timezone-aware; in files they stand as ISO 8601 with an offset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class Window:
    """The half-open time span [start, end) that an issue covers."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Dateline:
    """What stands under the masthead."""

    city: str | None = None
    temperature: float | None = None
    unit: str | None = None  # "F" or "C"
    date: date | None = None


@dataclass(frozen=True)
class EditorBox:
    """The box about the editor."""

    name: str
    bio: str


@dataclass(frozen=True)
class Page:
    """What a saved page says beside its story: its masthead line, its editor's box, its adverts."""

    dateline: Dateline | None = None
    editor: EditorBox | None = None
    advertisements: int = 0


@dataclass(frozen=True)
class Article:
    """A published piece as gathered. Every text is harmless, plain and on one line."""

    id: str
    title: str
    source: str
    url: str | None = None
    authors: tuple[str, ...] = ()
    byline_email: str | None = None
    published: datetime | None = None
    image: str | None = None
    caption: str | None = None
    credit: str | None = None
    blurb: str = ""
    language: str | None = None
    section: str | None = None
    page: Page | None = None
    needs_date: bool = True  # False where a person put the article there, as in a folder


@dataclass(frozen=True)
class LeftOut:
    """An article that is not offered to the editor, and why, in words."""

    article: Article
    reason: str
    of: str | None = None  # the id of the article kept instead


class Health(StrEnum):
    """How a source answered."""

    OK = "ok"
    UNCHANGED = "unchanged"
    STALE = "stale"
    FAILING = "failing"


@dataclass(frozen=True)
class SourceReport:
    """One source in one gather. ``since``: from when on it has had this status."""

    name: str
    key: str  # "url" or "path"
    type: str
    section: str | None
    status: Health
    articles: int
    reason: str | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Gathered:
    """Everything that one gather found: the content of gathered.json."""

    window: Window
    gathered_at: datetime
    articles: tuple[Article, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    sources: tuple[SourceReport, ...] = ()
    dateline: Dateline | None = None
    editor: EditorBox | None = None


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


@dataclass(frozen=True)
class Recipient:
    """One person in a request to the provider. ``tokens``: what replaces each token for them."""

    delivery: int
    email: str
    name: str
    unsubscribe_url: str
    tokens: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Send:
    """The frozen content of one issue to one list, as a provider gets it."""

    issue: str
    newsletter: str
    list: str
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    hash: str
    sender: str  # "Name <address>"
    reply_to: str | None
    test: bool = False
    id: int = 0
    batch: int = 0


class Answer(StrEnum):
    """What became of one recipient of a request."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # this address will never be taken
    NOT_SENT = "not sent"  # surely nothing was handed over: may be tried again
    UNKNOWN = "unknown"  # perhaps handed over: never tried again by itself


@dataclass(frozen=True)
class Outcome:
    """What the provider answered for a batch: one answer for every delivery in it.

    ``reasons`` explains answers other than ACCEPTED, by delivery. ``pause`` says why the whole
    send must stop (a refused key); ``retry_after`` is in seconds; ``split`` asks for smaller
    requests.
    """

    answers: Mapping[int, Answer]
    reasons: Mapping[int, str] = field(default_factory=dict)
    reference: str | None = None
    retry_after: float | None = None
    pause: str | None = None
    split: bool = False

    @classmethod
    def all(
        cls, batch: Iterable[Recipient], answer: Answer, reason: str = "", **more: Any
    ) -> Outcome:
        """The same answer for everyone in the batch."""
        ids = [recipient.delivery for recipient in batch]
        reasons = dict.fromkeys(ids, reason) if reason else {}
        return cls(dict.fromkeys(ids, answer), reasons, **more)

    def but(self, **changes: Any) -> Outcome:
        """This outcome with some fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Event:
    """What a provider reports later about a delivery."""

    id: str
    kind: str
    delivery: int
    at: datetime
    raw: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """Who got an issue. ``eligible`` is always the sum of the other five."""

    issue: str
    state: str
    eligible: int
    accepted: int
    excluded: int
    rejected: int
    in_doubt: int
    waiting: int
    reason: str | None = None
    addresses: Mapping[str, Sequence[Any]] = field(default_factory=dict)
