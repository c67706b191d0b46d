"""Files of an issue that cannot be read: one clear sentence names the file and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.preview_process import ISSUE as SHOWN
from tests.e2e.preview_process import Preview
from tests.e2e.send_processes import ISSUE, until
from tests.newsroom import Newsroom, feed


def in_another_encoding(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"subject", b"# caf\xe9\nsubject", 1))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def changed(*place: str | int, to: object) -> Callable[[Path], None]:
    """What is at that place in the JSON document becomes ``to``."""

    def change(path: Path) -> None:
        value = document = json.loads(path.read_text())
        for key in place[:-1]:
            value = value[key]
        value[place[-1]] = to
        path.write_text(json.dumps(document))

    return change


ISSUE_TOML = [
    (in_another_encoding, ["is not UTF-8 text", "Save the file as UTF-8."]),
    (a_folder, ["cannot be read: Is a directory"]),
]
GATHERED = [
    (a_folder, ["cannot be read: Is a directory", "permissions"]),
    (half, ["is damaged", "restore it from git, or delete it and gather again"]),
    (lambda path: path.write_bytes(b"\xff"), ["is damaged", "gather again"]),
    (lambda path: path.write_text("[]"), ["is damaged", "gather again"]),
    (lambda path: path.write_text("[" * 100_000), ["is damaged", "gather again"]),
    (changed("articles", to={"id": "x"}), ["is damaged", "gather again"]),
    (changed("articles", 0, "title", to=["a"]), ["is damaged", "title", "gather again"]),
    (changed("articles", 0, "authors", to="Sam"), ["is damaged", "authors", "gather again"]),
    (changed("articles", 0, "url", to=3), ["is damaged", "url", "gather again"]),
    (changed("window", "end", to="2025-07-07T00:00:00"), ["is damaged", "gather again"]),
    (changed("window", "end", to=5), ["is damaged", "gather again"]),
    (changed("sources", 0, "status", to="fine"), ["is damaged", "gather again"]),
    (changed("sources", 0, "articles", to="many"), ["is damaged", "gather again"]),
    (changed("dateline", to={"temperature": "hot"}), ["is damaged", "gather again"]),
    (changed("editor", to={"name": "Robin"}), ["is damaged", "gather again"]),
]
FAULTS = [("issue.toml", *fault) for fault in ISSUE_TOML]
FAULTS += [("gathered.json", *fault) for fault in GATHERED]


@pytest.mark.parametrize(("name", "damage", "parts"), FAULTS, ids=range(len(FAULTS)))
def test_every_command_says_what_is_wrong_and_what_to_do(
    newsroom: Newsroom, name: str, damage: Callable[[Path], None], parts: list[str]
) -> None:
    newsroom.prepare(ISSUE, readers=1)
    path = newsroom.folder / "issues" / ISSUE / name
    damage(path)
    for command in (("gather", ISSUE), ("build", ISSUE), ("check", ISSUE), ("approve", ISSUE)):
        failed = newsroom.run(*command, status=1)
        assert failed.stdout == ""
        (line,) = (line for line in failed.stderr.splitlines() if line.startswith("newsletter: "))
        for part in (f"issues/{ISSUE}/{name}", *parts):
            assert part in line, line


@pytest.mark.parametrize(("name", "damage", "parts"), [FAULTS[0], FAULTS[2]], ids=range(2))
def test_status_says_what_is_wrong_with_the_next_issue(
    newsroom: Newsroom, name: str, damage: Callable[[Path], None], parts: list[str]
) -> None:
    newsroom.write("feed.xml", feed(["First story"]))
    newsroom.run("gather")
    (folder,) = (newsroom.folder / "issues").iterdir()
    damage(folder / name)
    waiting = newsroom.json("status")["waiting"]
    assert [line for line in waiting if all(part in line for part in (name, *parts))]


@pytest.mark.parametrize("name", ["issue.toml", "gathered.json"])
def test_the_preview_says_it_too_and_goes_on(busy: Preview, name: str) -> None:
    path = busy.room.folder / "issues" / SHOWN / name
    good = path.read_bytes()
    path.write_bytes(b"\xe9" + good)
    until(lambda: busy.get("/state.json").json()["error"] is not None)
    error = busy.get("/state.json").json()["error"]
    assert name in error
    assert {"issue.toml": "UTF-8", "gathered.json": "gather again"}[name] in error
    path.write_bytes(good)
    until(lambda: busy.get("/state.json").json()["error"] is None)
