"""Sends in trouble: nothing is lost, nobody gets it twice, and it goes on when that is mended."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import subprocess
import sys
import time
from email import message_from_bytes
from email.message import Message

import pytest

from tests.e2e.send_processes import (
    ISSUE,
    edit,
    got,
    kill_in_mid_request,
    leases_end,
    numbers,
    running,
    said,
    through_sendgrid,
    until,
)
from tests.e2e.servers import SendgridServer, hang
from tests.newsroom import Newsroom, feed
from tests.patient import PATIENCE

IMPATIENT = '[database]\nurl = "sqlite:///newsletter.db?timeout=1"\n'
LATER = "2030-01-14"


def outbox(room: Newsroom) -> list[Message]:
    return [message_from_bytes(f.read_bytes()) for f in (room.folder / "outbox" / ISSUE).iterdir()]


def test_a_wrong_key_is_said_and_the_send_goes_on_with_the_right_one(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    right, wrong = newsroom.environment["SENDGRID_API_KEY"], "SG.wrong-key-0123456789"
    newsroom.environment["SENDGRID_API_KEY"] = wrong
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "Check SENDGRID_API_KEY" in told
    assert wrong not in told
    assert numbers(newsroom.json("receipt", ISSUE)) == {"waiting": 4}
    newsroom.environment["SENDGRID_API_KEY"] = right
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 4}
    assert got(server) == readers


def test_nothing_gets_into_a_header_by_a_name_or_a_subject(newsroom: Newsroom) -> None:
    evil = "Eve\r\nBcc: all@example.com\r\n\r\nBuy"
    readers = newsroom.prepare(ISSUE, readers=3)
    issue = newsroom.folder / "issues" / ISSUE / "issue.toml"
    good = issue.read_text()
    issue.write_text(good.replace('"First story"', '"Hello\\r\\nBcc: all@example.com"', 1))
    newsroom.run("build", ISSUE)
    for command in ("approve", ISSUE), ("send", ISSUE, "--yes"):
        assert "line break" in newsroom.run(*command, status=1).stderr
    assert not (newsroom.folder / "outbox").exists()
    issue.write_text(good)
    newsroom.run("build", ISSUE)
    add = ("subscribers", "add", "eve@example.com", "--name", evil)
    assert "like a mail header" in newsroom.run(*add, status=2).stderr
    edit(newsroom, "update subscribers set name = ? where email = ?", evil, readers[0])
    edit(newsroom, "update subscribers set name = ? where email = ?", "\x00\x1b[2J", readers[1])
    done = newsroom.run("send", ISSUE, "--yes")
    assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 1, "rejected": 2}
    assert "\x1b" not in done.stdout + done.stderr
    mails = outbox(newsroom)
    assert [mail["To"] for mail in mails] == [readers[2]]
    for mail in mails:
        assert mail["Bcc"] is None
        assert len(mail.get_all("To", [])) == len(mail.get_all("Subject", [])) == 1


def test_hostile_names_reach_sendgrid_in_one_line_or_not_at_all(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=3)
    through_sendgrid(newsroom, server)
    edit(
        newsroom, "update subscribers set name = ? where email = ?", "E\r\nBcc: a@b.co", readers[0]
    )
    receipt = newsroom.json("send", ISSUE, "--yes")
    assert server.violations == []
    assert set(got(server)) >= set(readers[1:])
    for mail in server.mails():
        assert not set("\r\n") & set(mail.name + mail.subject + "".join(mail.headers.values()))
    assert numbers(receipt)["accepted"] == len(got(server))


def test_an_empty_list_sends_nothing(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("subscribers", "remove", "reader0001@example.com", "--yes")
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "has no active subscribers" in told
    assert "newsletter subscribers import FILE" in told
    assert "was not sent" in newsroom.run("receipt", ISSUE, status=1).stderr


@pytest.mark.long
def test_a_disk_that_is_full_in_mid_send(newsroom: Newsroom, server: SendgridServer) -> None:
    """No file may grow beyond a size, as on a disk without room."""
    readers = newsroom.prepare(ISSUE, readers=60)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--dry-run")
    most = (newsroom.folder / "newsletter.db").stat().st_size + 120_000

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    done = subprocess.run(
        [sys.executable, "-m", "newsletter.cli", "-C", str(newsroom.folder), "send", ISSUE, "-y"],
        env=newsroom.whole_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        preexec_fn=small_disk,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Everything written so far is safe. Check that" in done.stderr
    assert 0 < server.requests < 30
    leases_end(newsroom)
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 60}
    assert got(server) == readers


def test_a_database_that_another_program_holds(newsroom: Newsroom, server: SendgridServer) -> None:
    readers = newsroom.prepare(ISSUE, readers=20)
    through_sendgrid(newsroom, server, more=IMPATIENT)
    database = newsroom.folder / "newsletter.db"
    with contextlib.closing(sqlite3.connect(database)) as busy:
        busy.execute("begin immediate")
        told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
        assert "database is locked" in told
        assert "no other program has locked it" in told
    server.pace = 0.3
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 2)
        with contextlib.closing(sqlite3.connect(database, timeout=PATIENCE)) as busy:
            busy.execute("begin immediate")
            time.sleep(2.5)  # longer than its patience
            busy.rollback()
        process.communicate(timeout=PATIENCE)
    server.pace = 0
    leases_end(newsroom)
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 20}
    assert got(server) == readers


def test_what_only_reads_is_done_while_another_program_writes(newsroom: Newsroom) -> None:
    newsroom.configure('\n[database]\nurl = "sqlite:///newsletter.db?timeout=0.1"\n')
    newsroom.prepare(ISSUE)
    newsroom.run("send", ISSUE, "--yes")
    newsroom.write("feed.xml", feed(["Seven", "Eight", "Nine", "Ten"]))
    for command in ("gather", "build", "approve"):
        newsroom.run(command, LATER)
    with contextlib.closing(sqlite3.connect(newsroom.folder / "newsletter.db")) as other:
        other.execute("begin immediate")
        newsroom.run("unapprove", LATER, status=1)
        for arguments in (
            *(("gather", ISSUE), ("gather", LATER), ("build", LATER), ("check", LATER)),
            *(("test", LATER), ("send", LATER, "--dry-run"), ("status",), ("schedule",)),
            *(("receipt", ISSUE), ("receipt", ISSUE, "--json"), ("report", ISSUE), ("sources",)),
            *(("correct", ISSUE, "--list"), ("subscribers", "show"), ("subscribers", "export")),
        ):
            newsroom.run(*arguments)


def test_a_database_that_is_moved_in_mid_send_and_comes_back(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    readers = newsroom.prepare(ISSUE, readers=20)
    through_sendgrid(newsroom, server)
    server.pace = 0.3
    elsewhere = newsroom.folder / "elsewhere"
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 2)
        elsewhere.mkdir()
        for file in newsroom.folder.glob("newsletter.db*"):
            file.rename(elsewhere / file.name)
        assert "Traceback" not in "".join(process.communicate(timeout=PATIENCE))
    for file in newsroom.folder.glob("newsletter.db*"):
        file.unlink()
    assert newsroom.run("send", ISSUE, "--yes", status=1).stderr.startswith("newsletter: ")
    for file in newsroom.folder.glob("newsletter.db*"):
        file.unlink()
    for file in elsewhere.iterdir():
        file.rename(newsroom.folder / file.name)
    leases_end(newsroom)
    server.pace = 0
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 20}
    assert got(server) == readers


def test_a_database_that_is_deleted_after_a_kill(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    """Its log is left behind; a new database must not be taken for the old one."""
    newsroom.prepare(ISSUE, readers=6)
    through_sendgrid(newsroom, server)
    server.script = {2: hang()}
    with contextlib.suppress(sqlite3.OperationalError):
        kill_in_mid_request(newsroom, server, 2)
    before = got(server)
    (newsroom.folder / "newsletter.db").unlink()
    assert newsroom.run("send", ISSUE, "--yes", status=1).stderr.startswith("newsletter: ")
    assert got(server) == before


def test_a_command_that_is_stopped_says_so(newsroom: Newsroom, server: SendgridServer) -> None:
    """SIGTERM before the first request: nothing has gone, and it can be sent."""
    readers = newsroom.prepare(ISSUE, readers=2)
    through_sendgrid(newsroom, server)
    with running(newsroom, "send", ISSUE, "--yes") as process:
        process.terminate()
        said(process, -15)
    assert got(server) == []
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 2}
    assert got(server) == readers
