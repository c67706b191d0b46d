"""What a provider reports, for tests of the store: sends that were accepted, and events of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import text

from newsletter import events
from newsletter.events import EventPolicy
from newsletter.model import Event, EventKind, IssueName, Rendered
from newsletter.store import Database, sends
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests.ledgers import NOW

HTML = (
    '<a href="https://www.example.com/one?utm_source=mail">Story one, at length</a>'
    '<a href="https://www.example.com/one">read</a>'
    '<a href="https://www.example.com/two">Story two</a>'
)
_NUMBERS = count(1)


def mailed(
    database: Database,
    issue: str = "2025-07-07",
    at: datetime = NOW,
    n: int = 2,
    corrects: int | None = None,
) -> int:
    """An issue that the provider has accepted for r0@… to rN@…; its number."""
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        for number in range(n):
            people.add(f"r{number}@example.com", "", ACTIVE, NOW, revive=False)
        sends.freeze(
            connection, Rendered("Subject", "", HTML, "text", "a" * 64, {}), newsletter="N",
            issue=IssueName.parse(issue), list_name="weekly", sender="n@example.com", reply_to=None,
            articles=[("1", "https://www.example.com/one"), ("2", "https://www.example.com/two")],
            provider="sendgrid", batch_size=100, send_at=None, now=at, corrects=corrects,
        )  # fmt: skip
        connection.execute(text("update deliveries set state = 'accepted'"))
        connection.execute(text("update batches set state = 'ACCEPTED'"))
        connection.execute(text("update sends set state = 'done'"))
        found = sends.find(connection, "N", IssueName.parse(issue))
    assert found
    return found.send.id


def event(
    database: Database,
    send_id: int,
    kind: EventKind,
    reader: int = 0,
    after: float = 60,
    *,
    link: str | None = None,
    machine: bool = False,
    words: str | None = None,
) -> Event:
    """An event of the send about r0@…, or another reader, so many seconds after it began."""
    with database.read() as connection:
        row = connection.execute(
            text(
                "select d.id, s.issue, s.created_at from deliveries d join sends s "
                "on s.id = d.send_id join subscribers p on p.id = d.subscriber_id "
                "where d.send_id = :send and p.email = :email"
            ),
            {"send": send_id, "email": f"r{reader}@example.com"},
        ).one()
    began = row.created_at
    if isinstance(began, str):
        began = datetime.fromisoformat(began).replace(tzinfo=NOW.tzinfo)
    at = began + timedelta(seconds=after)
    return Event(
        f"e{next(_NUMBERS)}", kind, row.id, at, 1, send_id, ("n", row.issue),
        email=f"r{reader}@example.com", link=link, machine=machine,
        details={"reason": words} if words else {},
    )  # fmt: skip


def delivered(database: Database, send_id: int, reader: int = 0, after: float = 60) -> Event:
    return event(database, send_id, EventKind.DELIVERED, reader, after)


def soft(database: Database, send_id: int, reader: int = 0) -> Event:
    return event(database, send_id, EventKind.SOFT_BOUNCED, reader, words="mailbox full")


def hard(database: Database, send_id: int, reader: int = 0, after: float = 60) -> Event:
    words = f"550 <r{reader}@example.com> unknown"
    return event(database, send_id, EventKind.BOUNCED, reader, after, words=words)


def read(
    database: Database,
    told: Sequence[Event],
    now: datetime = NOW + timedelta(days=1),
    *,
    per_reader: bool = False,
) -> int:
    """Take them in; how many were new."""
    with database.begin() as connection:
        events.settle_doubt(connection, told, now)
    with database.begin() as connection:
        return events.store_events(connection, told, EventPolicy(now, per_reader))


def words(database: Database) -> dict[str, str]:
    """What each reader of the list is, as the export says it."""
    with database.read() as connection:
        everyone = list(Subscribers(connection, "weekly").everyone())
    return {person.email.partition("@")[0]: person.word for person in everyone}
