"""An editor's work with the list: import, look, add, remove, erase, export."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.newsroom import Newsroom
from tests.patient import PATIENCE


def lists(
    newsroom: Newsroom, text: str, *options: str, name: str = "r.csv", status: int = 0
) -> str:
    """What an import of that text says, on both channels."""
    path = newsroom.write(name, text)
    done = newsroom.run("subscribers", "import", str(path), *options, status=status)
    return done.stdout + done.stderr


def words(newsroom: Newsroom) -> dict[str, str]:
    """Addresses → what they are, as exported."""
    rows = csv.reader(io.StringIO(newsroom.run("subscribers", "export").stdout))
    assert next(rows) == ["email", "name", "status"]
    return {email: status for email, _, status in rows}


def test_an_import_says_what_it_understood_and_what_it_did(newsroom: Newsroom) -> None:
    said = lists(
        newsroom,
        "Email;First name;Last name;Status\n"
        "a@example.com;Ada;A;subscribed\nb@example.com;B;B;unsubscribed\n"
        "c@example.com;C;C;cleaned\nA@EXAMPLE.COM;Ada;A;subscribed\n",
    )
    assert (
        "UTF-8, semicolons; addresses from “Email”; names from “First name” and “Last name”; "
        "statuses from “Status”." in said
    )
    assert "3 subscribers" in said
    assert "1 active, 1 unsubscribed, 1 bounced; 3 new" in said
    assert "1 line names a person again" in said
    assert words(newsroom) == {
        "a@example.com": "active", "b@example.com": "unsubscribed", "c@example.com": "bounced"
    }  # fmt: skip


def test_who_has_left_stays_so_and_it_is_said(newsroom: Newsroom) -> None:
    lists(newsroom, "email\na@example.com\nb@example.com\nc@example.com\n")
    newsroom.run("subscribers", "remove", "a@example.com", "--yes")
    newsroom.run("subscribers", "erase", "b@example.com", "--yes")
    said = lists(newsroom, "email\na@example.com\nb@example.com\nc@example.com\n")
    assert "1 person is active in the file but unsubscribed or suppressed here" in said
    assert "line 3: b@example.com: this address was erased" in said
    assert words(newsroom) == {"a@example.com": "unsubscribed", "c@example.com": "active"}


def test_a_file_for_each_state_as_mailchimp_has_it(newsroom: Newsroom) -> None:
    text = "Email Address,First Name\na@example.com,A\n"
    name = "cleaned_email_audience_export_1.csv"
    said = lists(newsroom, text, name=name, status=2)
    assert "--status bounced" in said
    assert words(newsroom) == {}
    lists(newsroom, text, "--status", "bounced", name=name)
    lists(newsroom, text, name="subscribed_email_audience_export_1.csv")
    assert words(newsroom) == {"a@example.com": "bounced"}
    assert "is not a status" in lists(newsroom, text, "--status", "gone", status=2)
    assert "names" in lists(newsroom, text + "b@example.com,B\n", "--status", "active", name=name)
    assert words(newsroom) == {"a@example.com": "bounced", "b@example.com": "active"}


def test_many_bad_lines_go_into_a_file(newsroom: Newsroom) -> None:
    text = "email\n" + "good@example.com\n" + "".join(f"=bad{n}\n" for n in range(30))
    said = lists(newsroom, text, status=1)
    assert "30 lines that cannot be used" in said
    assert "line 3: '=bad0' is not an address" in said
    assert "and 10 more" in said
    assert "import the other line with --skip-bad-lines" in said
    assert str(newsroom.folder / "r.refused.csv") in said
    lines = (newsroom.folder / "r.refused.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "line,reason"
    assert lines[-1].startswith("32,")
    assert len(lines) == 31
    nowhere = str(newsroom.folder / "none" / "report.csv")
    said = lists(newsroom, text, "--skip-bad-lines", "--report", nowhere, status=1)
    assert "Cannot write" in said
    mine = str(newsroom.folder / "r.csv")
    said = lists(newsroom, text, "--skip-bad-lines", "--report", mine, status=2)
    assert "would overwrite" in said
    assert (newsroom.folder / "r.csv").read_text() == text
    assert words(newsroom) == {}
    report = newsroom.folder / "report.csv"
    said = lists(newsroom, text, "--skip-bad-lines", "--report", str(report))
    assert "30 lines were rejected" in said
    assert said.count("is not an address") == 20
    assert len(report.read_text(encoding="utf-8").splitlines()) == 31
    assert words(newsroom) == {"good@example.com": "active"}


def test_refused_lines_for_programs(newsroom: Newsroom) -> None:
    path = str(
        newsroom.write("r.csv", "email,status\na@example.com,\nnonsense,\nb@example.com,?\n")
    )
    found = newsroom.json("subscribers", "import", path, status=1)
    assert found["imported"] == 0
    assert [line["line"] for line in found["refused"]] == [3, 4]
    found = newsroom.json("subscribers", "import", path, "--skip-bad-lines")
    assert found["imported"] == found["new"] == 1
    assert found["statuses"] == {"active": 1}
    assert [line["line"] for line in found["refused"]] == [3, 4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("email,name\n", "has a header but no people"),
        ("name\nAda\n", "no column of addresses"),
        ("ada@example.com\n", "must name the columns"),
        ("email\nada\n", "choose another file"),
        ("email,name\na@example.com,\"A\r\nBcc: x\"\n", "like a mail header"),
    ],
)  # fmt: skip
def test_files_that_nobody_can_be_imported_from(
    newsroom: Newsroom, text: str, expected: str
) -> None:
    assert expected in lists(newsroom, text, status=1)
    assert words(newsroom) == {}


def test_a_pipe_is_read_like_a_file(newsroom: Newsroom) -> None:
    newsroom.run("subscribers", "import", "/dev/stdin", typed="email;name\na@example.com;김서연\n")
    assert [p["name"] for p in newsroom.json("subscribers", "show")] == ["김서연"]


def test_what_is_exported_can_be_imported_elsewhere(newsroom: Newsroom, tmp_path: Path) -> None:
    lists(
        newsroom,
        'email,name,status\n=cmd@example.com,"=1+1",\nb@example.com,\'+B,unsubscribed\n'
        "c@example.com,@C,cleaned\nd@example.com,-D,pending\n",
    )
    first = newsroom.run("subscribers", "export").stdout
    cells = [cell for row in csv.reader(io.StringIO(first)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    other = Newsroom(tmp_path / "other")
    other.configure()
    lists(other, first)
    assert other.run("subscribers", "export").stdout == first
    assert {p["name"] for p in other.json("subscribers", "show")} == {"=1+1", "+B", "@C", "-D"}


def test_one_person_by_hand(newsroom: Newsroom) -> None:
    def run(*arguments: str) -> object:
        return newsroom.json("subscribers", *arguments)

    active = {"email": "ada@example.com", "status": "active"}
    assert run("add", "Ada@Example.com", "--name", "Ada") == active
    gone = {"email": "ada@example.com", "status": "unsubscribed"}
    assert run("remove", "ADA@example.com", "--yes") == gone
    assert run("add", "ada@example.com") == active
    lists(newsroom, "email,status\nada@example.com,bounced\n")
    said = newsroom.run("subscribers", "add", "ada@example.com", status=2).stderr
    assert "the address is suppressed (bounced)" in said
    assert "--again" in said
    assert run("add", "ada@example.com", "--again") == active
    assert words(newsroom) == {"ada@example.com": "active"}
    assert run("erase", "ada@example.com", "--yes") == {"email": "ada@example.com", "known": True}
    assert run("erase", "ada@example.com", "--yes") == {"email": "ada@example.com", "known": False}
    for again in ((), ("--again",)):
        said = newsroom.run("subscribers", "add", "ada@example.com", *again, status=2).stderr
        assert "never mailed again" in said
    said = newsroom.run(
        "subscribers", "add", "a@example.com", "--name", "A\x1b[0m", status=2
    ).stderr
    assert "control character" in said


def test_nothing_of_who_was_erased_stays_on_the_disk(newsroom: Newsroom) -> None:
    people = "".join(f"reader{n}@example.com,Name{n}\n" for n in range(300))
    lists(newsroom, f"email,name\n{people}gone-for-good@example.com,Vanishing Reader\n")
    (newsroom.folder / "r.csv").unlink()
    newsroom.run("subscribers", "erase", "gone-for-good@example.com", "--yes")
    files = [path for path in newsroom.folder.rglob("*") if path.is_file()]
    assert any(path.name == "newsletter.db" for path in files)
    for path in files:
        data = path.read_bytes()
        assert b"gone-for-good" not in data, path
        assert b"Vanishing" not in data, path


def test_on_a_terminal_a_long_import_shows_how_far_it_is(newsroom: Newsroom) -> None:
    lines = "".join(f"reader{number}@example.com,R\n" for number in range(60_000))
    path = newsroom.write("many.csv", f"email,name\n{lines}")
    ours, theirs = pty.openpty()
    command = (
        "-m",
        "newsletter.cli",
        "-C",
        str(newsroom.folder),
        "subscribers",
        "import",
        str(path),
    )
    with subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=newsroom.whole_environment() | {"TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += (piece := os.read(ours, 4096))
            except OSError:
                break
            if not piece:
                break
        assert process.wait(PATIENCE) == 0
    os.close(ours)
    text = shown.decode(errors="replace")
    assert "Reading many.csv" in text
    assert "Writing 60,000 people" in text
