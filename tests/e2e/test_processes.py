"""Every command in an interpreter of its own, and a fork that ends as one does.

Most tests fork the command line from a process that has imported everything. What that could hide
(a module that a command forgets to import, a program that does not end) shows here.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from newsletter.cli import app
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

ISSUE = "2030-01-07"
PROGRAM = Path(sys.executable).with_name("newsletter")
# The tests of these start an interpreter, too.
ELSEWHERE = {"run", "serve", "preview", "demo"}
OF_AN_ISSUE = f"""\
gather {ISSUE}
refresh {ISSUE}
build {ISSUE}
check {ISSUE}
test {ISSUE}
approve {ISSUE}
unapprove {ISSUE}
approve {ISSUE}
subscribers import readers.csv
send {ISSUE} --yes
receipt {ISSUE}
report {ISSUE} --html
bounces outbox
resume {ISSUE}
correct {ISSUE} --note Corrected
"""
OF_ITS_OWN = """\
init new --name New
subscribers add bob@example.com
subscribers remove bob@example.com --yes
subscribers erase bob@example.com --yes
subscribers export
subscribers show
schedule
status
tick
sources
rehearse --readers 20 --kills 0
"""
# Each says why not, which takes it as far as the database or the network.
REFUSED = f"""\
pause {ISSUE}
cancel {ISSUE} --yes
resolve 1 --as sent
reschedule {ISSUE} --back
sources add http://127.0.0.1:9/
migrate-database --to postgresql+psycopg://nobody@127.0.0.1:9/none
"""


def alone(room: Newsroom, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``newsletter`` as its people start it; what it covers is measured in the forks."""
    kept = room.whole_environment().items()
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=room.folder,
        env={name: value for name, value in kept if not name.startswith("COVERAGE_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(
    ("lines", "statuses"), [(OF_AN_ISSUE, {0}), (OF_ITS_OWN, {0}), (REFUSED, {1, 2})]
)
def test_every_command_in_an_interpreter_of_its_own(
    newsroom: Newsroom, lines: str, statuses: set[int]
) -> None:
    newsroom.write("readers.csv", "email,name\nada@example.com,Ada\n")
    for line in lines.splitlines():
        done = alone(newsroom, *line.split())
        said = f"{line}: {done.stdout}{done.stderr}"
        assert "Traceback" not in said
        assert "Something went wrong inside" not in said
        assert done.returncode in statuses, said


def test_no_command_is_left_out() -> None:
    tried = {line for lines in (OF_AN_ISSUE, OF_ITS_OWN, REFUSED) for line in lines.splitlines()}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = [f"{name} {each}" for each in getattr(command, "commands", {})]
        for each in inner or [name]:
            assert name in ELSEWHERE or any(f"{line} ".startswith(f"{each} ") for line in tried)


@pytest.mark.parametrize("arguments", [("schedule", "--from", "2025-07-04"), ("receipt",), ("no",)])
def test_a_fork_says_what_a_new_interpreter_says(
    newsroom: Newsroom, arguments: tuple[str, ...]
) -> None:
    new = alone(newsroom, *arguments)
    forked = newsroom.run(*arguments, status=new.returncode)
    assert (forked.stdout, forked.stderr) == (new.stdout, new.stderr)


def test_a_fork_ends_as_an_interpreter_does(newsroom: Newsroom) -> None:
    newsroom.configure('\n[provider]\ntype = "tests.faulty_providers:LingeringProvider"\n')
    newsroom.run("gather", ISSUE)
    newsroom.run("test", ISSUE)
    assert (newsroom.folder / "lingered").read_text() == "by a thread, then at the exit"


def test_a_setting_of_the_interpreter_asks_for_a_new_one(newsroom: Newsroom) -> None:
    newsroom.environment["PYTHONIOENCODING"] = "ascii"
    with pytest.raises(ValueError, match="PYTHONIOENCODING comes too late"):
        newsroom.run("status")
    assert alone(newsroom, "status").returncode == 0


def test_a_fork_stands_in_the_folder_of_the_test(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write("readers.csv", "email,name\nada@example.com,Ada\n")
    monkeypatch.chdir(newsroom.folder)
    newsroom.run("subscribers", "import", "readers.csv")
    assert [each["email"] for each in newsroom.json("subscribers", "show")] == ["ada@example.com"]
