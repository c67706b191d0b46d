"""Receipts, those who miss an issue, and lists that changed much."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.send_processes import (
    ISSUE,
    addresses,
    edit,
    got,
    numbers,
    running,
    said,
    through_sendgrid,
    until,
)
from tests.e2e.servers import SendgridServer, refused, reset
from tests.newsroom import Newsroom, feed
from tests.patient import PATIENCE

NEXT = "2030-01-14"
IN_ORDER = (
    "select email from deliveries d join subscribers s on s.id = subscriber_id order by batch, d.id"
)


def test_those_who_miss_it_get_the_very_bytes_and_nobody_gets_it_twice(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=8)
    through_sendgrid(newsroom, server, "hold")
    assert "nobody misses it" in newsroom.run("send", ISSUE, "--missing", status=1).stderr
    server.script = {1: refused(401)}
    newsroom.run("send", ISSUE, "--yes", status=1)
    assert "is not finished" in newsroom.run("send", ISSUE, "--missing", status=1).stderr
    order = [str(row[0]) for row in edit(newsroom, IN_ORDER)]
    newsroom.run("subscribers", "remove", order[2], "--yes")
    server.bad = {order[1]}
    server.script = {4: reset(taken=True)}
    receipt = newsroom.json("send", ISSUE, "--yes", status=1)
    assert numbers(receipt) == {"accepted": 4, "excluded": 1, "rejected": 1, "in_doubt": 2}
    assert addresses(receipt["addresses"]["excluded"]) == {
        order[2]: "unsubscribed before the issue went out"
    }
    assert "valid address" in addresses(receipt["addresses"]["rejected"])[order[1]]
    doubtful = receipt["addresses"]["in_doubt"]
    assert doubtful == sorted(order[4:6])

    build = newsroom.folder / "issues" / ISSUE / "build"
    sent = {name: (build / name).read_bytes() for name in ("email.html", "email.txt")}
    issue = newsroom.folder / "issues" / ISSUE / "issue.toml"
    issue.write_text(issue.read_text().replace("First story", "Another subject"))
    newsroom.run("build", ISSUE)
    assert (build / "email.html").read_bytes() != sent["email.html"] or "Another" in (
        build / "email.json"
    ).read_text()
    newsroom.run("subscribers", "add", order[2])
    newsroom.run("subscribers", "add", "new@example.com")
    server.bad = set()
    plan = newsroom.json("send", ISSUE, "--missing", "--dry-run")
    assert (plan["readers"], plan["missing"], plan["subject"]) == (3, True, "First story")
    assert "3 readers who missed it" in newsroom.run("send", ISSUE, "--missing", status=2).stderr
    receipt = newsroom.json("send", ISSUE, "--missing", "--yes", status=1)
    assert numbers(receipt) == {"accepted": 7, "in_doubt": 2}
    assert receipt["addresses"]["in_doubt"] == doubtful
    assert "Nobody misses" in newsroom.run("send", ISSUE, "--missing", status=1).stderr
    assert got(server) == sorted([*readers, "new@example.com"])
    for body in server.bodies:
        assert body["subject"] == "First story"
        assert [part["value"].encode() for part in body["content"]] == [
            sent["email.txt"],
            sent["email.html"],
        ]
    newsroom.run("receipt", ISSUE, "--save", str(newsroom.folder / "saved"))
    assert {n: (newsroom.folder / "saved" / n).read_bytes() for n in sent} == sent
    newsroom.run("send", ISSUE, "--missing", "--yes", status=1)
    assert len(got(server)) == 9


def test_those_who_get_it_late_can_be_taken_back_too(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    for table in ("sends", "batches"):  # as if that had been in the night
        edit(newsroom, f"update {table} set send_at = '2025-01-01 00:00:00'")
    assert "cannot be cancelled" in newsroom.run("cancel", ISSUE, "--yes", status=1).stderr
    more = [f"late{number}@example.com" for number in range(4)]
    for address in more:
        newsroom.run("subscribers", "add", address)
    server.script = {3: reset(taken=True)}
    started = time.time()
    told = newsroom.run("send", ISSUE, "--missing", "--yes").stderr
    assert "The provider releases the last mails at" in told
    assert got(server) == sorted(readers + more)
    moments = [body["send_at"] for body in server.bodies[2:]]
    assert len(moments) == 3
    assert all(20 * 60 <= moment - started <= 26 * 60 for moment in moments)
    receipt = newsroom.json("receipt", ISSUE)
    assert datetime.fromisoformat(receipt["send_at"]).timestamp() == max(moments)
    assert numbers(newsroom.json("cancel", ISSUE, "--yes")) == {"accepted": 4, "excluded": 4}
    assert got(server) == readers


def test_a_receipt_adds_up_at_every_moment(newsroom: Newsroom, server: SendgridServer) -> None:
    readers = newsroom.prepare(ISSUE, readers=24)
    through_sendgrid(newsroom, server)
    server.pace = 0.5
    seen = set()
    with running(newsroom, "send", ISSUE, "--yes", "--json") as process:
        until(lambda: server.requests >= 1)
        while process.poll() is None:
            receipt = newsroom.json("receipt", ISSUE)
            counted = numbers(receipt)
            listed = receipt["addresses"]
            assert {state: len(rows) for state, rows in listed.items() if rows} == counted
            assert sorted(listed["accepted"] + listed["waiting"]) == readers
            seen.add(receipt["accepted"])
        said(process, 0)
    assert len(seen) > 2


def test_a_list_that_changed_much_is_asked_about(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=25)
    newsroom.run("send", ISSUE, "--yes")
    again(newsroom, NEXT, 34)
    question = "has 34 readers now; issue 2030-01-07 went to 25. That is 36% more. Is it right?"
    told = newsroom.run("send", NEXT, status=2).stderr
    assert question in told
    assert "Confirm with --yes" in told
    assert newsroom.json("send", NEXT, "--dry-run")["questions"][0].endswith(question)
    assert "was not sent" in newsroom.run("receipt", NEXT, status=1).stderr
    assert not (newsroom.folder / "outbox" / NEXT).exists()
    assert typed(newsroom, "n\n", "send", NEXT)[0] == 1
    assert not (newsroom.folder / "outbox" / NEXT).exists()
    status, shown = typed(newsroom, "y\ny\n", "send", NEXT)
    assert status == 0, shown
    assert "Is it right?" in shown
    assert len(list((newsroom.folder / "outbox" / NEXT).iterdir())) == 34


@pytest.mark.parametrize(("first", "then", "asked"), [(3, 9, False), (9, 30, True)])
def test_yes_says_what_changed_and_a_small_list_is_not_asked_about(
    newsroom: Newsroom, first: int, then: int, asked: bool
) -> None:
    newsroom.prepare(ISSUE, readers=first)
    newsroom.run("send", ISSUE, "--yes")
    again(newsroom, NEXT, then)
    told = newsroom.run("send", NEXT, "--yes").stderr
    assert ("went to 9. That is 233% more. Is it right?" in told) == asked
    assert len(list((newsroom.folder / "outbox" / NEXT).iterdir())) == then


def test_the_timetable_leaves_a_list_that_changed_much_to_a_person(newsroom: Newsroom) -> None:
    due = datetime.now(ZoneInfo("America/Los_Angeles")) - timedelta(minutes=30)
    before, issue = f"{due - timedelta(days=1):%Y-%m-%d}", f"{due:%Y-%m-%d}"
    newsroom.prepare(before, readers=25)
    newsroom.run("send", before, "--yes")
    again(newsroom, issue, 40)
    newsroom.configure(f'\n[schedule]\nsend = "mon-sun {due:%H:%M}"\ngather = "{due:%a} 00:01"\n')
    told = newsroom.run("tick").stdout
    assert "went to 25. That is 60% more. Is it right?" in told
    assert f"newsletter send {issue}" in told
    assert not (newsroom.folder / "outbox" / issue).exists()


def typed(room: Newsroom, keys: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal where somebody types; its status, and what it shows."""
    terminal, inside = pty.openpty()
    try:
        os.write(terminal, keys.encode())
        done = subprocess.run(
            [sys.executable, "-m", "newsletter.cli", "-C", str(room.folder), *arguments],
            env=room.whole_environment(),
            stdin=inside,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
        )
    finally:
        os.close(inside)
        os.close(terminal)
    return done.returncode, done.stdout


def again(room: Newsroom, issue: str, readers: int) -> None:
    """Another issue, of other stories, ready for so many readers."""
    room.write("feed.xml", feed([f"Story {number} of {issue}" for number in range(3)]))
    room.prepare(issue, readers)
