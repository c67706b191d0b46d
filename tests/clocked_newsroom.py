"""A newsroom whose clock the test sets: its timetable at work, with a real database and outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from newsletter.app import open_desk
from newsletter.app.approval import approve
from newsletter.app.clock.status import overview
from newsletter.app.clock.tick import MomentResult, tick
from newsletter.app.desk import Desk
from newsletter.app.issue import build
from newsletter.app.readers import lists
from newsletter.model import IssueName
from tests.newsroom import Newsroom, feed

LA = ZoneInfo("America/Los_Angeles")
FRIDAY = datetime(2025, 7, 4, 15, 0, tzinfo=LA)
MONDAY = datetime(2025, 7, 7, 7, 0, tzinfo=LA)
ISSUE = IssueName(MONDAY.date())


class Office:
    """A newsroom with a clock that the test sets."""

    def __init__(self, folder: Path, schedule: str = "") -> None:
        self.now = FRIDAY - timedelta(minutes=1)
        self._opened: list[Desk] = []
        self.room = Newsroom(folder)
        self.room.configure(f"\n[schedule]\n{schedule}\n")
        self.room.write("feed.xml", feed(["One", "Two", "Three"], FRIDAY - timedelta(hours=2)))
        self.desk = self.open()
        lists.add(self.desk, "reader@example.com", "")

    def open(self) -> Desk:
        self._opened.append(open_desk(self.room.folder, lambda: self.now))
        return self._opened[-1]

    def close(self) -> None:
        for desk in self._opened:
            desk.close()

    def tick(self, at: datetime | None = None) -> list[tuple[str, str, str]]:
        self.now = at or self.now
        self.last: list[MomentResult] = tick(self.desk)
        return [(done.kind, str(done.issue), done.state.value) for done in self.last]

    def reopen(self, schedule: str) -> None:
        """Go on under another timetable."""
        self.desk.close()
        self.room.configure(f"\n[schedule]\n{schedule}\n")
        self.desk = self.open()

    def approve(self, issue: IssueName = ISSUE) -> None:
        build.build(self.desk, issue)
        approve.approve(self.desk, issue)

    def waiting(self) -> str:
        """What waits for a person, as ``status`` says it."""
        return "\n".join(overview(self.desk).waiting)

    def mails(self, folder: str = str(ISSUE)) -> int:
        return len(list((self.room.folder / "outbox" / folder).glob("*.eml")))


Offices = Callable[..., Office]
