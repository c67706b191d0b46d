"""Runs of a send that must come to an end, whatever the provider answers and whoever stops them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from newsletter import deliver
from newsletter.errors import DatabaseError, NotReadyError
from newsletter.model import Answer, Doubt, Outcome, Recall, Recipient, Send
from newsletter.store import Database, doubt, ledger, open_database, pause_cancel, receipts, sends
from newsletter.store.engine import DURABLE
from newsletter.store.ledger import Addressee
from newsletter.store.sends import FrozenSend
from tests import ledgers
from tests.ledgers import freeze, numbers
from tests.patient import PATIENCE

Submit = Callable[[Send, Sequence[Recipient]], Outcome]


class Scripted:
    """A provider that can take batches back; what it answers is the test's."""

    batch_size, workers, processes, most_recalls = 2, 1, 1, 10
    recall_margin = timedelta(minutes=10)

    def __init__(self, submit: Submit, recall: Callable[[str], Recall] | None = None) -> None:
        self.submit = submit
        self._recall = recall or (lambda _: Recall(True))
        self.asked: list[str] = []
        self.opened = 0

    def open_batch(self, batch: Sequence[Recipient]) -> str | Outcome | None:
        self.opened += 1
        return f"id-{self.opened}"

    def recall(self, recall_id: str) -> Recall:
        self.asked.append(recall_id)
        assert len(self.asked) < 100, "it asks for ever"
        return self._recall(recall_id)


def accept(_: Send, batch: Sequence[Recipient]) -> Outcome:
    return Outcome.all(batch, Answer.ACCEPTED)


def no_answer(_: Send, batch: Sequence[Recipient]) -> Outcome:
    return Outcome.all(batch, Answer.UNKNOWN, "no answer")


def now() -> datetime:
    return datetime.now(UTC)


def ahead(database: Database, readers: int) -> FrozenSend:
    return freeze(database, readers, send_at=now() + timedelta(minutes=20))


def job(
    database: Database, send: FrozenSend, provider: Any, policy: Doubt = Doubt.RECALL, **more: Any
) -> deliver.Job:
    def recipients(readers: Sequence[Addressee]) -> list[Recipient]:
        return [Recipient(r.delivery, r.email, "", "https://example.com/u", {}) for r in readers]

    return deliver.Job(database, provider, send, recipients, policy, now, **more)


def state(database: Database, send: FrozenSend) -> str:
    with database.read() as connection:
        return sends.state(connection, send.send.id)[0]


def held(database: Database, send: FrozenSend) -> int:
    with database.read() as connection:
        return len(doubt.held_batches(connection, send.send.id))


def cancel(database: Database, send: FrozenSend) -> None:
    with database.begin() as connection:
        pause_cancel.cancel(connection, send.send.id, now())


def test_a_cancelled_send_asks_once_for_what_the_provider_will_not_take_back(
    database: Database,
) -> None:
    send = ahead(database, 4)
    provider = Scripted(accept, lambda _: Recall(False, "no more than two can be cancelled"))
    deliver.run(job(database, send, provider))
    cancel(database, send)
    deliver.run(job(database, send, provider))
    assert sorted(provider.asked) == ["id-1", "id-2"]
    assert numbers(database, send) == {"accepted": 4}


def test_a_cancelled_send_ends_when_it_is_too_late_to_ask_once_more(database: Database) -> None:
    send = ahead(database, 2)
    provider = Scripted(accept, lambda _: Recall(False, "no answer", again=True))
    deliver.run(job(database, send, provider))
    cancel(database, send)

    def too_late(moment: datetime, why: str) -> None:
        provider.recall_margin = timedelta(minutes=30)

    runner = threading.Thread(
        target=deliver.run, args=(job(database, send, provider),), kwargs={"waiting": too_late},
        daemon=True,
    )  # fmt: skip
    runner.start()
    runner.join(PATIENCE)
    assert not runner.is_alive()
    # Perhaps it was taken back, perhaps not: nobody may count these as accepted.
    assert numbers(database, send) == {"in_doubt": 2}
    assert held(database, send) == 1


def test_who_gives_up_after_half_an_hour_says_what_the_provider_said(database: Database) -> None:
    send = freeze(database, 2)
    later = timedelta()

    def closed(_: Send, batch: Sequence[Recipient]) -> Outcome:
        nonlocal later
        later = timedelta(minutes=31)
        return Outcome.all(batch, Answer.NOT_SENT, "closed for today.", retry_after=3600)

    work = job(database, send, Scripted(closed), Doubt.HOLD)
    with pytest.raises(NotReadyError, match=r"for half an hour \(closed for today\); the readers"):
        deliver.run(replace(work, clock=lambda: now() + later))
    assert numbers(database, send) == {"waiting": 2}


def test_a_run_that_is_stopped_before_it_has_recalled_goes_on_with_that(
    database: Database,
) -> None:
    send = ahead(database, 2)
    stop = threading.Event()

    def last_answer(_: Send, batch: Sequence[Recipient]) -> Outcome:
        stop.set()
        return Outcome.all(batch, Answer.UNKNOWN, "no answer")

    deliver.run(job(database, send, Scripted(last_answer), stop=stop))
    assert state(database, send) == "sending"
    deliver.run(job(database, send, Scripted(accept)))
    assert state(database, send) == "done"
    assert numbers(database, send) == {"accepted": 2}


def test_whom_a_zombie_did_not_reach_after_all_is_sent_to(database: Database) -> None:
    send = freeze(database, 2)
    with database.begin() as connection:
        claim = ledgers.claim(connection, send, now(), "zombie")
        assert claim
        assert ledger.start(connection, claim, now() - timedelta(hours=1))
    deliver.run(job(database, send, Scripted(accept), Doubt.HOLD))
    assert numbers(database, send) == {"in_doubt": 2}
    answer = Outcome({r.delivery: Answer.NOT_SENT for r in claim.addressees})
    with database.begin() as connection:
        assert ledger.record(connection, claim, answer, now())
    assert state(database, send) == "sending"
    deliver.run(job(database, send, Scripted(accept), Doubt.HOLD))
    assert numbers(database, send) == {"accepted": 2}


def test_resend_gives_a_reader_two_at_most(database: Database) -> None:
    send = freeze(database, 2)
    got: list[str] = []

    def taken_without_answer(given: Send, batch: Sequence[Recipient]) -> Outcome:
        got.extend(person.email for person in batch)
        assert len(got) < 50, "it sends for ever"
        return no_answer(given, batch)

    deliver.run(job(database, send, Scripted(taken_without_answer), Doubt.RESEND))
    assert sorted(got) == ["r0@example.com"] * 2 + ["r1@example.com"] * 2
    assert numbers(database, send) == {"in_doubt": 2}
    assert held(database, send) == 1


def test_a_split_of_what_was_sent_again_is_not_sent_a_third_time(database: Database) -> None:
    send = freeze(database, 2)
    requests = 0

    def submit(given: Send, batch: Sequence[Recipient]) -> Outcome:
        nonlocal requests
        requests += 1
        assert requests < 20, "it sends for ever"
        if requests == 2:
            return Outcome.all(batch, Answer.NOT_SENT, "too large", split=True)
        return no_answer(given, batch)

    deliver.run(job(database, send, Scripted(submit), Doubt.RESEND))
    assert requests == 4
    assert held(database, send) == 2


def test_what_wakes_after_its_time_by_the_clock_on_the_wall_sends_nothing(
    database: Database,
) -> None:
    """A machine that was suspended: its monotonic clock stood still meanwhile."""
    send = freeze(database, 2)
    asleep = timedelta()
    made = job(database, send, Scripted(accept), Doubt.HOLD)

    def checkpoint(name: str) -> None:
        nonlocal asleep
        if name == "started" and not asleep:
            asleep = timedelta(minutes=5)
            made.stop.set()

    late = deliver.Job(
        made.database, made.provider, made.frozen, made.personalize, made.doubt,
        lambda: now() + asleep, checkpoint=checkpoint, stop=made.stop,
    )  # fmt: skip
    deliver.run(late)
    assert numbers(database, send) == {"waiting": 2}


def test_the_other_threads_end_without_haste_where_one_fails(database: Database) -> None:
    send = freeze(database, 4)
    sets = 0

    class Counted(threading.Event):
        def set(self) -> None:
            nonlocal sets
            sets += 1
            super().set()

    def slow(given: Send, batch: Sequence[Recipient]) -> Outcome:
        time.sleep(1)
        return accept(given, batch)

    def witness(begun: int) -> None:
        if begun == 2:
            raise ValueError("a bug")

    provider = Scripted(slow)
    provider.workers = 2
    made = job(database, send, provider, Doubt.HOLD, before_request=witness, stop=Counted())
    with pytest.raises(ValueError, match="a bug"):
        deliver.run(made)
    assert sets < 5
    assert numbers(database, send)["accepted"] == 2


def test_a_damaged_database_is_said_in_words(tmp_path: Path) -> None:
    opened = open_database("sqlite:///test.db", tmp_path)
    send = freeze(opened, 200)
    opened.close()
    path = tmp_path / "test.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    for side in ("-wal", "-shm"):
        (tmp_path / f"test.db{side}").unlink(missing_ok=True)
    with pytest.raises(DatabaseError), opened.read() as connection:
        receipts.counts(connection, send.send.id)


# --- after the send's own moment ---


def test_what_goes_out_late_is_handed_over_ahead_again(database: Database) -> None:
    send = freeze(database, 6, send_at=now() - timedelta(hours=9))
    given: list[Send] = []

    def submit(sent: Send, batch: Sequence[Recipient]) -> Outcome:
        given.append(sent)
        return (no_answer if len(given) == 2 else accept)(sent, batch)

    provider = Scripted(submit)
    started = now()
    deliver.run(job(database, send, provider, ahead=timedelta(minutes=20)))
    assert numbers(database, send) == {"accepted": 6}
    assert provider.asked == ["id-2"]
    moments = {sent.send_at for sent in given}
    assert len(moments) <= 2  # one, unless five minutes have just begun
    for moment in moments:
        assert moment
        assert timedelta(minutes=20) <= moment - started <= timedelta(minutes=26)
        assert moment.timestamp() % 300 == 0
    cancel(database, send)
    deliver.run(job(database, send, provider))
    assert numbers(database, send) == {"excluded": 6}


def test_a_batch_near_the_moment_can_be_taken_back_as_well(database: Database) -> None:
    send = freeze(database, 2, send_at=now() + timedelta(minutes=5))
    turns = iter((no_answer, accept))
    provider = Scripted(lambda sent, batch: next(turns)(sent, batch))
    deliver.run(job(database, send, provider, ahead=timedelta(minutes=20)))
    assert provider.asked == ["id-1"]
    assert numbers(database, send) == {"accepted": 2}


def test_what_goes_out_late_without_an_id_to_take_it_back_by_leaves_at_once(
    database: Database,
) -> None:
    send = freeze(database, 2, send_at=now() - timedelta(hours=9))
    given: list[Send] = []

    def submit(sent: Send, batch: Sequence[Recipient]) -> Outcome:
        given.append(sent)
        return accept(sent, batch)

    class NoIds(Scripted):
        def open_batch(self, batch: Sequence[Recipient]) -> None:
            return None

    deliver.run(job(database, send, NoIds(submit), ahead=timedelta(minutes=20)))
    assert [sent.send_at for sent in given] == [None]


# --- no answer, again and again ----------------------------------------------------------


def silent_runs(job_: deliver.Job) -> None:
    """A run that ends by pausing for want of answers."""
    with pytest.raises(NotReadyError, match=r"\d requests .* without an answer"):
        deliver.run(job_)


def one_by_one(_: Send, batch: Sequence[Recipient]) -> Outcome:
    """A mail server that swallows a mail and says nothing: the others of the batch can wait."""
    first, *others = [person.delivery for person in batch]
    return Outcome({first: Answer.UNKNOWN, **dict.fromkeys(others, Answer.NOT_SENT)})


def one_refused_beforehand(_: Send, batch: Sequence[Recipient]) -> Outcome:
    first, *others = [person.delivery for person in batch]
    return Outcome({first: Answer.REJECTED, **dict.fromkeys(others, Answer.UNKNOWN)})


@pytest.mark.parametrize("answer", [no_answer, one_by_one, one_refused_beforehand])
def test_five_requests_without_an_answer_pause_whatever_else_is_known_of_them(
    database: Database, answer: Submit
) -> None:
    send = freeze(database, 40)
    told: list[str] = []
    work = job(
        database, send, Scripted(answer), Doubt.HOLD, on_pause=lambda _, why: told.append(why)
    )
    silent_runs(work)
    assert numbers(database, send)["in_doubt"] == (10 if answer is no_answer else 5)
    assert held(database, send) == 5
    assert len(told) == 1
    assert "5 requests" in told[0]


def test_requests_that_were_refused_in_between_do_not_hide_an_outage(database: Database) -> None:
    send = freeze(database, 60)
    turns = itertools.cycle((no_answer, nobody_there))
    provider = Scripted(lambda given, batch: next(turns)(given, batch))
    silent_runs(job(database, send, provider, Doubt.HOLD))
    assert numbers(database, send)["in_doubt"] == 10


def nobody_there(_: Send, batch: Sequence[Recipient]) -> Outcome:
    return Outcome.all(batch, Answer.NOT_SENT, "nobody listens there")


def test_what_was_in_doubt_last_is_taken_back_before_a_paused_run_ends(
    database: Database,
) -> None:
    """Until somebody goes on with it, it might have become too late."""
    send = ahead(database, 40)
    provider = Scripted(no_answer)
    silent_runs(job(database, send, provider))
    assert provider.asked == [f"id-{number}" for number in range(1, 6)]
    assert numbers(database, send) == {"waiting": 40}


def test_several_threads_in_an_outage_leave_little_in_doubt(database: Database) -> None:
    send = freeze(database, 200)
    provider = Scripted(slow_silence)
    provider.workers = 4
    silent_runs(job(database, send, provider, Doubt.HOLD))
    # The others have one each in hand, and may begin another before the pause is written down.
    assert 5 <= held(database, send) <= 5 + 2 * 3
    deliver.run(job(database, send, Scripted(accept), Doubt.HOLD))
    assert numbers(database, send) == {
        "accepted": 200 - 2 * held(database, send),
        "in_doubt": 2 * held(database, send),
    }


def slow_silence(given: Send, batch: Sequence[Recipient]) -> Outcome:
    time.sleep(0.05)
    return no_answer(given, batch)


def test_several_processes_in_an_outage_all_stop_and_any_may_go_on(database: Database) -> None:
    send = freeze(database, 200)
    ended: list[str] = []

    def process() -> None:
        work = job(database, send, Scripted(slow_silence), Doubt.RESEND)
        with pytest.raises(NotReadyError) as error:
            deliver.run(work, resume=False)  # one that begins late must not undo the pause
        ended.append(str(error.value))

    crew = [threading.Thread(target=process) for _ in range(3)]
    for each in crew:
        each.start()
    for each in crew:
        each.join(PATIENCE)
    assert len(ended) == 3
    assert all("without an answer" in said for said in ended)
    assert numbers(database, send)["in_doubt"] <= 2 * 15
    got: list[int] = []

    def count(given: Send, batch: Sequence[Recipient]) -> Outcome:
        got.extend(person.delivery for person in batch)
        return accept(given, batch)

    deliver.run(job(database, send, Scripted(count), Doubt.RESEND))
    assert numbers(database, send) == {"accepted": 200}
    assert len(got) == len(set(got)) == 200


def test_resend_after_two_outages_gives_nobody_three(database: Database) -> None:
    send = freeze(database, 12)
    got: list[int] = []

    def swallow(given: Send, batch: Sequence[Recipient]) -> Outcome:
        got.extend(person.delivery for person in batch)
        return no_answer(given, batch)

    for _ in range(2):
        silent_runs(job(database, send, Scripted(swallow), Doubt.RESEND))
    deliver.run(job(database, send, Scripted(swallow), Doubt.RESEND))
    assert {delivery: got.count(delivery) for delivery in got} == dict.fromkeys(set(got), 2)
    assert numbers(database, send) == {"in_doubt": 12}


@pytest.mark.parametrize("policy", [Doubt.RECALL, Doubt.RESEND])
def test_what_one_thread_leaves_in_doubt_is_not_held_by_another(
    database: Database, policy: Doubt
) -> None:
    """What comes while another looks what is to be done has its turn at the next look."""
    send = ahead(database, 120)
    count = itertools.count()

    def submit(given: Send, batch: Sequence[Recipient]) -> Outcome:
        first_time = given.batch <= 60
        return (no_answer if first_time and not next(count) % 3 else accept)(given, batch)

    provider = Scripted(submit)
    provider.workers, provider.most_recalls = 6, 1000
    deliver.run(job(database, send, provider, policy))
    assert numbers(database, send) == {"accepted": 120}


def test_a_process_that_comes_to_help_sends_nothing_of_what_is_paused_by_then(
    database: Database,
) -> None:
    send = freeze(database, 40)
    silent_runs(job(database, send, Scripted(no_answer), Doubt.HOLD))
    with pytest.raises(NotReadyError, match="is paused"):
        deliver.run(job(database, send, Scripted(accept), Doubt.HOLD), resume=False)
    assert numbers(database, send) == {"in_doubt": 10, "waiting": 30}


def test_no_byte_leaves_before_the_start_is_on_the_disk(database: Database) -> None:
    ends: list[bool] = []  # of transactions: whether they waited for the disk
    at_submit: list[bool] = []

    def submit(send: Send, batch: Sequence[Recipient]) -> Outcome:
        at_submit.append(ends[-1])
        return accept(send, batch)

    event.listen(
        database._engine, "commit", lambda c: ends.append(c.get_execution_options()[DURABLE])
    )
    deliver.run(job(database, freeze(database, 6), Scripted(submit)))
    assert at_submit == [True] * 3
    assert False in ends
