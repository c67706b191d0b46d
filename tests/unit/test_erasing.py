"""Who is erased is gone from what providers said, too; and nothing lifts that again."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, text

from newsletter import events
from newsletter.model import Answer, Event, EventKind, IssueName
from newsletter.store import Connection, Database, occurrences, pause_cancel
from newsletter.store.column_types import Moment
from newsletter.store.occurrences import DueMoment
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from newsletter.store.suppression import ERASED
from tests.ledgers import NOW, answers, freeze, record, started

WORDS = [
    ("<{}>: Recipient address rejected", "<(erased)>: Recipient address rejected"),
    ("550 5.1.1 {} unknown.", "550 5.1.1 (erased) unknown."),
    ("R0@Example.COM: over quota", "(erased): over quota"),
    ("550 no such user <r0@exam", "550 no such user <(erased)"),
    ("not xr0@example.com, nor r0@example.com.au", "not xr0@example.com, nor r0@example.com.au"),
]
ALERT = text(
    "insert into alerts (newsletter, kind, key, issue, text, reason, made_at) "
    "values ('N', 'paused', 'k', '2025-07-07', :said, :said, :now)"
).bindparams(bindparam("now", type_=Moment))
KEYS = {"deliveries": "id", "batches": "number", "sends": "id", "occurrences": "id"}


def reasons(connection: Connection, table: str) -> list[str]:
    found = connection.execute(
        text(f"select reason from {table} where reason is not null order by {KEYS[table]}")
    )
    return [row[0] for row in found]


@pytest.mark.parametrize(("said", "left"), WORDS)
def test_an_erased_address_stands_in_no_reason(database: Database, said: str, left: str) -> None:
    said = said.format("r0@example.com")
    send = freeze(database, 2)
    claim = started(database, send)
    told = {reader.delivery: said for reader in claim.addressees}
    record(database, claim, answers(claim, Answer.UNKNOWN, Answer.UNKNOWN, reasons=told))
    with database.begin() as connection:
        pause_cancel.pause(connection, send.send.id, said, NOW)
        due = DueMoment("N", "send", "2025-07-07", IssueName.parse("2025-07-07"), NOW)
        occurrences.close(connection, due, occurrences.OccurrenceState.MISSED, NOW, said)
        connection.execute(ALERT, {"said": said, "now": NOW})
        Subscribers(connection, "weekly").erase("r0@example.com", NOW)
        told = connection.execute(text("select text, reason from alerts")).one()
    assert tuple(told) == (left, left)
    with database.read() as connection:
        found = {table: reasons(connection, table) for table in KEYS}
    own, other = found.pop("deliveries")
    assert found == {table: [left] for table in ("batches", "sends", "occurrences")}
    assert other == left
    assert "r0@example.com" not in own.replace("xr0@", "")


def test_the_name_of_the_mailbox_goes_from_what_was_said_of_their_own_mail(
    database: Database,
) -> None:
    send = freeze(database, 2)
    claim = started(database, send)
    told = {reader.delivery: "550 user r0 unknown" for reader in claim.addressees}
    record(database, claim, answers(claim, Answer.REJECTED, Answer.REJECTED, reasons=told))
    with database.begin() as connection:
        Subscribers(connection, "weekly").erase("r0@example.com", NOW)
        rows = connection.execute(text("select reason from deliveries order by id"))
        assert [row[0] for row in rows] == ["550 user (erased) unknown", "550 user r0 unknown"]


def test_an_address_is_blanked_as_it_went_over_the_wire(database: Database) -> None:
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        people.add("r@bücher.example", "", ACTIVE, NOW, revive=False)
    send = freeze(database, 1)
    claim = started(database, send)
    told = {reader.delivery: "550 <r@xn--bcher-kva.example>" for reader in claim.addressees}
    record(database, claim, answers(claim, *[Answer.REJECTED] * 2, reasons=told))
    with database.begin() as connection:
        Subscribers(connection, "weekly").erase("r@bücher.example", NOW)
        assert reasons(connection, "batches") == ["550 <(erased)>"]


@pytest.mark.parametrize("kind", ["bounce", "spamreport", "unsubscribe", "delivered"])
def test_no_event_takes_the_place_of_an_erasure(database: Database, kind: str) -> None:
    send = freeze(database, 2)
    claim = started(database, send)
    record(database, claim, answers(claim, Answer.UNKNOWN, Answer.UNKNOWN))
    with database.begin() as connection:
        Subscribers(connection, "weekly").erase("r0@example.com", NOW)
        told = Event("e", EventKind(kind), 1, NOW, 1, send.send.id, ("n", "2025-07-07"))
        events.settle_doubt(connection, [told], NOW)
        people = Subscribers(connection, "weekly")
        people.lift_suppression("r0@example.com")
        assert people.suppression_reason("r0@example.com") == ERASED
