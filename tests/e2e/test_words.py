"""What the program says to an editor is true, and leads on."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.newsroom import Newsroom
from tests.patient import PATIENCE

ISSUE = "2030-01-07"  # a Monday


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be made."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


def powerless(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``newsletter`` as somebody whom permissions bind, also where root runs the tests."""
    command = [sys.executable, "-m", "newsletter.cli", *arguments]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("Permissions bind root only with setpriv.")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)


@pytest.mark.parametrize("arguments", [("init", "{}"), ("-C", "{}", "demo")])
def test_a_folder_that_cannot_be_made_is_no_fault_of_the_program(
    sealed: Path, arguments: tuple[str, ...]
) -> None:
    new = str(sealed / "new")
    done = powerless(*(each.format(new) for each in arguments))
    assert done.returncode == 1
    assert f"Cannot create {new}: Permission denied. Choose another folder" in done.stderr


def test_a_database_that_is_read_only_says_so(newsroom: Newsroom) -> None:
    newsroom.run("subscribers", "add", "reader@example.com")
    database = newsroom.folder / "newsletter.db"
    database.chmod(0o400)
    done = powerless("-C", str(newsroom.folder), "subscribers", "add", "other@example.com")
    assert done.returncode == 1
    assert "cannot be written: attempt to write a readonly database" in done.stderr
    assert "permissions of its file and its folder" in done.stderr


def test_what_init_says_to_type_next_works_as_it_stands(newsroom: Newsroom) -> None:
    parent = newsroom.folder / "two words"
    parent.mkdir()
    said = Newsroom(parent).run("init", str(parent / "our week")).stdout
    assert f"cd '{parent / 'our week'}'\n" in said
    assert "  3. newsletter gather\n" in said
    drafted = Newsroom(parent / "our week").run("gather").stdout
    assert "Preview both with: newsletter preview 20" in drafted


@pytest.mark.parametrize("arguments", [("gather", "--since"), ("schedule", "--from")])
def test_a_day_that_is_none_is_called_a_day(newsroom: Newsroom, arguments: tuple[str, str]) -> None:
    command, option = arguments
    said = newsroom.run(command, option, "yesterday", status=2).stderr
    assert f"{option} 'yesterday' is not a day. Write it as year, month and day" in said


def test_an_issue_off_the_timetable_is_told_that_nothing_sends_it(newsroom: Newsroom) -> None:
    (monday,) = newsroom.json("schedule", "--next", "1", "--only", "send")
    day = str(date.fromisoformat(monday["issue"]) + timedelta(days=1))
    off = newsroom.run("gather", day).stderr
    assert f"The timetable has no issue {day}, so it is not sent by itself." in off
    assert f"newsletter send {day}" in off
    assert "timetable" not in newsroom.run("gather", monday["issue"]).stderr
    newsroom.run("reschedule", day, f"{day} 09:00")
    assert "timetable" not in newsroom.run("gather", day).stderr


def test_a_test_in_the_outbox_is_not_said_to_be_mailed(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    said = newsroom.run("test", ISSUE).stdout
    assert "is in outbox/tests, as editor@example.com would get it." in said
    assert len(list((newsroom.folder / "outbox" / "tests").glob("*.eml"))) == 1


def test_status_does_not_announce_what_was_sent_before_its_time(newsroom: Newsroom) -> None:
    issue = newsroom.json("gather")["issue"]
    coming = {each["issue"] for each in newsroom.json("status")["next"]}
    assert issue in coming
    newsroom.subscribe(2)
    newsroom.run("build", issue)
    newsroom.run("approve", issue)
    newsroom.run("send", issue, "--yes")
    after = newsroom.json("status")["next"]
    assert issue not in {each["issue"] for each in after}
    assert "send" in {each["kind"] for each in after}


def test_approving_after_the_send_says_that_it_changes_nothing(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    assert newsroom.run("approve", ISSUE).stderr == ""
    newsroom.run("send", ISSUE, "--yes")
    assert "nobody gets it again" in newsroom.run("approve", ISSUE).stderr
    assert "Its send has started and continues." in newsroom.run("unapprove", ISSUE).stderr


@pytest.mark.parametrize("command", ["receipt", "report", "pause", "resume", "cancel"])
def test_of_what_was_not_sent_there_is_nothing_to_see_or_to_stop(
    newsroom: Newsroom, command: str
) -> None:
    newsroom.run("gather", ISSUE)
    said = newsroom.run(command, ISSUE, status=1).stderr
    assert said == (
        f"newsletter: Issue {ISSUE} was not sent yet. Send it with: newsletter send {ISSUE}\n"
    )


def test_corrections_are_listed_in_the_newsletters_zone(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("send", ISSUE, "--yes")
    newsroom.run("correct", ISSUE, "--note", "The market is on Friday.")
    said = newsroom.run("correct", ISSUE, "--list").stdout
    assert any(f" {zone}: The market is on Friday." in said for zone in ("PST", "PDT"))
    links = "https://absent.example.com/", "https://there.example.com/"
    said = newsroom.run("correct", ISSUE, "--link", links[0], "--to", links[1], status=2).stderr
    assert said.endswith("Give it exactly as it is on the page now.\n")


def test_what_stops_an_approval_is_said_with_its_place(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    note = "Read [this](http://plain.example.com/)."
    newsroom.write(f"issues/{ISSUE}/note.md", note)
    newsroom.run("build", ISSUE)
    said = newsroom.run("approve", ISSUE, status=1).stderr
    assert "which is not https. [email.html, line " in said


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_a_port_that_cannot_be_is_refused(newsroom: Newsroom, port: str) -> None:
    newsroom.run("gather", ISSUE)
    done = newsroom.run("preview", ISSUE, "--no-open", "--port", port, status=2)
    assert "Invalid value for '--port'" in done.stderr


def test_help_swallows_no_words_and_says_which_issue_is_meant(newsroom: Newsroom) -> None:
    assert "Another address than the editor's." in newsroom.run("test", "--help").stdout
    for command in ("receipt", "report", "correct", "pause", "resume", "cancel"):
        said = newsroom.run(command, "--help").stdout
        assert "Default: the last issue sent" in " ".join(said.replace("│", "").split())


def test_ctrl_c_while_a_publisher_keeps_silent_is_answered(newsroom: Newsroom) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        here = f"127.0.0.1:{silent.getsockname()[1]}"
        newsroom.configure(
            f'[gather]\nallow_hosts = ["{here}"]\n',
            **{'path = "feed.xml"': f'url = "http://{here}/feed"'},
        )
        process = newsroom.start("gather", ISSUE)
        try:
            silent.settimeout(30)
            asked, _ = silent.accept()
            with asked:
                process.send_signal(signal.SIGINT)
                assert process.stderr
                said = process.stderr.readline()
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert said.startswith("Stopping after the open requests")
    assert not (newsroom.folder / "issues" / ISSUE).exists()


def test_a_report_of_the_outbox_says_that_nothing_was_mailed(newsroom: Newsroom) -> None:
    newsroom.prepare(ISSUE, readers=1)
    newsroom.run("send", ISSUE, "--yes")
    assert "the outbox writes files and sends no mail." in newsroom.run("report", ISSUE).stderr
    page = newsroom.run("report", ISSUE, "--html", "--to", "-").stdout
    assert "sends no mail." in page
    assert "`" not in page.partition("</style>")[2]
