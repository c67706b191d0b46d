"""Sends that are paused, stopped and cancelled while they are under way."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from newsletter.app import open_desk
from newsletter.app.send import plan
from newsletter.app.send import send as sending
from newsletter.app.send.delivery import SendObserver
from newsletter.model import IssueName
from tests.e2e.send_processes import (
    ISSUE,
    addresses,
    got,
    kill_in_mid_request,
    leases_end,
    numbers,
    running,
    said,
    through_sendgrid,
    until,
)
from tests.e2e.servers import KEY, SendgridServer, hang
from tests.newsroom import Newsroom


def test_pause_from_another_terminal_and_resume(newsroom: Newsroom, server: SendgridServer) -> None:
    readers = newsroom.prepare(ISSUE, readers=20)
    through_sendgrid(newsroom, server)
    server.pace = 0.7
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 2)
        assert f"newsletter resume {ISSUE}" in newsroom.run("pause").stdout
        assert "is paused: someone paused it" in said(process, 1)
    server.pace = 0
    receipt = newsroom.json("receipt", ISSUE)
    assert receipt["state"] == "paused"
    assert receipt["waiting"] > 0
    assert numbers(receipt).keys() == {"accepted", "waiting"}
    assert "cannot be paused" in newsroom.run("pause", status=1).stderr
    assert numbers(newsroom.json("resume")) == {"accepted": 20}
    assert got(server) == readers


def test_while_it_is_under_way_nobody_is_asked_to_go_on(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    server.script = {2: hang()}
    with running(newsroom, "send", ISSUE, "--yes"):
        until(lambda: server.requests >= 2)
        told = newsroom.run("receipt", ISSUE).stderr
        assert "2 readers wait; the send is running. If it stops" in told
        assert "who wait" not in newsroom.run("status").stdout
    leases_end(newsroom)
    assert f"who wait: 2; resume: newsletter send {ISSUE}" in newsroom.run("status").stdout
    assert f"2 readers wait; resume with: newsletter send {ISSUE}" in (
        newsroom.run("receipt", ISSUE).stderr
    )


def test_while_a_request_takes_its_time_the_send_says_that_it_lives(
    newsroom: Newsroom, server: SendgridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.prepare(ISSUE, readers=2)
    through_sendgrid(newsroom, server, "hold")
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    server.pace = 1.5
    desk, beats = open_desk(newsroom.folder), [0]
    planned = plan.plan(desk, IssueName.parse(ISSUE))
    sending.send(desk, planned, SendObserver(heartbeat=lambda: beats.append(server.requests)))
    desk.close()
    assert len(beats) > 2
    assert beats[-1] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_request_under_way_end(
    newsroom: Newsroom, server: SendgridServer, number: signal.Signals
) -> None:
    readers = newsroom.prepare(ISSUE, readers=20)
    through_sendgrid(newsroom, server, "hold")  # nothing that breaks off could be taken back
    server.pace = 0.7
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 2)
        process.send_signal(number)
        told = said(process, 1)
    assert "Stopping after the open requests" in told
    assert f"resume with: newsletter send {ISSUE}" in told
    server.pace = 0
    receipt = newsroom.json("receipt", ISSUE)
    assert numbers(receipt) == {
        "accepted": 2 * server.requests,
        "waiting": 20 - 2 * server.requests,
    }
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 20}
    assert got(server) == readers


def test_a_second_signal_ends_at_once_and_nobody_gets_it_twice(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    server.script = {1: hang()}
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 1 and bool(server.bodies))
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        until(lambda: "Stopping" in process.stderr.readline())  # type: ignore[union-attr]
        process.send_signal(signal.SIGTERM)
        assert "Traceback" not in said(process, -signal.SIGTERM)
    leases_end(newsroom)
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 4}
    assert got(server) == readers


def test_the_timetable_ends_a_send_that_it_has_begun(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    due = datetime.now(zone) - timedelta(minutes=30)
    issue = f"{due:%Y-%m-%d}"
    readers = newsroom.prepare(issue, readers=20)
    timetable = f'[schedule]\nsend = "mon-sun {due:%H:%M}"\ngather = "{due:%a} 00:01"\n'
    through_sendgrid(newsroom, server, "hold", timetable)
    server.pace = 0.7
    with running(newsroom, "run") as process:
        until(lambda: server.requests >= 2)
        process.send_signal(signal.SIGTERM)
        assert "resumes later" in said(process, 0)
    assert numbers(newsroom.json("receipt", issue)).keys() == {"accepted", "waiting"}
    server.pace = 0
    assert numbers(newsroom.json("send", issue, "--yes")) == {"accepted": 20}
    assert got(server) == readers


def test_what_was_handed_over_ahead_is_taken_back_by_cancel(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=18)
    through_sendgrid(newsroom, server)
    assert "was not sent" in newsroom.run("cancel", ISSUE, "--yes", status=1).stderr
    server.pace = 1.0
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 2)
        receipt = newsroom.json("cancel", ISSUE, "--yes")
        assert "(cancelled)" in said(process, 0)
    server.pace = 0
    assert numbers(receipt) == {"excluded": 18}
    assert got(server) == []
    assert len(server.cancelled) >= 2
    reasons = addresses(receipt["addresses"]["excluded"])
    assert sorted(reasons) == readers
    assert set(reasons.values()) == {
        "the send was cancelled before its turn",
        "taken back before it went out",
    }
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "was cancelled" in told
    assert f"newsletter send {ISSUE} --missing" in told
    assert numbers(newsroom.json("send", ISSUE, "--missing", "--yes")) == {"accepted": 18}
    assert got(server) == readers


def test_cancel_before_the_first_request_and_after_the_last(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    newsroom.prepare(ISSUE, readers=2)
    through_sendgrid(newsroom, server, "hold")
    key, newsroom.environment["SENDGRID_API_KEY"] = newsroom.environment["SENDGRID_API_KEY"], "SG.x"
    assert "is paused" in newsroom.run("send", ISSUE, "--yes", status=1).stderr
    newsroom.environment["SENDGRID_API_KEY"] = key
    assert numbers(newsroom.json("cancel", "--yes")) == {"excluded": 2}
    assert got(server) == []
    assert numbers(newsroom.json("send", "--missing", ISSUE, "--yes")) == {"accepted": 2}
    told = newsroom.run("cancel", ISSUE, "--yes", status=1).stderr
    assert f"The send of {ISSUE} is done, so it cannot be cancelled" in told
    assert len(got(server)) == 2


def test_cancel_settles_what_a_killed_program_had_in_hand(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server, "hold")
    server.script = {1: hang()}
    kill_in_mid_request(newsroom, server, 1)
    done = newsroom.run("cancel", ISSUE, "--yes")
    assert "Batch 1 is in doubt: 2 readers" in done.stderr
    assert numbers(newsroom.json("receipt", ISSUE)) == {"excluded": 2, "in_doubt": 2}
    newsroom.run("resolve", "1", "--as", "sent")
    assert numbers(newsroom.json("send", ISSUE, "--missing", "--yes")) == {"accepted": 4}
    assert len(set(got(server))) == len(got(server)) == 4


def test_cancel_asks_and_nobody_can_answer(newsroom: Newsroom, server: SendgridServer) -> None:
    newsroom.prepare(ISSUE, readers=2)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    assert "Confirm with --yes" in newsroom.run("cancel", ISSUE, status=2).stderr
    assert len(got(server)) == 2
