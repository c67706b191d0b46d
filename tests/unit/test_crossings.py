"""What crosses on its way: events, recalls, cancelling, and two processes that do the same."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from newsletter import events
from newsletter.errors import DatabaseError
from newsletter.model import Answer, Event, EventKind, Recall
from newsletter.store import Database, doubt, ledger, pause_cancel, recalls, send_missing, sends
from newsletter.store.ledger import LEASE
from newsletter.store.recalls import RecallClaim
from newsletter.store.sends import FrozenSend, SendState
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests.ledgers import NOW, answers, freeze, numbers, record, started, take
from tests.patient import PATIENCE

AHEAD = NOW + timedelta(minutes=20)
LATER = NOW + timedelta(seconds=10)
TAKEN, SILENT = (Answer.ACCEPTED,) * 2, (Answer.UNKNOWN,) * 2


def begin(
    database: Database, send: FrozenSend, at: Any = NOW, *, accepted: bool = False
) -> RecallClaim:
    with database.begin() as connection:
        found = recalls.begin(
            connection, send.send.id, at, margin=timedelta(minutes=10), most=10, accepted=accepted
        )
    assert found
    return found


def end(
    database: Database, held: RecallClaim, answer: Recall, at: Any = NOW, *, again: bool = True
) -> bool:
    with database.begin() as connection:
        return recalls.end(connection, held, answer, at, again=again)


def handed_over(database: Database, given: tuple[Answer, ...]) -> FrozenSend:
    send = freeze(database, 2, send_at=AHEAD)
    claim = started(database, send, recall_id="id")
    record(database, claim, answers(claim, *given))
    return send


def settle(database: Database, send: FrozenSend, kind: str, delivery: int = 1) -> int:
    event = Event("e", EventKind(kind), delivery, NOW, 1, send.send.id, ("n", "2025-07-07"))
    with database.begin() as connection:
        return events.settle_doubt(connection, [event], NOW)


def test_an_event_that_crosses_a_recall_counts_only_when_the_mail_has_left(
    database: Database,
) -> None:
    send = handed_over(database, SILENT)
    held = begin(database, send)
    assert settle(database, send, "processed") == 0  # and at this moment it is taken back
    assert end(database, held, Recall(True))
    assert numbers(database, send) == {"waiting": 2}


def test_an_event_after_a_recall_without_an_answer_counts_only_when_the_mail_has_left(
    database: Database,
) -> None:
    send = handed_over(database, SILENT)
    end(database, begin(database, send), Recall(False, "no answer", again=True))
    assert settle(database, send, "processed") == 0
    assert numbers(database, send) == {"in_doubt": 2}
    assert settle(database, send, "delivered") == 2
    assert numbers(database, send) == {"accepted": 2}


def test_who_got_it_although_it_was_taken_back_does_not_miss_it(database: Database) -> None:
    send = handed_over(database, TAKEN)
    with database.begin() as connection:
        pause_cancel.cancel(connection, send.send.id, NOW)
    end(database, begin(database, send, accepted=True), Recall(True), again=False)
    assert numbers(database, send) == {"excluded": 2}
    assert settle(database, send, "delivered") == 1
    assert numbers(database, send) == {"accepted": 1, "excluded": 1}
    with database.begin() as connection:
        assert send_missing.count(connection, send) == 1


def test_while_it_is_taken_back_nobody_counts_as_accepted(database: Database) -> None:
    send = handed_over(database, TAKEN)
    with database.begin() as connection:
        pause_cancel.cancel(connection, send.send.id, NOW)
    begin(database, send, accepted=True)  # and the process dies
    assert numbers(database, send) == {"in_doubt": 2}
    take(database, send, NOW + LEASE)
    second = begin(database, send, NOW + LEASE, accepted=True)
    end(database, second, Recall(False, "too late"), NOW + LEASE, again=False)
    with database.begin() as connection:  # nobody knows what came of the first request
        assert doubt.held_batches(connection, send.send.id) == [(1, 2, "too late")]


def test_what_was_accepted_and_comes_back_once_the_send_goes_on_is_sent_anew(
    database: Database,
) -> None:
    send = handed_over(database, TAKEN)
    held = begin(database, send, accepted=True)
    end(database, held, Recall(True), again=True)
    assert numbers(database, send) == {"waiting": 2}


def test_two_processes_go_on_to_those_missing_and_nobody_is_planned_twice(
    database: Database,
) -> None:
    send = freeze(database, 2)
    claim = started(database, send)
    record(database, claim, answers(claim, Answer.REJECTED, Answer.REJECTED))
    with database.begin() as connection:
        sends.set_state(connection, send.send.id, SendState.DONE, NOW)
        Subscribers(connection, "weekly").add("new@example.com", "", ACTIVE, NOW, revive=False)
    planned = threading.Event()
    failed: list[BaseException] = []

    def plan() -> None:
        try:
            with database.begin() as connection:
                planned.set()
                send_missing.resume(connection, send, 2, NOW)
        except BaseException as error:  # noqa: BLE001 - told in the main thread
            failed.append(error)

    other = threading.Thread(target=plan)
    with database.begin() as connection:
        send_missing.resume(connection, send, 2, NOW)
        other.start()
        planned.wait(0.5)
    mine = take(database, send)
    assert mine
    other.join(PATIENCE)
    assert failed == []
    found = [r.email for r in mine.addressees]
    while claim := take(database, send):  # type: ignore[assignment]
        found += [reader.email for reader in claim.addressees]
    assert sorted(found) == ["new@example.com", "r0@example.com", "r1@example.com"]


def test_cancelling_and_beginning_a_request_do_not_wait_for_each_other(
    database: Database,
) -> None:
    send = freeze(database, 2)
    failed: list[DatabaseError] = []

    def cancel() -> None:
        try:
            with database.begin() as connection:
                pause_cancel.cancel(connection, send.send.id, NOW)
        except DatabaseError as error:
            failed.append(error)

    claim = take(database, send)
    assert claim
    other = threading.Thread(target=cancel)
    with database.begin() as connection:
        _lock(connection, send)
        other.start()
        other.join(0.5)
        assert ledger.start(connection, claim, NOW)
    other.join(PATIENCE)
    assert failed == []
    record(database, claim, answers(claim, *TAKEN))
    assert numbers(database, send) == {"accepted": 2}


def _lock(connection: Any, send: FrozenSend) -> None:
    """Be where a request is when it has its batch, and not yet the send."""
    connection.exec_driver_sql(
        f"update batches set owner = 'me' where send_id = {send.send.id} and number = 1"
    )


@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "1e3", "٣", "", None])
def test_a_number_that_is_none_is_no_event_of_ours(number: Any) -> None:
    from newsletter.providers.sendgrid import webhook

    raw = {"event": "delivered", "timestamp": 1, "nb_delivery": number, "nb_send": "1"}
    import json

    assert webhook.parse(json.dumps([raw]).encode()) == []
