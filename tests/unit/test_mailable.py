"""Who may be mailed: the same answer wherever it is asked, and one writer of what it depends on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from newsletter import store
from newsletter.model import Answer, Consequence, Outcome
from newsletter.store import (
    Connection,
    Database,
    ledger,
    mailable,
    send_missing,
    subscription_status,
    suppression,
)
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE, PENDING, UNSUBSCRIBED
from newsletter.store.suppression import PersonEvent
from tests.ledgers import NOW, freeze, started

READER = "r0@example.com"


def bounced(connection: Connection) -> None:
    people = Subscribers(connection, "weekly")
    event = PersonEvent(1, Consequence.BOUNCED, NOW, people.list_id)
    suppression.apply_events(connection, [event], NOW)


def become(status: str) -> Callable[[Connection], None]:
    def change(connection: Connection) -> None:
        subscription_status.change(
            connection, 1, Subscribers(connection, "weekly").list_id, status, NOW
        )

    return change


CHANGES: dict[str, tuple[Callable[[Connection], object], str | None]] = {
    "nothing": (lambda _: None, None),
    "unsubscribed": (become(UNSUBSCRIBED), "unsubscribed before the issue went out"),
    "pending": (become(PENDING), "unsubscribed before the issue went out"),
    "back": (lambda c: (become(UNSUBSCRIBED)(c), become(ACTIVE)(c)), None),
    "bounced": (bounced, "bounced"),
    "permitted again": (
        lambda c: (bounced(c), Subscribers(c, "weekly").lift_suppression(READER, NOW)),
        None,
    ),
    "erased": (
        lambda c: Subscribers(c, "weekly").erase(READER, NOW),
        "erased at their own wish",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_counting_freezing_claiming_and_what_is_missed_agree(
    database: Database, change: str
) -> None:
    happens, reason = CHANGES[change]
    fit = int(reason is None)
    send = freeze(database, 1)
    with database.begin() as connection:
        happens(connection)
    with database.read() as connection:
        assert mailable.count(connection, "weekly") == fit
    with database.begin() as connection:
        claim = ledger.claim(connection, send.send.id, "me", NOW)
        assert claim
        claim, reasons = ledger.load_addressees(connection, claim, send.list_id)
        assert len(claim.addressees) == fit
        assert list(reasons.values()) == ([reason] if reason else [])
        ledger.exclude(connection, claim, reasons, NOW)
        assert send_missing.count(connection, send) == 0  # it waits, or must not get it

    with database.begin() as connection:
        assert mailable.count(connection, "weekly", send.send.id) == 0  # nobody has it yet


@pytest.mark.parametrize("change", CHANGES)
def test_who_has_it_and_may_be_mailed_gets_what_corrects_it(
    database: Database, change: str
) -> None:
    happens, reason = CHANGES[change]
    send = freeze(database, 1)
    claim = started(database, send)
    with database.begin() as connection:
        accepted = {reader.delivery: Answer.ACCEPTED for reader in claim.addressees}
        assert ledger.record(connection, claim, Outcome(accepted), NOW)
        happens(connection)
    with database.read() as connection:
        assert mailable.count(connection, "weekly", send.send.id) == int(reason is None)


@pytest.mark.parametrize(
    ("table", "writer"),
    [("subscriptions", "subscription_status.py"), ("suppressions", "suppression.py")],
)
def test_one_module_writes_what_it_depends_on(table: str, writer: str) -> None:
    write = re.compile(rf"\b(?:insert|update|delete)\({table}\)|\bupsert\([^)]*\b{table}\)")
    folder = Path(store.__file__).parent
    writers = [path.name for path in folder.glob("*.py") if write.search(path.read_text())]
    assert writers == [writer]
