"""What is gathered: articles, where they came from, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


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
    partial: bool = False  # its page could not be read; an earlier gather may know more


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
class SourceHealth:
    """One source in one gather. ``since``: from when on it has had this status."""

    name: str
    key: str  # "url" or "path"
    type: str
    section: str | None
    status: Health
    articles: int
    reason: str | None = None
    since: datetime | None = None

    @property
    def summary(self) -> str:
        """The reason, to be read behind the source's name."""
        return (self.reason or "").replace(self.name, "it", 1)


@dataclass(frozen=True)
class Gathered:
    """Everything that one gather found: the content of gathered.json."""

    window: Window
    gathered_at: datetime
    articles: tuple[Article, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    sources: tuple[SourceHealth, ...] = ()
    dateline: Dateline | None = None
    editor: EditorBox | None = None
