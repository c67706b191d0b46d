"""The clone guard: neither a restored database nor a copy of the folder sends anything twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.send_processes import (
    ISSUE,
    edit,
    got,
    numbers,
    running,
    said,
    through_sendgrid,
    until,
)
from tests.e2e.servers import SendgridServer
from tests.newsroom import Newsroom, feed

NEXT = "2030-01-14"


def save(room: Newsroom, path: Path) -> None:
    """A backup of the database, whole, as its tools make it."""
    path.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(room.folder / "newsletter.db")) as database,
        closing(sqlite3.connect(path)) as backup,
    ):
        database.backup(backup)


def restore(room: Newsroom, path: Path) -> None:
    for old in room.folder.glob("newsletter.db*"):
        old.unlink()
    shutil.copy(path, room.folder / "newsletter.db")


def last_sign(room: Newsroom, ago: timedelta) -> None:
    """As if the last sign of the installation that sends had been left so long ago."""
    ((value,),) = edit(room, "select value from facts where name like 'sends from:%'")
    seen = (datetime.now(UTC) - ago).isoformat()
    fact = json.dumps({**json.loads(str(value)), "seen": seen})
    edit(room, "update facts set value = ? where name like 'sends from:%'", fact)


def test_a_database_restored_from_before_the_send_sends_nothing(
    newsroom: Newsroom, server: SendgridServer, tmp_path: Path
) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    backup = tmp_path / "backup"
    save(newsroom, backup)
    newsroom.run("send", ISSUE, "--yes")
    restore(newsroom, backup)
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert f"2 requests were started for issue {ISSUE} here, and the database has none" in told
    assert "readers might get it twice" in told
    assert f"newsletter send {ISSUE} --take-over" in told
    newsroom.run("resume", ISSUE, status=1)
    assert got(server) == readers
    newsroom.write("feed.xml", feed(["A later story"]))  # nor is the next one sent from it
    newsroom.prepare(NEXT, readers=4)
    assert f"for issue {ISSUE}" in newsroom.run("send", NEXT, "--yes", status=1).stderr
    assert got(server) == readers
    receipt = newsroom.json("send", NEXT, "--yes", "--take-over")
    assert numbers(receipt) == {"accepted": 4}


def test_a_database_restored_from_the_middle_of_a_send_sends_nothing(
    newsroom: Newsroom, server: SendgridServer, tmp_path: Path
) -> None:
    readers = newsroom.prepare(ISSUE, readers=12)
    through_sendgrid(newsroom, server)
    server.pace = 0.3
    with running(newsroom, "send", ISSUE, "--yes") as process:
        until(lambda: server.requests >= 2)
        save(newsroom, tmp_path / "backup")
        said(process, 0)
    restore(newsroom, tmp_path / "backup")
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "6 requests were started" in told
    assert "the database has only" in told
    assert got(server) == readers


def test_a_deleted_database_sends_nothing_again(newsroom: Newsroom, server: SendgridServer) -> None:
    readers = newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    for old in newsroom.folder.glob("newsletter.db*"):
        old.unlink()
    assert newsroom.run("send", ISSUE, "--yes", status=1).stderr
    newsroom.subscribe(4)
    newsroom.run("approve", ISSUE)
    assert "the database has none of them" in newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert got(server) == readers


def test_a_copy_of_the_folder_sends_only_when_a_person_takes_over(
    newsroom: Newsroom, server: SendgridServer, tmp_path: Path
) -> None:
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    newsroom.write("feed.xml", feed(["A later story"]))
    newsroom.prepare(NEXT, readers=4)
    place = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(newsroom.folder, place)
    copy = Newsroom(place, newsroom.environment)
    for more in ((), ("--take-over",)):  # the other may be at it at this moment
        told = copy.run("send", NEXT, "--yes", *more, status=1).stderr
        assert "was last used to send from another installation" in told
        assert "or may be sending it now. Stop it there and wait 5 minutes" in told
    last_sign(copy, timedelta(minutes=6))
    assert "--take-over" in copy.run("send", NEXT, "--yes", status=1).stderr
    assert len(got(server)) == 4
    assert numbers(copy.json("send", NEXT, "--yes", "--take-over")) == {"accepted": 4}
    # From now on the copy is the one that sends from its database; the first has its own.
    assert "already sent" in copy.run("send", NEXT, "--yes").stderr
    assert len(got(server)) == 8


def test_who_cancels_from_a_copy_does_not_become_the_one_that_sends(
    newsroom: Newsroom, server: SendgridServer, tmp_path: Path
) -> None:
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    place = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(newsroom.folder, place)
    copy = Newsroom(place, newsroom.environment)
    assert numbers(copy.json("cancel", ISSUE, "--yes")) == {"excluded": 4}
    last_sign(copy, timedelta(minutes=6))
    told = copy.run("send", ISSUE, "--missing", "--yes", status=1).stderr
    assert "another installation" in told
    assert got(server) == []


def test_machines_that_carry_the_same_name_share_a_database(
    newsroom: Newsroom, server: SendgridServer, tmp_path: Path
) -> None:
    newsroom.environment["NEWSLETTER_INSTALLATION"] = "the desk"
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    place = tmp_path.parent / f"{tmp_path.name}-other"
    shutil.copytree(newsroom.folder, place)
    (place / "installation.json").unlink()
    url = f"sqlite:///{newsroom.folder}/newsletter.db"
    other = Newsroom(place, {**newsroom.environment, "DATABASE_URL": url})
    assert "already sent" in other.run("send", ISSUE, "--yes").stderr
    assert len(got(server)) == 4


def test_a_clock_that_is_behind_sends_nothing(newsroom: Newsroom, server: SendgridServer) -> None:
    newsroom.prepare(ISSUE, readers=4)
    through_sendgrid(newsroom, server)
    newsroom.run("send", ISSUE, "--yes")
    last_sign(newsroom, -timedelta(hours=2))
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "this machine's clock says" in told
    assert "which is before the last use of this database" in told


@pytest.mark.parametrize("broken", ["{", '{"requests": 7}', "[]", "\0\0\0"])
def test_damaged_evidence_sends_nothing(newsroom: Newsroom, broken: str) -> None:
    newsroom.prepare(ISSUE, readers=2)
    newsroom.write("installation.json", broken)
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "installation.json" in told
    assert "it is damaged" in told
    assert not (newsroom.folder / "outbox").exists()
    (newsroom.folder / "installation.json").unlink()
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 2}


def test_evidence_that_cannot_be_written_sends_nothing(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=2)
    (newsroom.folder / "installation.json").mkdir()
    told = newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert "which records what was sent from here, cannot be used" in told
    assert not (newsroom.folder / "outbox").exists()
    (newsroom.folder / "installation.json").rmdir()
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 2}
