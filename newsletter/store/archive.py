"""Sent issues for the public archive: their list, their texts and the search."""

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
from newsletter.store import corrections as stored_corrections
from newsletter.store.schema import corrections, deliveries, issue_texts, sends
from newsletter.store.sends import DeliveryState, SendState
from newsletter.text import search_terms

_CONFIGS = {"en": "english"}  # language → PostgreSQL text search configuration
_PLAIN = "simple"
# Two processes may store the text of the same old send at once.
_KEEP = text(
    "INSERT INTO issue_texts (send_id, preheader, note, picture, stories, language, words) VALUES "
    "(:send_id, :preheader, :note, :picture, :stories, :language, :words) "
    "ON CONFLICT (send_id) DO NOTHING"
).bindparams(bindparam("stories", type_=JSON))
_NOT_STOPPED = (SendState.SENDING, SendState.DONE)
_MAYBE_MAILED = (DeliveryState.ACCEPTED, DeliveryState.IN_DOUBT)


def save_text(connection: Connection, send_id: int, issue_text: IssueText, language: str) -> None:
    """Store an issue's text, in the transaction that freezes it. A stored text does not change."""
    connection.execute(
        _KEEP,
        {
            "send_id": send_id,
            "preheader": issue_text.preheader,
            "note": issue_text.note,
            "picture": issue_text.picture,
            "stories": [[story.headline, story.blurb, story.url] for story in issue_text.stories],
            "language": _CONFIGS.get(language.partition("-")[0].lower(), _PLAIN),
            "words": _search_text(issue_text),
        },
    )


def update_search_text(connection: Connection, send_id: int, issue_text: IssueText) -> None:
    """Let the search find an issue by its corrected text."""
    row = issue_texts.c.send_id == send_id
    connection.execute(update(issue_texts).where(row).values(words=_search_text(issue_text)))


def sends_without_text(connection: Connection, newsletter: str) -> list[tuple[int, str, str, str]]:
    """Sends of older versions, which stored no text: id, subject, HTML and plain text."""
    rows = connection.execute(
        select(sends.c.id, sends.c.subject, sends.c.html, sends.c.text)
        .outerjoin(issue_texts, issue_texts.c.send_id == sends.c.id)
        .where(*_issues(newsletter), issue_texts.c.send_id.is_(None))
    )
    return [(row.id, row.subject, row.html, row.text) for row in rows]


def version(connection: Connection, newsletter: str, now: datetime) -> tuple[Any, ...]:
    """A value that changes whenever the archive does; cheap to compute."""
    public = select(sends.c.id).where(_public(newsletter, now)).order_by(sends.c.id)
    corrected = select(func.max(corrections.c.id), func.count(corrections.c.withdrawn_at)).where(
        corrections.c.newsletter == newsletter
    )
    return tuple(connection.scalars(public)), *connection.execute(corrected).one()


def published(connection: Connection, newsletter: str, now: datetime) -> list[Published]:
    """Every public issue, the newest first."""
    by_issue = stored_corrections.by_issue(connection, newsletter)
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
            max([row.at, *_change_moments(by_issue.get(row.issue, ()))]),
            _text(row),
            tuple(c for c in by_issue.get(row.issue, ()) if not c.withdrawn),
        )
        for row in rows
    ]


def _change_moments(issue_corrections: Iterable[Correction]) -> Iterable[datetime]:
    """When the page changed. Withdrawals count: feed readers must see them, too."""
    return (moment for c in issue_corrections for moment in (c.at, c.withdrawn) if moment)


def sent_text(connection: Connection, send_id: int) -> IssueText:
    """The text of an issue as it was sent."""
    return _text(
        connection.execute(
            select(sends.c.subject, issue_texts)
            .join(issue_texts, issue_texts.c.send_id == sends.c.id)
            .where(sends.c.id == send_id)
        ).one()
    )


def sent_html(connection: Connection, send_id: int) -> str:
    """The HTML part of a send, with its tokens."""
    html: str = connection.execute(select(sends.c.html).where(sends.c.id == send_id)).scalar_one()
    return html


def search(
    connection: Connection, newsletter: str, phrases: Sequence[Sequence[str]], now: datetime
) -> list[int]:
    """The sends of the public issues that contain all phrases, the newest first.

    ``phrases``: each a list of words as ``text.search_terms`` makes them.
    """
    if not phrases:
        return []
    postgres = connection.dialect.name == "postgresql"
    return list(
        connection.scalars(
            select(sends.c.id)
            .join(issue_texts, issue_texts.c.send_id == sends.c.id)
            .where(_public(newsletter, now))
            .where(_in_postgresql(phrases) if postgres else _in_sqlite(phrases))
            .order_by(sends.c.issue.desc())
        )
    )


def _in_sqlite(phrases: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    query = " ".join(f'"{" ".join(phrase)}" *' for phrase in phrases)
    rows = text("SELECT rowid FROM issue_search WHERE issue_search MATCH :query")
    numbers = rows.bindparams(query=query).columns(literal_column("rowid"))
    return issue_texts.c.send_id.in_(numbers)


def _in_postgresql(phrases: Sequence[Sequence[str]]) -> ColumnElement[bool]:
    """Each configuration has its own index, and PostgreSQL uses it only if the query names it."""
    query = " & ".join(f"({' <-> '.join(phrase)}:*)" for phrase in phrases)
    return or_(
        *(
            and_(
                issue_texts.c.language == literal_column(f"'{config}'"),
                func.to_tsvector(literal_column(f"'{config}'"), issue_texts.c.words).op("@@")(
                    func.to_tsquery(literal_column(f"'{config}'"), query)
                ),
            )
            for config in (*_CONFIGS.values(), _PLAIN)
        )
    )


_since = func.coalesce(sends.c.send_at, sends.c.created_at, type_=sends.c.created_at.type)


def _issues(newsletter: str) -> Iterable[ColumnElement[bool]]:
    return sends.c.newsletter == newsletter, sends.c.corrects.is_(None)


def _public(newsletter: str, now: datetime) -> ColumnElement[bool]:
    """Issues whose mails may have left; of a stopped send, if any reader may have the mail."""
    mailed = select(literal(1)).where(
        deliveries.c.send_id == sends.c.id, deliveries.c.state.in_(_MAYBE_MAILED)
    )
    sent = or_(sends.c.state.in_(_NOT_STOPPED), mailed.exists())
    return and_(*_issues(newsletter), _since <= now, sent)


def _text(row: Any) -> IssueText:
    stories = tuple(StoryText(*story) for story in row.stories)
    return IssueText(row.subject, row.preheader, row.note, row.picture, stories)


def _search_text(issue_text: IssueText) -> str:
    stories = (f"{story.headline} {story.blurb}" for story in issue_text.stories)
    parts = [issue_text.subject, issue_text.preheader, *stories, issue_text.note]
    return search_terms.index_terms(" ".join(parts))
