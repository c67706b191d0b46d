"""Which saves the preview notices."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

from newsletter.model import IssueName
from newsletter.web.preview.file_changes import IssueFiles, changes
from tests.patient import PATIENCE

Step = tuple[Callable[[], object], str]


def noticed(root: Path, *steps: Step) -> set[str]:
    """Do one step after the other, each when the file of the one before was noticed."""

    async def watch() -> set[str]:
        stop = asyncio.Event()
        watched = IssueFiles.of(root, IssueName(date(2025, 7, 7)))
        turns = changes(lambda: watched, watched.files(), stop)
        every: set[str] = set()
        for step, expected in steps:
            found: set[str] = set()
            waiting = asyncio.ensure_future(anext(turns))
            await asyncio.sleep(0.1)  # until it watches
            step()
            while expected not in found:
                changed = await asyncio.wait_for(waiting, PATIENCE)
                found |= {path.relative_to(root.resolve()).as_posix() for path in changed}
                if expected not in found:
                    waiting = asyncio.ensure_future(anext(turns))
            every |= found
        stop.set()
        assert [turn async for turn in turns] == []
        return every

    return asyncio.run(watch())


def test_saves_are_noticed_where_folders_come_and_go(tmp_path: Path) -> None:
    issue = tmp_path / "issues" / "2025-07-07"
    issue.mkdir(parents=True)
    (issue / "note.md").write_text("a")
    (issue / "build").mkdir()

    def others_too() -> None:
        (issue / "build" / "email.html").write_text("x")
        (issue / ".note.md.swp").write_text("x")
        (tmp_path / "newsletter.db").write_text("x")
        (issue / "issue.toml").write_text("x")

    def first_picture() -> None:
        (issue / "images").mkdir()
        (issue / "images" / "a.png").write_text("x")

    def first_template() -> None:
        (tmp_path / "templates" / "weekly").mkdir(parents=True)
        (tmp_path / "templates" / "weekly" / "a.css").write_text("x")

    def another_branch() -> None:
        shutil.rmtree(issue)
        issue.mkdir()
        (issue / "gathered.json").write_text("of another branch")

    found = noticed(
        tmp_path,
        (others_too, "issues/2025-07-07/issue.toml"),
        (first_picture, "issues/2025-07-07/images/a.png"),
        (lambda: (issue / "images" / "b.png").write_text("x"), "issues/2025-07-07/images/b.png"),
        (first_template, "templates/weekly/a.css"),
        (lambda: (tmp_path / "templates/weekly/b.css").write_text("x"), "templates/weekly/b.css"),
        (another_branch, "issues/2025-07-07/gathered.json"),
        (lambda: (issue / "note.md").write_text("c"), "issues/2025-07-07/note.md"),
        (lambda: (tmp_path / "newsletter.toml").write_text("x"), "newsletter.toml"),
    )
    assert not {path for path in found if path.endswith((".swp", ".db", ".html"))}


def test_another_portrait_is_watched_once_the_configuration_names_it(tmp_path: Path) -> None:
    (tmp_path / "issues" / "2025-07-07").mkdir(parents=True)
    (tmp_path / "newsletter.toml").write_text("picture = 'new.png'")
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "new.png").write_text("x")
    names = ["old.png"]

    def named() -> IssueFiles:
        return IssueFiles.of(tmp_path, IssueName(date(2025, 7, 7)), names[-1])

    async def watch() -> list[set[Path]]:
        stop = asyncio.Event()
        turns = changes(named, named().files(), stop)
        found = []
        for step in (
            lambda: names.append("desk/new.png"),
            lambda: (tmp_path / "desk" / "new.png").write_text("another"),
        ):
            waiting = asyncio.ensure_future(anext(turns))
            await asyncio.sleep(0.1)
            step()
            found.append(await asyncio.wait_for(waiting, PATIENCE))
        stop.set()
        assert [turn async for turn in turns] == []
        return found

    portrait = (tmp_path / "desk" / "new.png").resolve()
    assert asyncio.run(watch()) == [{portrait}, {portrait}]


def test_folders_that_go_while_they_are_looked_at_stop_nothing(tmp_path: Path) -> None:
    """As when git takes out another branch."""
    (tmp_path / "issues" / "2025-07-07").mkdir(parents=True)
    look = tmp_path / "templates" / "weekly"
    watched = IssueFiles.of(tmp_path, IssueName(date(2025, 7, 7)))
    rounds = 12

    def come_and_go() -> None:
        for _ in range(rounds):
            for number in range(60):
                (look / str(number)).mkdir(parents=True)
            shutil.rmtree(look)

    going = threading.Thread(target=come_and_go)
    going.start()
    while going.is_alive():
        watched.files()
        watched.folders()
    going.join()
    assert look not in watched.folders()
