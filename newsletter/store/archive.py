"""What was sent, for everybody to read: listed, opened, and found by its words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    update,
)

from newsletter.model import Correction, IssueText, Published, StoryText
from newsletter.store import corrections as mending
from newsletter.store.schema import corrections, deliveries, issue_texts, sends
from newsletter.store.sends import DeliveryState, SendState
from newsletter.text import search_terms

_RULES = {"en": "english"}  # PostgreSQL's rules of words, by language; else words as they are
_PLAIN = "simple"
# Two processes may read the mail of an older version at once.
_KEEP = text(
    "INSERT INTO issue_texts (send_id, preheader, note, picture, stories, language, words) VALUES "
    "(:send_id, :preheader, :note, :picture, :stories, :language, :words) "
    "ON CONFLICT (send_id) DO NOTHING"
).bindparams(bindparam("stories", type_=JSON))
_GOING = (SendState.SENDING, SendState.DONE)
_MAY_HAVE_IT = (DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)


def save_text(connection: Connection, send_id: int, said: IssueText, language: str) -> None:
    """Keep what an issue says, in the transaction that freezes it; once."""
    connection.execute(
        _KEEP,
        {
            "send_id": send_id,
            "preheader": said.preheader,
            "note": said.note,
            "picture": said.picture,
            "stories": [[story.headline, story.blurb, story.url] for story in said.stories],
            "language": _RULES.get(language.partition("-")[0].lower(), _PLAIN),
            "words": _words(said),
        },
    )


def update_search_text(connection: Connection, send_id: int, said: IssueText) -> None:
    """Have an issue found by what it says now."""
    found = issue_texts.c.send_id == send_id
    connection.execute(update(issue_texts).where(found).values(words=_words(said)))


def sends_without_text(connection: Connection, newsletter: str) -> list[tuple[int, str, str, str]]:
    """Sends of older versions, of which it was not kept what they say: number, subject, HTML,
    text.
    """
    rows = connection.execute(
        select(sends.c.id, sends.c.subject, sends.c.html, sends.c.text)
        .outerjoin(issue_texts, issue_texts.c.send_id == sends.c.id)
        .where(*_issues(newsletter), issue_texts.c.send_id.is_(None))
    )
    return [(row.id, row.subject, row.html, row.text) for row in rows]


def version(connection: Connection, newsletter: str, now: datetime) -> tuple[Any, ...]:
    """Another one whenever the archive shows something else; cheap to ask for."""
    seen = select(sends.c.id).where(_public(newsletter, now)).order_by(sends.c.id)
    mended = select(func.max(corrections.c.id), func.count(corrections.c.withdrawn_at)).where(
        corrections.c.newsletter == newsletter
    )
    return tuple(connection.scalars(seen)), *connection.execute(mended).one()


def published(connection: Connection, newsletter: str, now: datetime) -> list[Published]:
    """Every issue that may be read, the newest first."""
    mended = mending.by_issue(connection, newsletter)
    rows = connection.execute(
        select(
            sends.c.id, sends.c.issue, sends.c.subject, _since.label("at"),
            issue_texts.c.preheader, issue_texts.c.note, issue_texts.c.picture,
            issue_texts.c.stories,
        )
        .join(issue_texts, issue_texts.c.send_id == sends.c.id)
        .where(_public(newsletter, now))
        .order_by(sends.c.issue.desc())
    )  # fmt: skip
    return [
        Published(
            row.id,
            row.issue,
            row.at,
            max([row.at, *_moments(mended.get(row.issue, ()))]),
            _text(row),
            tuple(each for each in mended.get(row.issue, ()) if not each.withdrawn),
        )
        for row in rows
    ]


def _moments(mended: Iterable[Correction]) -> Iterable[datetime]:
    """When the page changed: who reads a feed is to hear of what was taken back, too."""
    return (moment for each in mended for moment in (each.at, each.withdrawn) if moment)


def sent_text(connection: Connection, send_id: int) -> IssueText:
    """What an issue said when it was sent."""
    return _text(
        connection.execute(
            select(sends.c.subject, issue_texts)
            .join(issue_texts, issue_texts.c.send_id == sends.c.id)
            .where(sends.c.id == send_id)
        ).one()
    )


def sent_html(connection: Connection, send_id: int) -> str:
    """The HTML part of a send, with the personal parts open."""
    found: str = connection.execute(select(sends.c.html).where(sends.c.id == send_id)).scalar_one()
    return found


def search(
    connection: Connection, newsletter: str, asked: Sequence[Sequence[str]], now: datetime
) -> list[int]:
    """The sends of the issues that have all of these phrases, the newest first."""
    if not asked:
        return []
    postgres = connection.dialect.name == "postgresql"
    return list(
        connection.scalars(
            select(sends.c.id)
            .join(issue_texts, issue_texts.c.send_id == sends.c.id)
            .where(_public(newsletter, now))
            .where(_in_postgresql(asked) if postgres else _in_sqlite(asked))
            .order_by(sends.c.issue.desc())
        )
    )


def _in_sqlite(asked: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    query = " ".join(f'"{" ".join(phrase)}" *' for phrase in asked)
    found = text("SELECT rowid FROM issue_search WHERE issue_search MATCH :query")
    numbers = found.bindparams(query=query).columns(literal_column("rowid"))
    return issue_texts.c.send_id.in_(numbers)


def _in_postgresql(asked: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """Each set of rules has an index of its own, which needs them named."""
    query = " & ".join(f"({' <-> '.join(phrase)}:*)" for phrase in asked)
    return or_(
        *(
            and_(
                issue_texts.c.language == literal_column(f"'{rules}'"),
                func.to_tsvector(literal_column(f"'{rules}'"), issue_texts.c.words).op("@@")(
                    func.to_tsquery(literal_column(f"'{rules}'"), query)
                ),
            )
            for rules in (*_RULES.values(), _PLAIN)
        )
    )


_since = func.coalesce(sends.c.send_at, sends.c.created_at, type_=sends.c.created_at.type)


def _issues(newsletter: str) -> Iterable[ColumnElement[bool]]:
    return sends.c.newsletter == newsletter, sends.c.corrects.is_(None)


def _public(newsletter: str, now: datetime) -> ColumnElement[bool]:
    """An issue since its mails may go; of one that was stopped, if anybody may have it."""
    mailed = select(literal(1)).where(
        deliveries.c.send_id == sends.c.id, deliveries.c.state.in_(_MAY_HAVE_IT)
    )
    stands = or_(sends.c.state.in_(_GOING), mailed.exists())
    return and_(*_issues(newsletter), _since <= now, stands)


def _text(row: Any) -> IssueText:
    stories = tuple(StoryText(*story) for story in row.stories)
    return IssueText(row.subject, row.preheader, row.note, row.picture, stories)


def _words(said: IssueText) -> str:
    stories = (f"{story.headline} {story.blurb}" for story in said.stories)
    return search_terms.index_terms(" ".join([said.subject, said.preheader, *stories, said.note]))
