"""What breaks while something is under way: a database, a mail server, a provider, a source."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsletter import deliver
from newsletter.deliver import worker
from newsletter.errors import DatabaseError
from newsletter.model import Answer, Doubt, Outcome, Recipient, Send
from newsletter.providers import smtp
from newsletter.providers.smtp import connection
from newsletter.store import Database, ledger
from newsletter.store.subscribers import Subscribers
from tests import ledgers
from tests.clocked_newsroom import FRIDAY, Offices
from tests.e2e.servers import line_server, mail_server
from tests.editor_alerts import heard
from tests.editor_alerts import text as alert_text
from tests.ledgers import NOW, answers, freeze, numbers, record, started
from tests.newsroom import feed
from tests.sample_sends import a_send, readers
from tests.smtp_providers import Build, smtp_providers
from tests.unit.test_runs import Scripted, accept, job

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Answer
HOUR = timedelta(hours=1)


@pytest.fixture
def build() -> Iterator[Build]:
    with smtp_providers() as provider_for:
        yield provider_for


# --- the database ------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
def test_an_answer_is_not_lost_while_the_database_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(worker, "MAX_POLL", 0.01)
    send, left, handed = freeze(database, 4), times, []
    recording = ledger.record

    def failing(*given: Any) -> bool:
        nonlocal left
        done = recording(*given)
        if left:
            left -= 1
            raise DatabaseError("it is away")  # after some of it was written
        return done

    def submit(mail: Send, batch: Sequence[Recipient]) -> Outcome:
        handed.extend(recipient.email for recipient in batch)
        return accept(mail, batch)

    monkeypatch.setattr(ledger, "record", failing)
    deliver.run(job(database, send, Scripted(submit), Doubt.HOLD))
    assert left == 0
    assert sorted(handed) == [f"r{n}@example.com" for n in range(4)]  # once each
    assert numbers(database, send) == {"accepted": 4}


def test_an_answer_that_can_never_be_written_down_leaves_doubt_and_no_second_mail(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RECORD_TIMEOUT", 0.0)
    monkeypatch.setattr(worker, "MAX_POLL", 0.01)
    send, handed = freeze(database, 2), []

    def submit(mail: Send, batch: Sequence[Recipient]) -> Outcome:
        handed.extend(recipient.email for recipient in batch)
        return accept(mail, batch)

    def failing(*_: Any) -> bool:
        raise DatabaseError("it is away")

    with monkeypatch.context() as away:
        away.setattr(ledger, "record", failing)
        with pytest.raises(DatabaseError):
            deliver.run(job(database, send, Scripted(submit), Doubt.HOLD))
    late = deliver.Job(
        database, Scripted(submit), send, lambda _: [], Doubt.HOLD,
        lambda: datetime.now(UTC) + HOUR,
    )  # fmt: skip
    deliver.run(late)
    assert sorted(handed) == ["r0@example.com", "r1@example.com"]
    assert numbers(database, send) == {"in_doubt": 2}


@pytest.mark.parametrize("gone", [(0, 1), (2, 3), (0, 2), (0, 1, 2, 3), ()])
def test_a_send_ends_whoever_of_a_batch_has_left_meanwhile(
    database: Database, gone: tuple[int, ...]
) -> None:
    send, handed = freeze(database, 4), []
    with database.begin() as connection:
        for number in gone:
            assert Subscribers(connection, "weekly").remove(f"r{number}@example.com", NOW)

    def submit(mail: Send, batch: Sequence[Recipient]) -> Outcome:
        handed.extend(recipient.email for recipient in batch)
        return accept(mail, batch)

    work = job(database, send, Scripted(submit), Doubt.HOLD)
    run = threading.Thread(target=deliver.run, args=(work,), daemon=True)
    run.start()
    run.join(30)
    assert not run.is_alive()
    assert handed == [f"r{n}@example.com" for n in range(4) if n not in gone]
    counted = {"accepted": 4 - len(gone), "excluded": len(gone)}
    assert numbers(database, send) == {name: n for name, n in counted.items() if n}


# --- the provider ------------------------------------------------------------------------


def test_a_provider_that_asks_for_patience_is_left_alone_with_every_other_batch(
    database: Database,
) -> None:
    send = freeze(database, 8)
    first = started(database, send)
    wait = answers(first, NOT_SENT, NOT_SENT, retry_after=300.0, throttled=True)
    assert record(database, first, wait)
    for after in (0, 1, 299):
        assert ledgers.take(database, send, NOW + timedelta(seconds=after)) is None
    later = NOW + timedelta(seconds=301)
    found = [ledgers.take(database, send, later) for _ in range(5)]
    assert [claim is not None for claim in found] == [True] * 4 + [False]
    people = [reader.email for claim in found if claim for reader in claim.addressees]
    assert sorted(people) == [f"r{n}@example.com" for n in range(8)]


def test_one_batch_that_is_to_wait_does_not_hold_up_the_others(database: Database) -> None:
    send = freeze(database, 6)
    first = started(database, send)
    assert record(database, first, answers(first, NOT_SENT, ACCEPTED, retry_after=300.0))
    assert [ledgers.take(database, send) is not None for _ in range(3)] == [True, True, False]


def test_another_send_does_not_wait_for_a_provider_that_was_asked_by_this_one(
    database: Database,
) -> None:
    send, other = freeze(database, 4), freeze(database, 4, name="other")
    first = started(database, send)
    wait = answers(first, NOT_SENT, NOT_SENT, retry_after=300.0, throttled=True)
    assert record(database, first, wait)
    assert ledgers.take(database, other) is not None


def test_a_shorter_patience_does_not_end_a_longer_one(database: Database) -> None:
    send = freeze(database, 8)
    first, second = started(database, send), started(database, send)
    for claim, seconds in ((first, 600.0), (second, 60.0)):
        wait = answers(claim, NOT_SENT, NOT_SENT, retry_after=seconds, throttled=True)
        assert record(database, claim, wait)
    found = [ledgers.take(database, send, NOW + timedelta(seconds=61)) for _ in range(2)]
    people = [reader.email for claim in found if claim for reader in claim.addressees]
    assert people == ["r2@example.com", "r3@example.com"]  # the second one's, and nobody else


# --- a mail server -----------------------------------------------------------------------

GREETED = ("220 hello", "250 hello")
PIPELINED = ("220 hello", "250-hello\r\n250 PIPELINING")


@pytest.mark.parametrize("reset", ["451 not now", "500 what?", "421 going down", None, "?"])
@pytest.mark.parametrize("greeted", [GREETED, PIPELINED], ids=["one by one", "pipelining"])
def test_after_a_reset_that_failed_no_mail_goes_over_that_connection(
    build: Build, greeted: tuple[str, str], reset: str | None
) -> None:
    lines: list[bytes] = []
    refused = ("250 ok", "550 5.1.1 nobody")
    if greeted is PIPELINED:
        refused = (*refused, "503 no recipient")
    with line_server(*greeted, *refused, reset, "250 ok", heard=lines) as port:
        provider = build(port)
        outcome = provider.submit(a_send(), readers(3))
        provider.close()
    assert outcome.answers == {1: REJECTED, 2: NOT_SENT, 3: NOT_SENT}
    assert outcome.pause is None
    assert [line for line in lines if line.startswith(b"MAIL")] == [
        b"MAIL FROM:<briefing@example.com>\r\n"
    ]


def test_a_reset_that_is_never_answered_does_not_hold_us(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", 0.3)
    with line_server(*GREETED, "250 ok", "550 5.1.1 nobody", "") as port:
        provider = build(port)
        assert provider.submit(a_send(), readers(2)).answers == {1: REJECTED, 2: NOT_SENT}
        provider.close()


def test_a_connect_that_hangs_sends_nothing_and_is_tried_again_later(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", 0.3)
    monkeypatch.setattr(smtp, "DEADLINE", 0.3)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # nobody takes these: the queue is full
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        outcome = build(listener.getsockname()[1]).submit(a_send(), readers(2))
        for each in waiting:
            each.close()
    assert outcome.answers == {1: NOT_SENT, 2: NOT_SENT}
    assert (outcome.pause, outcome.retry_after) == (None, 60)


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "answer", "pause", "retry_after"),
    [
        ("450 4.2.1 busy", NOT_SENT, False, 300),
        ("451 4.7.1 greylisted", NOT_SENT, False, 300),
        ("452 4.2.2 full", NOT_SENT, False, 300),
        ("499 odd", NOT_SENT, False, 300),
        ("421 4.7.0 too many", NOT_SENT, False, 300),
        ("500 5.5.1 what", REJECTED, False, None),
        ("550 5.1.1 nobody", REJECTED, False, None),
        ("551 5.1.6 moved", REJECTED, False, None),
        ("552 5.2.2 full", REJECTED, False, None),
        ("553 5.1.3 no such name", REJECTED, False, None),
        ("554 5.7.1 spam", REJECTED, False, None),
        ("599 odd", REJECTED, False, None),
        ("530 5.7.0 log in first", NOT_SENT, True, None),
        ("535 5.7.8 no", NOT_SENT, True, None),
        ("538 5.7.11 encrypt", NOT_SENT, True, None),
    ],
)
def test_what_each_code_means(
    build: Build, stage: str, reply: str, answer: Answer, pause: bool, retry_after: float | None
) -> None:
    with mail_server() as server:
        server.script = {(stage, "reader2@example.com"): reply}
        outcome = build(server.port).submit(a_send(), readers(3))
    goes_on = not pause and not reply.startswith("421")
    assert outcome.answers == {1: ACCEPTED, 2: answer, 3: ACCEPTED if goes_on else NOT_SENT}
    assert (outcome.pause is not None) == pause
    assert outcome.retry_after == retry_after
    assert reply[:3] in outcome.reasons[2]
    taken = [mail.recipient for mail in server.mails]
    assert taken == ["reader1@example.com", "reader3@example.com"][: 1 + goes_on]


@pytest.mark.parametrize(
    ("reply", "pause", "retry_after"),
    [
        ("450 4.3.2 busy", False, 300),
        ("452 4.3.1 no space", False, 300),
        ("421 4.3.2 going down", False, 300),
        ("550 5.7.1 not your address", True, None),
        ("530 5.7.0 log in first", True, None),
        ("553 5.1.8 no such domain", True, None),
    ],
)
def test_what_each_code_means_for_the_sender(
    build: Build, reply: str, pause: bool, retry_after: float | None
) -> None:
    with mail_server() as server:
        server.script = {("MAIL", 2): reply}
        outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: NOT_SENT, 3: NOT_SENT}
    assert (outcome.pause is not None) == pause
    assert outcome.retry_after == retry_after


# --- a source ----------------------------------------------------------------------------


def test_a_source_that_fails_week_after_week_is_told_once_with_its_first_moment(
    office: Offices,
) -> None:
    more = '\n[[sources]]\ntype = "feed"\npath = "other.xml"\n'
    week = office()
    week.desk.close()
    week.room.configure(f'\n[schedule]\ngather = ["fri 15:00", "sat 15:00", "sun 15:00"]\n{more}')
    week.desk = week.open()
    good = feed(["Four"], FRIDAY - HOUR)
    since = []
    for day, other in enumerate(("no feed", "still none", good, "none again")):
        week.room.write("other.xml", other)
        week.tick(FRIDAY + timedelta(days=day) if day < 3 else FRIDAY + timedelta(days=7))
        gathered = week.room.gathered("2025-07-07" if day < 3 else "2025-07-14")
        (source,) = (each for each in gathered["sources"] if "other.xml" in each.values())
        since.append((source["status"], source["since"]))
    told = [place for place, kind in enumerate(heard(week)) if kind == "source"]
    first, second, healthy, later = since
    assert first[0] == second[0] == later[0] == "failing"
    assert first[1] == second[1]
    assert healthy[0] == "ok"
    assert later[1] > first[1]
    assert len(told) == 2  # once for each time that it went down
    assert "July 4" in alert_text(week, told[0])
    assert "July 11" in alert_text(week, told[1])
