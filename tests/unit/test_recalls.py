"""Taking batches back, cancelling, events, and going on to those who are missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from newsletter import events
from newsletter.model import Answer, Event, EventKind, Recall
from newsletter.store import Database, doubt, pause_cancel, recalls, send_missing, sends
from newsletter.store.ledger import LEASE
from newsletter.store.recalls import RecallClaim
from newsletter.store.sends import FrozenSend
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests.ledgers import NOW, answers, freeze, numbers, record, started, take

MARGIN = timedelta(minutes=10)
AHEAD = NOW + timedelta(minutes=20)
DONE = Recall(True)


def begin(
    database: Database,
    send: FrozenSend,
    now: datetime = NOW,
    *,
    accepted: bool = False,
    most: int = 10,
) -> RecallClaim | None:
    with database.begin() as connection:
        return recalls.begin(
            connection, send.send.id, now, margin=MARGIN, most=most, accepted=accepted
        )


def end(
    database: Database,
    held: RecallClaim,
    answer: Recall,
    now: datetime = NOW,
    *,
    again: bool = True,
) -> bool:
    with database.begin() as connection:
        return recalls.end(connection, held, answer, now, again=again)


def in_doubt(database: Database, batches: int) -> FrozenSend:
    send = freeze(database, batches * 2, send_at=AHEAD)
    for number in range(batches):
        claim = started(database, send, recall_id=f"id-{number}")
        record(database, claim, answers(claim, Answer.UNKNOWN, Answer.UNKNOWN))
    return send


def test_what_is_taken_back_goes_out_in_a_new_batch(database: Database) -> None:
    send = in_doubt(database, 1)
    held = begin(database, send)
    assert held
    assert held.recall_id == "id-0"
    assert begin(database, send) is None
    assert end(database, held, DONE)
    assert numbers(database, send) == {"waiting": 2}
    again = take(database, send)
    assert again
    assert again.number == 2


def test_a_recall_without_an_answer_is_asked_for_again_and_one_refused_is_held(
    database: Database,
) -> None:
    send = in_doubt(database, 1)
    first = begin(database, send)
    assert first
    assert end(database, first, Recall(False, "no answer", again=True))
    assert begin(database, send) is None  # not at once
    with database.begin() as connection:
        doubt.hold(connection, send.send.id, NOW)
        assert doubt.held_batches(connection, send.send.id) == []  # and not given up either
    later = NOW + timedelta(seconds=6)
    second = begin(database, send, later, most=1)  # its own cancellation is open already
    assert second
    assert end(database, second, Recall(False, "too late"), later)
    with database.begin() as connection:
        assert doubt.held_batches(connection, send.send.id) == [(1, 2, "too late")]


def test_a_process_that_died_while_recalling_leaves_it_to_another(database: Database) -> None:
    send = in_doubt(database, 1)
    dead = begin(database, send)
    assert dead
    assert take(database, send, NOW + LEASE) is None
    other = begin(database, send, NOW + LEASE)
    assert other
    assert not end(database, dead, DONE, NOW + LEASE)
    assert end(database, other, DONE, NOW + LEASE)
    assert numbers(database, send) == {"waiting": 2}


def test_an_event_before_a_lost_answer_does_not_keep_a_reader_from_the_new_batch(
    database: Database,
) -> None:
    send = freeze(database, 2, send_at=AHEAD)
    claim = started(database, send, recall_id="id")
    with database.begin() as connection:
        first = claim.addressees[0].delivery
        doubt.settle_by_event(connection, send.send.id, claim.number, first, NOW, left=False)
    record(database, claim, answers(claim, Answer.UNKNOWN, Answer.UNKNOWN))
    held = begin(database, send)
    assert held
    assert end(database, held, DONE)
    assert numbers(database, send) == {"waiting": 2}


def test_only_so_many_are_taken_back_at_once_over_all_sends(database: Database) -> None:
    send = in_doubt(database, 3)
    for _ in range(2):
        held = begin(database, send, most=2)
        assert held
        end(database, held, DONE)
    assert begin(database, send, most=2) is None
    with database.begin() as connection:
        doubt.hold(connection, send.send.id, NOW)
    assert numbers(database, send) == {"waiting": 4, "in_doubt": 2}


def test_what_came_since_it_was_looked_at_is_not_held(database: Database) -> None:
    send = in_doubt(database, 1)
    with database.begin() as connection:
        seen = doubt.unknown_batches(connection, send.send.id)
    more = freeze(database, 4, send_at=AHEAD, name="more")
    for _ in range(2):
        claim = started(database, more, recall_id="id")
        record(database, claim, answers(claim, Answer.UNKNOWN, Answer.UNKNOWN))
    with database.begin() as connection:
        doubt.hold(connection, more.send.id, NOW, seen)
        assert (
            [number for number, *_ in doubt.held_batches(connection, more.send.id)] == seen == [1]
        )
        assert doubt.next_due(connection, more.send.id) == NOW  # the other is looked at now
        doubt.hold(connection, more.send.id, NOW, [])
        assert len(doubt.held_batches(connection, more.send.id)) == 1


def test_nothing_is_taken_back_shortly_before_it_goes(database: Database) -> None:
    send = in_doubt(database, 1)
    assert begin(database, send, AHEAD - MARGIN) is None
    assert begin(database, send, AHEAD - MARGIN - timedelta(seconds=1))


def test_a_late_answer_of_what_is_being_taken_back_changes_nothing(database: Database) -> None:
    send = freeze(database, 2, send_at=AHEAD)
    claim = started(database, send, recall_id="id")
    take(database, send, NOW + LEASE)
    held = begin(database, send, NOW + LEASE)
    assert held
    assert not record(database, claim, answers(claim, Answer.ACCEPTED, Answer.ACCEPTED))
    assert end(database, held, DONE, NOW + LEASE)
    assert numbers(database, send) == {"waiting": 2}


def test_a_late_answer_of_what_may_have_been_taken_back_changes_nothing(
    database: Database,
) -> None:
    """The answer to the recall is lost: perhaps it was dropped, whatever it had been answered."""
    send = freeze(database, 2, send_at=AHEAD)
    claim = started(database, send, recall_id="id")
    take(database, send, NOW + LEASE)
    held = begin(database, send, NOW + LEASE)
    assert held
    assert end(database, held, Recall(False, "no answer", again=True), NOW + LEASE)
    assert not record(database, claim, answers(claim, Answer.ACCEPTED, Answer.ACCEPTED))
    assert numbers(database, send) == {"in_doubt": 2}


def test_cancelling_leaves_out_who_waits_and_takes_back_what_was_accepted(
    database: Database,
) -> None:
    send = freeze(database, 6, send_at=AHEAD)
    first = started(database, send, recall_id="id")
    record(database, first, answers(first, Answer.ACCEPTED, Answer.ACCEPTED))
    second = started(database, send)
    with database.begin() as connection:
        assert pause_cancel.cancel(connection, send.send.id, NOW) == 2
        assert sends.state(connection, send.send.id)[0] == "cancelled"
    assert numbers(database, send) == {"accepted": 2, "waiting": 2, "excluded": 2}
    record(database, second, answers(second, Answer.NOT_SENT, Answer.NOT_SENT))
    with database.begin() as connection:  # what came back since then
        assert pause_cancel.cancel(connection, send.send.id, NOW) == 2
    held = begin(database, send, accepted=True)
    assert held
    assert end(database, held, DONE, again=False)
    assert numbers(database, send) == {"excluded": 6}


def test_what_was_accepted_and_cannot_be_taken_back_stays_accepted(database: Database) -> None:
    send = freeze(database, 2, send_at=AHEAD)
    claim = started(database, send, recall_id="id")
    record(database, claim, answers(claim, Answer.ACCEPTED, Answer.ACCEPTED))
    held = begin(database, send, accepted=True)
    assert held
    assert end(database, held, Recall(False, "too late"), again=False)
    assert numbers(database, send) == {"accepted": 2}
    assert begin(database, send, accepted=False) is None


def settle(
    database: Database, send: FrozenSend, delivery: int, batch: int, kind: str = "delivered",
    origin: tuple[str, str] = ("n", "2025-07-07"),
) -> int:  # fmt: skip
    event = Event("e", EventKind(kind), delivery, NOW, batch, send.send.id, origin)
    with database.begin() as connection:
        return events.settle_doubt(connection, [event, event], NOW)


def test_an_event_settles_the_whole_request(database: Database) -> None:
    send = in_doubt(database, 1)
    with database.begin() as connection:
        doubt.hold(connection, send.send.id, NOW)
    assert settle(database, send, 1, 1, origin=("other", "2025-07-07")) == 0
    assert settle(database, send, 1, 1, kind="processed") == 2
    assert numbers(database, send) == {"accepted": 2}


def test_an_event_of_what_was_taken_back_counts_only_when_the_mail_has_left(
    database: Database,
) -> None:
    send = in_doubt(database, 1)
    held = begin(database, send)
    assert held
    end(database, held, DONE)
    assert settle(database, send, 1, 1, kind="processed") == 0
    assert settle(database, send, 1, 1) == 1
    again = take(database, send)
    assert again
    assert [reader.delivery for reader in again.addressees] == [2]


def test_an_answer_takes_nothing_back_that_an_event_told_of_one_reader(
    database: Database,
) -> None:
    for given in Answer:
        send = freeze(database, 2, name=f"n-{given.name.lower().replace('_', '-')}")
        claim = started(database, send)
        told = claim.addressees[0].delivery
        with database.begin() as connection:
            doubt.settle_by_event(connection, send.send.id, claim.number, told, NOW, left=True)
        record(database, claim, answers(claim, given, given))
        assert numbers(database, send)["accepted"] == (2 if given is Answer.ACCEPTED else 1)


def test_who_got_it_by_an_earlier_request_is_no_part_of_the_next_one(database: Database) -> None:
    send = freeze(database, 2, send_at=AHEAD)
    claim = started(database, send)
    settle(database, send, claim.addressees[0].delivery, 1)
    record(database, claim, answers(claim, Answer.NOT_SENT, Answer.NOT_SENT))
    second = started(database, send, recall_id="id")
    record(database, second, answers(second, Answer.ACCEPTED))
    held = begin(database, send, accepted=True)
    assert held
    assert end(database, held, DONE, again=False)
    assert numbers(database, send) == {"accepted": 1, "excluded": 1}


def test_a_zombie_cannot_take_back_what_an_event_told(database: Database) -> None:
    send = freeze(database, 2)
    claim = started(database, send)
    take(database, send, NOW + LEASE)
    settle(database, send, 1, 1)
    assert not record(database, claim, answers(claim, Answer.NOT_SENT, Answer.REJECTED))
    assert numbers(database, send) == {"accepted": 2}


def test_sending_again_on_purpose(database: Database) -> None:
    send = in_doubt(database, 2)
    with database.begin() as connection:
        assert doubt.resend_unknown(connection, send.send.id, NOW) == 4
    assert numbers(database, send) == {"waiting": 4}


def test_those_who_are_missing_get_the_same_send(database: Database) -> None:
    send = freeze(database, 6)
    with database.begin() as connection:
        Subscribers(connection, "weekly").remove("r0@example.com", NOW)
    for given in (Answer.REJECTED,), (Answer.ACCEPTED, Answer.UNKNOWN), (Answer.ACCEPTED,) * 2:
        claim = started(database, send)
        record(database, claim, answers(claim, *given))
    with database.begin() as connection:
        doubt.hold(connection, send.send.id, NOW)
        people = Subscribers(connection, "weekly")
        people.add("r0@example.com", "", ACTIVE, NOW, revive=True)  # came back
        people.add("new@example.com", "", ACTIVE, NOW, revive=False)
        assert send_missing.count(connection, send) == 3
        assert send_missing.plan(connection, send, 2, NOW) == 3
        assert send_missing.count(connection, send) == 0
    assert numbers(database, send) == {"accepted": 3, "in_doubt": 1, "waiting": 3}
    found = []
    while claim := take(database, send):  # type: ignore[assignment]
        found.append([reader.email for reader in claim.addressees])
    assert found == [["r0@example.com", "r1@example.com"], ["new@example.com"]]


def test_two_requests_with_the_same_events_in_another_order_do_not_wait_for_each_other(
    database: Database,
) -> None:
    send = in_doubt(database, 40)
    told = [
        Event(f"e{n}", EventKind.DELIVERED, 2 * n - 1, NOW, n, send.send.id, ("n", "2025-07-07"))
        for n in range(1, 41)
    ]

    def take_in(some: list[Event]) -> int:
        with database.begin() as connection:
            return events.settle_doubt(connection, some, NOW)

    with ThreadPoolExecutor(2) as crew:
        settled = sum(crew.map(take_in, (told, told[::-1])))
    assert settled == 80
    assert numbers(database, send) == {"accepted": 80}
