"""What the tests of the archive share: a newsletter with issues that were sent, and its server."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx

from newsletter.app import open_desk
from newsletter.app.approval import approve
from newsletter.app.issue import build
from newsletter.app.readers import lists
from newsletter.app.send import plan
from newsletter.app.send import send as sending
from newsletter.app.setup.demo import ISSUE, NOW
from newsletter.model import IssueName
from tests import patient
from tests.e2e.send_processes import edit, running, until
from tests.e2e.servers import closed_port
from tests.golden.test_golden import KOREAN, ROOT
from tests.newsroom import Newsroom

BASE = "https://briefing.example.com"
READERS = {"ann@example.com": "Ann Secretname", "bob@example.com": "Bob Secretname"}
NEXT = IssueName(ISSUE.date + timedelta(days=7))  # has a folder, and was not sent
EARLIER = ("A second ferry to the island", "Rain at last for the hills", "시장 상인들의 여름")


@dataclass
class Archive:
    """``newsletter serve`` over a newsletter with issues that were sent."""

    room: Newsroom
    url: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return patient.get(self.url + path, headers=named)

    def until_shown(self, words: str, path: str) -> httpx.Response:
        """The page once it has the words: what is made is kept for a second."""
        until(lambda: words in self.get(path).text)
        return self.get(path)


def published(folder: Path, language: str = "en", earlier: int = len(EARLIER)) -> Newsroom:
    """The sample week, sent to two readers; ``earlier`` issues, sent by an older version; and the
    next issue, approved and not sent.
    """
    room = Newsroom(folder)
    for name in ("sample", "issues"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(ROOT / "issues" / str(ISSUE), folder / "issues" / str(NEXT))
    shutil.copyfile(ROOT / "newsletter.toml", folder / "newsletter.toml")
    if language == "ko":
        _in_korean(room)
    desk = open_desk(folder, lambda: NOW + timedelta(days=3))
    for address, name in READERS.items():
        lists.add(desk, address, name)
    build.build(desk, ISSUE)
    for issue in (ISSUE, NEXT):
        build.build(desk, issue)
        approve.approve(desk, issue)
    sending.send(desk, plan.plan(desk, ISSUE))
    desk.close()
    for weeks in range(1, earlier + 1):
        _sent_before(room, ISSUE.date - timedelta(weeks=weeks), EARLIER[(weeks - 1) % len(EARLIER)])
    return room


@contextlib.contextmanager
def serving(room: Newsroom) -> Iterator[Archive]:
    port = closed_port()
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return patient.get(f"{url}/robots.txt").status_code == 200
        return False

    with running(room, "serve", "--port", str(port)):
        until(up)
        yield Archive(room, url)


def _in_korean(room: Newsroom) -> None:
    room.write("newsletter.toml", KOREAN + "\n[schedule]\nmin_stories = 0\n")
    for issue in (ISSUE, NEXT):
        folder = room.folder / "issues" / str(issue)
        (folder / "note.md").write_text("중앙시장에서 보내는 편지.\n", encoding="utf-8")


def _sent_before(room: Newsroom, day: date, subject: str) -> None:
    """A send as older versions left it: nothing is kept of what it says but its mail."""
    (columns,) = zip(
        *((name,) for _, name, *_ in edit(room, "PRAGMA table_info(sends)") if name != "id"),
        strict=True,
    )
    changed = {"issue": f"'{day}'", "subject": f"'{subject}'", "created_at": f"'{day} 14:00:00'"}
    values = ", ".join(changed.get(str(name), str(name)) for name in columns)
    edit(
        room,
        f"INSERT INTO sends ({', '.join(map(str, columns))}) SELECT {values} FROM sends "
        f"WHERE issue = '{ISSUE}'",
    )
