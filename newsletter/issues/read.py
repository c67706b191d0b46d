"""issue.toml, note.md and gathered.json → Issue, with all faults of a file in one error."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from newsletter.errors import ContentError
from newsletter.issues.files import existing, folder_of
from newsletter.issues.gathered import read_gathered
from newsletter.issues.pictures import read_pictures
from newsletter.model import (
    Article,
    Choice,
    Issue,
    IssueName,
    Poll,
    Section,
    Sponsor,
    Story,
)
from newsletter.text import markdown
from newsletter.toml_file import tables
from newsletter.toml_file.tables import Table

LAYOUTS = ("picture", "text", "brief")  # of sections, in every template that ships
LOOK_BACK = 8  # earlier issues whose stories may be listed as missed


class _Story(Table):
    article: str
    headline: str | None = Field(None, min_length=1)
    blurb: str | None = None
    image: str | None = None
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None


class _Section(Table):
    title: str
    layout: str = Field(LAYOUTS[0], alias="form")
    stories: tuple[_Story, ...] = ()


class _Sponsor(Table):
    text: str = ""
    label: str | None = None
    link: str | None = None
    image: str | None = None
    alt: str = ""
    after: str | None = None
    starts: date | None = None
    ends: date | None = None

    @model_validator(mode="after")
    def _says_something(self) -> _Sponsor:
        if not self.text and not self.image:
            raise ValueError("expected a text or an image")
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends before it starts")
        return self


class _Choice(Table):
    text: str = Field(min_length=1)
    link: str | None = None


class _Poll(Table):
    question: str = Field(min_length=1)
    answers: tuple[str | _Choice, ...] = ()


class _File(Table):
    subject: str = ""
    preheader: str = ""
    lead: _Story | None = None
    sections: tuple[_Section, ...] = ()
    sponsors: tuple[_Sponsor, ...] = ()
    missed: tuple[_Story, ...] = ()
    poll: _Poll | None = None


def read_issue(root: Path, issue: IssueName, layouts: Sequence[str] = LAYOUTS) -> Issue:
    """The issue as its folder describes it now; ``layouts`` are those that its template has.

    Raises ContentError if a file is missing or wrong: a story that was never gathered, a
    picture that does not exist, a sponsor after a section that does not exist.
    """
    folder = folder_of(root, issue)
    path = folder / "issue.toml"
    gathered = read_gathered(folder)
    if gathered is None or not path.exists():
        missing = "issue.toml" if gathered else "gathered.json"
        raise ContentError(
            f"There is no {missing} in {folder}. Make the issue first: newsletter gather {issue}"
        )
    faults: list[str] = []
    text = tables.read_text(path, ContentError)
    file = tables.validate(_File, tables.parse(path, text, ContentError), "", faults)
    if file is None:
        raise ContentError(tables.error_message(path, faults))
    by_id = {left.article.id: left.article for left in gathered.left_out}
    by_id |= {article.id: article for article in gathered.articles}
    if any(story.article not in by_id for story in file.missed):
        by_id = _earlier(root, issue) | by_id
    parser = _Parser(folder, text, by_id, faults, layouts)
    parsed = Issue(
        name=issue,
        subject=file.subject.strip(),
        preheader=file.preheader.strip(),
        note=_note(folder / "note.md"),
        lead=parser.story(file.lead, "lead") if file.lead else None,
        sections=tuple(parser.section(s, i) for i, s in enumerate(file.sections, 1)),
        sponsors=tuple(parser.sponsor(s, i, file) for i, s in enumerate(file.sponsors, 1)),
        missed=parser.stories(file.missed, "missed"),
        poll=_poll(file.poll) if file.poll else None,
        pictures=read_pictures(folder),
        dateline=gathered.dateline,
        editor=gathered.editor,
        sources=gathered.sources,
    )
    beside: list[str] = []
    in_note = _Parser(folder, parsed.note, by_id, beside)
    for of in markdown.pictures(parsed.note):
        in_note.picture(of, "a picture")
    files = ((path, faults), (folder / "note.md", beside))
    if errors := [tables.error_message(file, wrong) for file, wrong in files if wrong]:
        raise ContentError("\n".join(errors))
    return parsed


class _Parser:
    """Makes an issue's parts of one file: its text, the articles it may use, and its faults."""

    def __init__(
        self,
        folder: Path,
        text: str,
        known: dict[str, Article],
        faults: list[str],
        layouts: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.lines = text.splitlines()
        self.known = known
        self.faults = faults
        self.layouts = layouts
        self.used: dict[str, str] = {}

    def section(self, table: _Section, number: int) -> Section:
        stories = self.stories(table.stories, f"sections[{number}].stories")
        if table.layout not in self.layouts:
            *others, last = map(repr, self.layouts)
            expected = f"{', '.join(others)} or {last}" if others else last
            self.faults.append(
                f"sections[{number}].form: expected {expected}, not {table.layout!r}"
            )
        return Section(table.title, stories, table.layout)

    def stories(self, tables: tuple[_Story, ...], place: str) -> tuple[Story, ...]:
        stories_ = (self.story(table, f"{place}[{i}]") for i, table in enumerate(tables, 1))
        return tuple(story for story in stories_ if story)

    def story(self, table: _Story, place: str) -> Story | None:
        article = self.known.get(table.article)
        if article is None:
            close = difflib.get_close_matches(table.article, self.known, n=1)
            hint = f'did you mean "{close[0]}"?' if close else "see gathered.json"
            self.faults.append(f"{place}.article: no article has the id {table.article!r}; {hint}")
            return None
        if table.article in self.used:
            first = self.used[table.article]
            self.faults.append(f"{place}.article: {table.article!r} is already used as {first}")
        self.used.setdefault(table.article, place)
        headline = table.headline or article.title
        caption = article.caption if table.caption is None else table.caption
        return Story(
            article=article,
            headline=headline,
            blurb=article.blurb if table.blurb is None else table.blurb,
            image=self.picture(
                article.image if table.image is None else table.image, f"{place}.image"
            ),
            alt=table.alt or caption or headline,
            caption=caption,
            credit=article.credit if table.credit is None else table.credit,
        )

    def sponsor(self, table: _Sponsor, number: int, file: _File) -> Sponsor:
        place = f"sponsors[{number}]"
        titles = [section.title for section in file.sections]
        if table.after is not None and table.after not in titles:
            section_titles = ", ".join(titles) or "none"
            self.faults.append(
                f"{place}.after: there is no section {table.after!r}; known: {section_titles}"
            )
        return Sponsor(
            text=table.text,
            label=table.label,
            link=table.link,
            image=self.picture(table.image, f"{place}.image"),
            alt=table.alt,
            after=table.after,
            starts=table.starts,
            ends=table.ends,
        )

    def picture(self, image: str | None, place: str) -> str | None:
        """A web address as it is; a path must be a file in the issue's images/."""
        if not image or "://" in image:
            return image or None
        path = self.folder / image
        inside = path.resolve().is_relative_to((self.folder / "images").resolve())
        if not inside or not path.is_file():
            self.faults.append(
                f"{place}{self._line(image)}: there is no file {image!r} in {self.folder}; put "
                f"the picture into its images/ folder, or give an https address"
            )
        return image

    def _line(self, words: str) -> str:
        """The first line of the file with these words, as a phrase."""
        numbers = (n for n, line in enumerate(self.lines, 1) if words in line)
        return f", line {number}" if (number := next(numbers, None)) else ""


def _earlier(root: Path, issue: IssueName) -> dict[str, Article]:
    """The articles gathered for earlier issues, by id."""
    by_id: dict[str, Article] = {}
    for day in [day for day in existing(root) if day.date < issue.date][-LOOK_BACK:]:
        gathered = read_gathered(folder_of(root, day))
        by_id |= {article.id: article for article in gathered.articles} if gathered else {}
    return by_id


def _poll(table: _Poll) -> Poll:
    answers = (Choice(a) if isinstance(a, str) else Choice(a.text, a.link) for a in table.answers)
    return Poll(table.question, tuple(answers))


def _note(path: Path) -> str:
    return tables.read_text(path, ContentError) if path.exists() else ""
