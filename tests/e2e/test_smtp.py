"""A send through a mail server, from the command line."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing

import pytest

from tests.e2e.send_processes import edit, numbers, running, said, until
from tests.e2e.servers import MailServer, mail_server
from tests.newsroom import Newsroom

ISSUE = "2025-07-07"


def through(newsroom: Newsroom, server: MailServer, more: str = "") -> None:
    newsroom.configure(
        f'\n[provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\n'
        f'security = "none"\n{more}'
    )


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_daily_limit_pauses_the_send_and_costs_no_reader(
    newsroom: Newsroom, pipelining: bool
) -> None:
    readers = newsroom.prepare(ISSUE, readers=12)
    with mail_server(pipelining=pipelining) as server:
        through(newsroom, server, "per_connection = 4")
        server.to_all = "550 5.4.5 Daily sending quota exceeded for {}"
        said = newsroom.run("send", ISSUE, "--yes", status=1).stderr
        assert "in a row" in said
        assert "Traceback" not in said
        receipt = newsroom.json("receipt", ISSUE)
        assert (receipt["waiting"], receipt["rejected"], receipt["eligible"]) == (12, 0, 12)
        server.to_all = ""
        assert newsroom.json("send", ISSUE, "--yes")["accepted"] == 12
        assert sorted(mail.recipient for mail in server.mails) == sorted(readers)


def test_a_reset_after_a_whole_mail_leaves_that_one_in_doubt_and_no_other(
    newsroom: Newsroom,
) -> None:
    readers = newsroom.prepare(ISSUE, readers=6)
    with mail_server(pipelining=True) as server:
        through(newsroom, server, "batch_size = 1")
        newsroom.run("test", ISSUE)
        server.mails.clear()
        server.once = True
        server.script = {("DATA", readers[2]): "drop"}
        receipt = newsroom.json("send", ISSUE, "--yes", status=1)
        assert (receipt["accepted"], receipt["in_doubt"]) == (5, 1)
        newsroom.run("send", ISSUE, "--yes", status=1)
        assert set(Counter(mail.recipient for mail in server.mails).values()) == {1}


def test_kill_9_in_the_middle_of_a_mail_sends_nothing_twice(newsroom: Newsroom) -> None:
    readers = newsroom.prepare(ISSUE, readers=9)
    with mail_server(pipelining=True) as server:
        through(newsroom, server, "batch_size = 3\nconnections = 1")
        server.once = True
        server.script = {("DATA", readers[4]): "hang"}
        with running(newsroom, "send", ISSUE, "--yes"):
            until(lambda: not server.script)
        with closing(sqlite3.connect(newsroom.folder / "newsletter.db")) as database, database:
            database.execute(
                "update batches set lease_until = '2020-01-01 00:00:00' where state = 'SUBMITTING'"
            )
        receipt = newsroom.json("send", ISSUE, "--yes", status=1)
        assert (receipt["accepted"], receipt["in_doubt"]) == (6, 3)
        doubtful = set(receipt["addresses"]["in_doubt"])
        got = Counter(mail.recipient for mail in server.mails)
        assert readers[4] in doubtful & set(got)
        assert set(readers) - set(got) <= doubtful  # whose turn in that batch had not come
        assert set(got.values()) == {1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_send_at_a_slow_rate_ends_promptly(newsroom: Newsroom, number: signal.Signals) -> None:
    readers = newsroom.prepare(ISSUE, readers=8)
    with mail_server() as server:
        through(newsroom, server, "per_second = 0.01\nconnections = 2")
        with running(newsroom, "send", ISSUE, "--yes") as process:
            until(lambda: bool(server.mails))
            stopped = time.monotonic()
            process.send_signal(number)
            told = said(process, 1)
            took = time.monotonic() - stopped
        assert took < 90, "the next mail has its turn only after 100 seconds"
        assert f"resume with: newsletter send {ISSUE}" in told
        assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 1, "waiting": 7}
        through(newsroom, server)
        edit(newsroom, "update batches set not_before = null")
        assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 8}
        assert sorted(mail.recipient for mail in server.mails) == readers


def test_a_test_that_fails_promises_no_further_try(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    with mail_server() as server:
        through(newsroom, server)
    told = newsroom.run("test", ISSUE, status=1).stderr
    assert "cannot be reached" in told
    assert "tried again" not in told
    assert f"newsletter test {ISSUE}" in told
