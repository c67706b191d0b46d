"""kill -9 between every two steps of the week: it ends as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default
from functools import cache
from pathlib import Path

import pytest

from newsletter.app import open_desk
from newsletter.app.approval import approve
from newsletter.app.clock.tick import CHECKPOINTS, tick
from newsletter.app.desk import Desk
from newsletter.app.issue import build
from newsletter.app.readers import lists
from newsletter.app.send import receipts
from newsletter.app.send.delivery import SendObserver
from newsletter.deliver.job import CHECKPOINTS as DELIVERING
from newsletter.providers import faulty
from newsletter.store import occurrences
from newsletter.store.occurrences import OccurrenceState
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY
from tests.newsroom import Newsroom, addresses, feed
from tests.patient import PATIENCE

SUNDAY = MONDAY - timedelta(hours=13)
WEEK = {"gather": FRIDAY, "remind": SUNDAY, "deadline": SUNDAY + timedelta(hours=2), "send": MONDAY}
READERS = 6
MOMENT = ("moment claimed", "moment done", "moment settled")
ALERT = ("alert claimed", "alert left", "alert sent")
POINTS = {
    "gather": (*MOMENT, "gathered", "built", *ALERT),
    "remind": (*MOMENT, *ALERT),
    "deadline": (*MOMENT, *ALERT),
    "send": (*MOMENT, "planned", "frozen", "claimed", "started", "answered", "recorded"),
}
EVERY_KILL = [(kind, point) for kind, points in POINTS.items() for point in points]
# What the editor gets by the way in a week in which nobody approves before the deadline.
TEST, READY, LATE, HELD = (
    "[TEST] One",
    "The draft for Jul 7 is ready",
    "The issue of Jul 7 is not approved yet",
    "The issue of Jul 7 is held",
)
TOLD = {"gather": READY, "remind": LATE, "deadline": HELD}
_SETTINGS = """
[schedule]
gather = "fri 15:00"
remind = "sun 18:00"
deadline = "sun 20:00"
send = "mon 07:00"
[provider]
type = "faulty"
faults = 0
batch_size = 2
[database]
url = "{database}"
"""


class Week:
    """A newsroom, and processes that run ticks at times that the test chooses."""

    def __init__(self, folder: Path) -> None:
        self.room = Newsroom(folder)

    def begin(self, database: str) -> None:
        """A minute before the first moment: the readers join."""
        self.room.configure(_SETTINGS.format(database=database))
        self.room.write("feed.xml", feed(["One", "Two", "Three"], FRIDAY - timedelta(hours=2)))
        with_desk(self.room.folder, FRIDAY - timedelta(minutes=1), _join)

    def tick(self, at: datetime, observer: SendObserver | None = None) -> int | None:
        """Run a tick in a process of its own, which may be killed. Returns its exit status."""
        fork = multiprocessing.get_context("fork")
        process = fork.Process(
            target=with_desk, args=(self.room.folder, at, lambda desk: tick(desk, observer))
        )
        process.start()
        process.join(PATIENCE)
        return process.exitcode

    def mails(self) -> dict[str, Counter[str]]:
        """Every address with what it got, by subject."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for address, mail in faulty.mails(self.room.folder / "mailbox"):
            subject = message_from_bytes(mail, policy=default)["subject"]
            found[address][str(subject)] += 1
        return found


def with_desk(folder: Path, at: datetime, work: Callable[[Desk], object]) -> None:
    """Open the newsletter as if it were that moment; from there on time goes on."""
    start = time.monotonic()
    desk = open_desk(folder, lambda: at + timedelta(seconds=time.monotonic() - start))
    try:
        work(desk)
    finally:
        desk.close()


def _join(desk: Desk) -> None:
    for address in addresses(READERS):
        lists.add(desk, address, "")
    tick(desk)


def _approve(desk: Desk) -> None:
    build.build(desk, ISSUE)
    approve.approve(desk, ISSUE)


def deadly(point: str) -> SendObserver:
    """Who dies at that point."""

    def checkpoint(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return SendObserver(checkpoint=checkpoint)


def test_every_point_is_tried() -> None:
    recalls = {"recalling", "recalled"}  # tests/chaos/test_chaos.py: nothing is recalled here
    assert {point for _, point in EVERY_KILL} == {*CHECKPOINTS, *DELIVERING} - recalls


@pytest.mark.parametrize(("kind", "point"), EVERY_KILL)
def test_a_week_in_which_the_program_is_killed(kind: str, point: str, tmp_path: Path) -> None:
    week = Week(tmp_path)
    week.room.put(before(kind))
    play(week, kind, point)
    tests = 2 if (kind, point) == ("gather", "moment done") else 1
    told = dict.fromkeys(TOLD.values(), 1)
    if point == "alert left":  # an alert that is lost would be worse
        told[TOLD[kind]] = 2
    check(week, {TEST: tests, **told})


def test_a_week_on_another_database(database_url: str, tmp_path: Path) -> None:
    week = Week(tmp_path)
    week.begin(database_url)
    for moment in ("gather", "remind", "deadline"):
        pass_by(week, moment)
    play(week, "send", "answered")
    check(week, dict.fromkeys((TEST, *TOLD.values()), 1))


def play(week: Week, kind: str, point: str) -> None:
    """The rest of the week, from a moment at which somebody dies at that point."""
    moments = list(WEEK)
    at = WEEK[kind]
    assert week.tick(at, deadly(point)) == -signal.SIGKILL
    for minute in (3, 11):  # when no claim of a send, and of anything, is left
        assert week.tick(at + timedelta(minutes=minute)) == 0
    _approve_late(week, kind)
    for moment in moments[moments.index(kind) + 1 :]:
        pass_by(week, moment)


def pass_by(week: Week, moment: str) -> None:
    """A moment at which nobody dies."""
    assert week.tick(WEEK[moment]) == 0
    _approve_late(week, moment)


def _approve_late(week: Week, moment: str) -> None:
    """The editor approves an hour after the deadline."""
    if moment == "deadline":
        with_desk(week.room.folder, WEEK[moment] + timedelta(hours=1), _approve)


@cache
def before(kind: str) -> dict[Path, bytes]:
    """The newsroom as it is before that moment, on SQLite: the same in each of the weeks."""
    earlier = list(WEEK)[: list(WEEK).index(kind)]
    with tempfile.TemporaryDirectory() as folder:
        week = Week(Path(folder))
        if earlier:
            week.room.put(before(earlier[-1]))
            pass_by(week, earlier[-1])
        else:
            week.begin("sqlite:///newsletter.db")
        return week.room.files()


def check(week: Week, told: dict[str, int]) -> None:
    """Everybody once; the editor heard everything; each moment came to its end."""
    got = week.mails()
    assert got.pop("editor@example.com") == told
    assert {reader: mails.total() for reader, mails in got.items()} == dict.fromkeys(
        addresses(READERS), 1
    )
    ends = dict.fromkeys(WEEK, OccurrenceState.DONE) | {"deadline": OccurrenceState.HELD}
    found: list[object] = []

    def look(desk: Desk) -> None:
        receipt = receipts.receipt(desk, ISSUE)
        with desk.database.read() as connection:
            known = occurrences.recent(connection, desk.name)
        found.extend((receipt.accepted, receipt.eligible, {o.kind: o.state for o in known}))

    with_desk(week.room.folder, MONDAY + timedelta(hours=1), look)
    assert found == [READERS, READERS, ends]
