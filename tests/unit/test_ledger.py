"""The ledger, on a real SQLite file and a real PostgreSQL: claims, fences, leases, doubt."""

from __future__ import annotations

from datetime import timedelta

from newsletter.model import Answer, IssueName, Status
from newsletter.store import Database, doubt, ledger, receipts, sends
from newsletter.store.ledger import LEASE
from newsletter.store.sends import DeliveryState, FrozenSend
from newsletter.store.subscriber_import import StagedImport
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests.ledgers import NOW, answers, freeze, numbers, record, started, take


def test_every_reader_is_planned_in_exactly_one_batch(database: Database) -> None:
    send = freeze(database, 5)
    sizes = []
    while claim := take(database, send):
        sizes.append([reader.email for reader in claim.addressees])
    assert [len(batch) for batch in sizes] == [2, 2, 1]
    assert len({email for batch in sizes for email in batch}) == 5


def test_a_batch_is_claimed_once(database: Database) -> None:
    send = freeze(database, 2)
    assert take(database, send)
    assert take(database, send, owner="other") is None


def test_a_claim_that_died_before_the_first_byte_is_free_after_its_lease(
    database: Database,
) -> None:
    send = freeze(database, 2)
    dead = take(database, send)
    again = take(database, send, NOW + LEASE)
    assert dead
    assert again
    assert again.fence == dead.fence + 1
    with database.begin() as connection:
        assert not ledger.start(connection, dead, NOW + LEASE)


def test_a_claim_whose_lease_has_ended_starts_nothing(database: Database) -> None:
    """Others may take it at any moment, and its readers may have left meanwhile."""
    send = freeze(database, 2)
    late = take(database, send)
    assert late
    with database.begin() as connection:
        ledger.expire(connection, send.send.id, NOW + LEASE)
        assert ledger.start(connection, late, NOW + LEASE) is None


def test_a_zombie_that_sent_nothing_gives_nobody_to_others_a_second_time(
    database: Database,
) -> None:
    send = freeze(database, 2)
    zombie = take(database, send)
    assert zombie
    started(database, send, NOW + LEASE)
    nothing = answers(zombie, Answer.NOT_SENT, Answer.NOT_SENT)
    assert not record(database, zombie, nothing, NOW + LEASE)
    assert take(database, send, NOW + LEASE) is None


def test_who_is_suppressed_between_freeze_and_claim_is_excluded(database: Database) -> None:
    send = freeze(database, 2)
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        with StagedImport(connection, people.keys, people.list_id) as listed:
            listed.stage([(2, "r0@example.com", "", Status.BLOCKED)])
            listed.merge(NOW)
        people.add("r0@example.com", "", ACTIVE, NOW, revive=True)
    claim = take(database, send)
    assert claim
    assert [reader.email for reader in claim.addressees] == ["r1@example.com"]


def test_what_a_killed_process_was_handing_over_is_in_doubt_and_never_claimed_again(
    database: Database,
) -> None:
    send = freeze(database, 2)
    started(database, send)
    assert take(database, send, NOW + LEASE) is None
    assert numbers(database, send) == {"in_doubt": 2}
    assert take(database, send, NOW + timedelta(days=7)) is None


def test_an_answer_that_comes_after_the_lease_settles_the_doubt(database: Database) -> None:
    send = freeze(database, 2)
    claim = started(database, send)
    take(database, send, NOW + LEASE)
    late = answers(claim, Answer.ACCEPTED, Answer.ACCEPTED)
    assert record(database, claim, late, NOW + LEASE)
    assert numbers(database, send) == {"accepted": 2}


def test_a_zombie_changes_nothing_after_a_person_decided(database: Database) -> None:
    send = freeze(database, 2)
    claim = started(database, send)
    take(database, send, NOW + LEASE)
    with database.begin() as connection:
        doubt.hold(connection, send.send.id, NOW)
        assert doubt.resolve(connection, send.send.id, claim.number, sent=False, now=NOW) == 2
    late = answers(claim, Answer.REJECTED, Answer.REJECTED)
    assert not record(database, claim, late, NOW + LEASE)
    assert numbers(database, send) == {"waiting": 2}


def test_each_answer_goes_its_own_way(database: Database) -> None:
    send = freeze(database, 4, batch_size=4)
    claim = started(database, send)
    mixed = answers(
        claim, Answer.ACCEPTED, Answer.REJECTED, Answer.NOT_SENT, Answer.UNKNOWN,
        reasons={claim.addressees[1].delivery: "no such user"}, retry_after=60.0,
    )  # fmt: skip
    assert record(database, claim, mixed)
    assert numbers(database, send) == {"accepted": 1, "rejected": 1, "waiting": 1, "in_doubt": 1}
    assert take(database, send, NOW + timedelta(seconds=59)) is None
    again = take(database, send, NOW + timedelta(seconds=60))
    assert again
    assert [r.delivery for r in again.addressees] == [claim.addressees[2].delivery]
    with database.begin() as connection:
        rejected = receipts.addresses(connection, send.send.id, DeliveryState.REJECTED)
        assert list(rejected) == [("r1@example.com", "no such user")]


def test_a_send_is_in_hand_while_the_lease_of_a_batch_goes_on(database: Database) -> None:
    send, other = freeze(database, 4), freeze(database, 2, name="other")

    def in_hand(one: FrozenSend, after: timedelta = timedelta()) -> bool:
        with database.read() as connection:
            return doubt.is_in_progress(connection, one.send.id, NOW + after)

    assert not in_hand(send)
    claim = take(database, send)
    assert claim
    for _ in range(2):  # claimed, and begun
        assert in_hand(send)
        assert in_hand(send, LEASE - timedelta(seconds=1))
        assert not in_hand(send, LEASE)
        assert not in_hand(other)
        with database.begin() as connection:
            ledger.start(connection, claim, NOW)
    assert record(database, claim, answers(claim, Answer.ACCEPTED, Answer.ACCEPTED))
    assert not in_hand(send)


def test_a_request_that_is_too_large_is_split(database: Database) -> None:
    send = freeze(database, 5, batch_size=5)
    claim = started(database, send)
    record(database, claim, answers(claim, *[Answer.NOT_SENT] * 5, split=True))
    sizes = []
    while again := take(database, send):
        sizes.append(len(again.addressees))
    assert sorted(sizes) == [2, 3]


def test_who_left_between_freeze_and_claim_is_excluded(database: Database) -> None:
    send = freeze(database, 3, batch_size=3)
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        people.remove("r0@example.com", NOW)
        people.erase("r1@example.com", NOW)
    claim = take(database, send)
    assert claim
    assert [reader.email for reader in claim.addressees] == ["r2@example.com"]
    assert numbers(database, send) == {"excluded": 2, "waiting": 1}


def test_articles_count_as_mailed_only_when_somebody_was_accepted(database: Database) -> None:
    send, issue, later = freeze(database, 1), *map(IssueName.parse, ("2025-07-07", "2025-07-14"))
    with database.begin() as connection:
        assert sends.mailed_articles(connection, "N", other_than=later) == {}
    claim = started(database, send)
    record(database, claim, answers(claim, Answer.ACCEPTED))
    with database.begin() as connection:
        assert sends.mailed_articles(connection, "N", other_than=later) == {"id1": issue}
        assert sends.mailed_articles(connection, "N", other_than=issue) == {}


def test_an_erased_address_never_comes_back(database: Database) -> None:
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        people.add("a@example.com", "A", ACTIVE, NOW, revive=False)
        assert people.erase("A@Example.com", NOW)
        assert people.add("a@example.com", "A", ACTIVE, NOW, revive=True)
        assert list(people.everyone()) == []


def test_an_import_never_revives_who_has_left_but_a_person_may(database: Database) -> None:
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        people.add("a@example.com", "", ACTIVE, NOW, revive=False)
        people.remove("a@example.com", NOW)
        people.add("a@example.com", "Ada", ACTIVE, NOW, revive=False)
        assert [(p.name, p.status) for p in people.everyone()] == [("Ada", "unsubscribed")]
        people.add("a@example.com", "", ACTIVE, NOW, revive=True)
        assert [p.status for p in people.everyone()] == ["active"]
