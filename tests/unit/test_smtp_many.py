"""Many mails over SMTP: several connections, how fast, and refusals in a row."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from newsletter.model import Answer, Outcome
from newsletter.providers import smtp
from newsletter.providers.smtp import SmtpProvider
from newsletter.providers.smtp.pace import Pace
from tests.e2e.servers import MailServer, mail_server
from tests.patient import PATIENCE
from tests.sample_sends import a_recipient, a_send, readers
from tests.smtp_providers import Build, smtp_providers

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Answer
QUOTA = "550 5.4.5 Daily sending quota exceeded"


@pytest.fixture
def build() -> Iterator[Build]:
    with smtp_providers() as provider_for:
        yield provider_for


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    with mail_server(pipelining=request.param) as running:
        yield running


# --- several connections -----------------------------------------------------------------


def test_several_threads_hand_over_every_mail_once(server: MailServer, build: Build) -> None:
    everyone = readers(120)
    server.script = {
        ("RCPT", "reader10@example.com"): "550 5.1.1 reader10 is nobody",
        ("RCPT", "reader20@example.com"): "451 later",
        ("DATA", "reader30@example.com"): "drop",
    }
    provider = build(server.port, connections=4, batch_size=10)
    assert (provider.workers, provider.batch_size) == (4, 10)
    batches = [everyone[start : start + 10] for start in range(0, 120, 10)]
    with ThreadPoolExecutor(provider.workers) as pool:
        outcomes = list(pool.map(lambda batch: provider.submit(a_send(), batch), batches))
    answers = {n: answer for outcome in outcomes for n, answer in outcome.answers.items()}
    assert len(answers) == 120
    others = {n: answer for n, answer in answers.items() if answer is not ACCEPTED}
    assert others == {10: REJECTED, 20: NOT_SENT, 30: UNKNOWN}
    got = Counter(mail.recipient for mail in server.mails)
    assert set(got.values()) == {1}
    assert len(got) == 118  # reader 30's arrived, though nobody can know
    assert server.connections <= 5
    for mail in server.mails:
        assert mail.message["To"].addresses[0].addr_spec == mail.recipient


RCPT_FAULTS = ("550 {} is nobody", "450 {} later", "421 too many", "drop", "")
DATA_FAULTS = ("554 {} has no room", "451 {} later", "421 going down", "drop", "lose")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_breaks_what_is_said_of_each_mail_is_true(
    server: MailServer, build: Build, seed: int
) -> None:
    chance = random.Random(seed)
    server.once = True
    for number in chance.sample(range(1, 101), 40):
        stage, faults = chance.choice((("RCPT", RCPT_FAULTS), ("DATA", DATA_FAULTS)))
        fault = chance.choice(faults)
        if fault:
            address = f"reader{number}@example.com"
            server.script[(stage, address)] = fault.format(f"box{number}")
    for number in chance.sample(range(1, 101), 3):
        server.script[("MAIL", number)] = chance.choice(("drop", "451 busy"))
    provider = build(server.port, connections=3, per_connection=7)
    waiting, settled = readers(100), dict[int, Answer]()
    for _ in range(100):
        batches = [waiting[start : start + 9] for start in range(0, len(waiting), 9)]
        with ThreadPoolExecutor(3) as pool:
            outcomes = list(pool.map(lambda batch: provider.submit(a_send(), batch), batches))
        for outcome in outcomes:
            assert outcome.pause is None
            again = {n for n, answer in outcome.answers.items() if answer is NOT_SENT}
            settled |= {n: answer for n, answer in outcome.answers.items() if n not in again}
        waiting = [reader for reader in waiting if reader.delivery not in settled]
        if not waiting:
            break
    got = Counter(mail.recipient for mail in server.mails)
    for number in range(1, 101):
        times = got[f"reader{number}@example.com"]
        allowed = {ACCEPTED: (1,), REJECTED: (0,), UNKNOWN: (0, 1)}
        assert times in allowed[settled[number]], (number, settled[number], times)
    assert UNKNOWN in settled.values()
    assert REJECTED in settled.values()


def test_more_threads_than_connections_wait_for_one(server: MailServer, build: Build) -> None:
    provider = build(server.port, connections=1)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: provider.submit(a_send(), readers(3)), range(4)))
    assert all(set(outcome.answers.values()) == {ACCEPTED} for outcome in outcomes)
    assert server.connections == 1


def test_no_connection_in_time(
    server: MailServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = {("DATA", "reader1@example.com"): "hang"}
    monkeypatch.setattr(smtp, "DEADLINE", 0.3)
    provider = build(server.port, connections=1)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(provider.submit, a_send(), readers(1))
        while not server.mails:
            time.sleep(0.01)
        outcome = provider.submit(a_send(), [a_recipient(2)])
        assert hanging.result().answers == {1: UNKNOWN}
    assert outcome.answers == {2: NOT_SENT}
    assert (outcome.pause, outcome.retry_after) == (None, 60)


def test_a_connection_carries_so_many_mails(server: MailServer, build: Build) -> None:
    provider = build(server.port, connections=1, per_connection=3)
    for start in (1, 5):
        batch = [a_recipient(number) for number in range(start, start + 4)]
        assert set(provider.submit(a_send(), batch).answers.values()) == {ACCEPTED}
    assert [mail.recipient for mail in server.mails] == [
        f"reader{number}@example.com" for number in range(1, 9)
    ]
    assert server.connections == 3


def test_the_server_goes_away_between_two_connections(server: MailServer, build: Build) -> None:
    provider = build(server.port, connections=1, per_connection=1)
    server.most_connections = 2
    outcome = provider.submit(a_send(), readers(4))
    assert outcome.answers == {1: ACCEPTED, 2: ACCEPTED, 3: NOT_SENT, 4: NOT_SENT}
    server.most_connections = None
    assert provider.submit(a_send(), readers(4)[2:]).answers == {3: ACCEPTED, 4: ACCEPTED}


# --- how fast ----------------------------------------------------------------------------


def test_mails_go_no_faster_than_they_may(server: MailServer, build: Build) -> None:
    provider = build(server.port, connections=2, per_second=20)
    batches = (readers(4), [a_recipient(n) for n in range(5, 9)])
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda batch: provider.submit(a_send(), batch), batches))
    took = time.monotonic() - started
    assert all(set(outcome.answers.values()) == {ACCEPTED} for outcome in outcomes)
    assert took >= 7 / 20  # the first one goes at once


def test_threads_share_the_turns() -> None:
    pace, started = Pace(100), time.monotonic()

    def take(_: int) -> None:
        for _ in range(5):
            assert pace.wait(time.monotonic() + PATIENCE, threading.Event()) == 0

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take, range(4)))
    assert time.monotonic() - started >= 19 / 100


def test_what_does_not_fit_into_the_time_is_not_sent(
    server: MailServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "BUDGET", 2.0)
    provider = build(server.port, per_second=4)
    outcome = provider.submit(a_send(), readers(50))
    taken = [n for n, answer in outcome.answers.items() if answer is ACCEPTED]
    assert taken == list(range(1, len(taken) + 1))
    assert 1 <= len(taken) <= 9
    assert set(outcome.answers.values()) == {ACCEPTED, NOT_SENT}
    assert len(server.mails) == len(taken)
    assert outcome.pause is None
    assert outcome.retry_after == 1


def test_slow_batches_are_small(build: Build) -> None:
    assert build(25).batch_size == 50
    assert build(25, batch_size=80, per_second=1000).batch_size == 80
    assert build(25, connections=2, per_second=1).batch_size == 15
    assert build(25, connections=1, per_second=0.01).batch_size == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"connections": 0},
        {"connections": 21},
        {"connections": True},
        {"per_second": 0},
        {"per_second": -1.0},
        {"per_second": float("nan")},
        {"per_second": float("inf")},
        {"per_connection": 0},
        {"per_connection": 1.5},
    ],
)
def test_settings_that_mean_nothing(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SmtpProvider.Options.model_validate({"type": "smtp", "host": "mail.test", **wrong})


# --- refusals in a row -------------------------------------------------------------------


def paused(outcome: Outcome) -> str:
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert outcome.pause is not None
    return outcome.pause


@pytest.mark.parametrize(
    "words",
    [
        QUOTA,
        "550 daily quota exceeded",
        "554 5.7.1 <{}>: Recipient address rejected: too many mails today",
        "550-5.7.1 blocked {}\r\n550 5.7.1 see https://mail.example.test/why",
    ],
)
def test_refusals_in_the_same_words_pause_and_nobody_is_rejected(
    server: MailServer, build: Build, words: str
) -> None:
    server.to_all = words
    provider = build(server.port)
    pause = paused(provider.submit(a_send(), readers(8)))
    assert words[:3] in pause
    assert "operator" in pause
    assert "receipt" not in pause
    assert len(server.asked) == 5  # nobody else was tried
    server.to_all = ""
    assert set(provider.submit(a_send(), readers(8)).answers.values()) == {ACCEPTED}


def test_so_does_a_refusal_of_the_mail_with_a_number_of_its_own(
    server: MailServer, build: Build
) -> None:
    server.script = {
        ("DATA", f"reader{n}@example.com"): f"552 5.3.4 over the limit d2e1a72fcca58-6e4b1{n} - gw"
        for n in range(1, 9)
    }
    paused(build(server.port).submit(a_send(), readers(8)))
    assert len(server.asked) == 5


def test_the_row_goes_on_over_batches(server: MailServer, build: Build) -> None:
    provider = build(server.port)
    for number in (2, 3, 4):
        server.script[("RCPT", f"reader{number}@example.com")] = QUOTA
    first = provider.submit(a_send(), readers(4))
    assert first.answers == {1: ACCEPTED, 2: REJECTED, 3: REJECTED, 4: REJECTED}
    server.to_all = QUOTA
    pause = paused(provider.submit(a_send(), [a_recipient(n) for n in range(5, 9)]))
    assert "The receipt lists the first 3 of them as rejected." in pause
    assert len(server.asked) == 6


def test_one_reader_again_and_again_is_no_row(server: MailServer, build: Build) -> None:
    server.to_all = QUOTA
    provider = build(server.port)
    for _ in range(8):
        assert provider.submit(a_send(), readers(1)).answers == {1: REJECTED}


def test_a_taken_mail_in_between_shows_that_addresses_are_meant(
    server: MailServer, build: Build
) -> None:
    bad = [n for n in range(1, 21) if n % 5]
    server.script = {("RCPT", f"reader{n}@example.com"): "550 mailbox unavailable" for n in bad}
    outcome = build(server.port).submit(a_send(), readers(20))
    assert outcome.pause is None
    assert {n for n, answer in outcome.answers.items() if answer is REJECTED} == set(bad)


def test_refusals_in_different_words_are_about_addresses(server: MailServer, build: Build) -> None:
    server.script = {
        ("RCPT", f"reader{n}@example.com"): f"550 there is no reader{n} here" for n in range(1, 11)
    }
    outcome = build(server.port).submit(a_send(), readers(10))
    assert set(outcome.answers.values()) == {REJECTED}
    assert outcome.pause is None


def test_where_the_code_says_a_wrong_address_the_row_may_be_longer(
    server: MailServer, build: Build
) -> None:
    server.to_all = "550 5.1.1 <{}>: user unknown"
    provider = build(server.port)
    outcome = provider.submit(a_send(), readers(24))
    assert set(outcome.answers.values()) == {REJECTED}
    assert "24 of them" in paused(provider.submit(a_send(), [a_recipient(25), a_recipient(26)]))
    assert len(server.asked) == 25


def test_what_stops_one_batch_stops_all_under_way(server: MailServer, build: Build) -> None:
    server.to_all = QUOTA
    provider = build(server.port, connections=4)
    ready = threading.Barrier(4)

    def submit(start: int) -> Outcome:
        ready.wait()
        return provider.submit(a_send(), [a_recipient(n) for n in range(start, start + 20)])

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(submit, range(0, 80, 20)))
    assert any(outcome.pause for outcome in outcomes)
    for outcome in outcomes:
        assert set(outcome.answers.values()) == {NOT_SENT}
    assert len(server.asked) <= 4 * 5 + 3  # a row for each where they come one after the other
