"""Sends in a ledger, for tests of the store: frozen, claimed, begun and answered by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from newsletter.model import Answer, IssueName, Outcome, Rendered
from newsletter.store import Connection, Database, ledger, receipts, sends
from newsletter.store.ledger import BatchClaim
from newsletter.store.sends import FrozenSend
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE

NOW = datetime(2025, 7, 7, 14, tzinfo=UTC)
ISSUE = IssueName.parse("2025-07-07")
MAIL = Rendered("Subject", "", "<p>html</p>", "text", "a" * 64, {})


def freeze(
    database: Database,
    readers: int,
    batch_size: int = 2,
    send_at: datetime | None = None,
    name: str = "N",
) -> FrozenSend:
    """A send of ``name`` to that many readers of its own list, r0@… to rN@…."""
    list_name, domain = ("weekly", "example.com") if name == "N" else (name, f"{name}.example.com")
    with database.begin() as connection:
        people = Subscribers(connection, list_name)
        for number in range(readers):
            people.add(f"r{number}@{domain}", f"R {number}", ACTIVE, NOW, revive=False)
        sends.freeze(
            connection, MAIL, newsletter=name, issue=ISSUE, list_name=list_name,
            sender="n@example.com", reply_to=None, articles=[("id1", None)], provider="outbox",
            batch_size=batch_size, send_at=send_at, now=NOW,
        )  # fmt: skip
        found = sends.find(connection, name, ISSUE)
    assert found
    return found


def take(
    database: Database, send: FrozenSend, now: datetime = NOW, owner: str = "me"
) -> BatchClaim | None:
    with database.begin() as connection:
        ledger.expire(connection, send.send.id, now)
        return claim(connection, send, now, owner)


def claim(
    connection: Connection, send: FrozenSend, now: datetime = NOW, owner: str = "me"
) -> BatchClaim | None:
    """The next batch that has readers, with them."""
    while held := ledger.claim(connection, send.send.id, owner, now):
        held, left_out = ledger.load_addressees(connection, held, send.list_id)
        if left_out or not held.addressees:
            assert ledger.exclude(connection, held, left_out, now)
        if held.addressees:
            return held
    return None


def started(
    database: Database, send: FrozenSend, now: datetime = NOW, recall_id: str | None = None
) -> BatchClaim:
    claim = take(database, send, now)
    assert claim
    with database.begin() as connection:
        assert ledger.start(connection, claim, now, recall_id)
    return claim


def record(database: Database, claim: BatchClaim, outcome: Outcome, now: datetime = NOW) -> bool:
    with database.begin() as connection:
        return ledger.record(connection, claim, outcome, now)


def answers(claim: BatchClaim, *given: Answer, **more: object) -> Outcome:
    return Outcome(
        {r.delivery: a for r, a in zip(claim.addressees, given, strict=True)},
        **more,  # type: ignore[arg-type]
    )


def numbers(database: Database, send: FrozenSend) -> dict[str, int]:
    with database.begin() as connection:
        receipt = receipts.receipt(connection, send)
    counted = {
        name: getattr(receipt, name)
        for name in ("accepted", "excluded", "rejected", "in_doubt", "waiting")
    }
    assert sum(counted.values()) == receipt.eligible
    return {name: count for name, count in counted.items() if count}
