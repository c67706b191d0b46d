"""kill -9 between every two steps of the week: it ends as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from newsletter.app import editing, open_desk, people, receipts
from newsletter.app.delivering import Watch
from newsletter.app.desk import Desk
from newsletter.app.ticking import CHECKPOINTS, tick
from newsletter.deliver.job import CHECKPOINTS as DELIVERING
from newsletter.providers import faulty
from newsletter.store import occurrences
from newsletter.store.occurrences import State
from tests.newsroom import Newsroom, addresses, feed
from tests.office import FRIDAY, ISSUE, MONDAY

SUNDAY = MONDAY - timedelta(hours=13)
WEEK = {"gather": FRIDAY, "remind": SUNDAY, "deadline": SUNDAY + timedelta(hours=2), "send": MONDAY}
READERS = 6
MOMENT = ("moment claimed", "moment done", "moment settled")
POINTS = {
    "gather": (*MOMENT, "gathered", "built"),
    "remind": MOMENT,
    "deadline": MOMENT,
    "send": (*MOMENT, "planned", "frozen", "claimed", "started", "answered", "recorded"),
}
EVERY_KILL = [(kind, point) for kind, points in POINTS.items() for point in points]
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
    """A newsroom, and processes that look at its timetable at moments that the test chooses."""

    def __init__(self, folder: Path, database: str) -> None:
        self.room = Newsroom(folder)
        self.room.configure(_SETTINGS.format(database=database))
        self.room.write("feed.xml", feed(["One", "Two", "Three"], FRIDAY - timedelta(hours=2)))
        with_desk(folder, FRIDAY - timedelta(minutes=1), _join)

    def look(self, at: datetime, watch: Watch | None = None) -> int | None:
        """One look in a process of its own, which may be killed; its exit status."""
        fork = multiprocessing.get_context("fork")
        process = fork.Process(
            target=with_desk, args=(self.room.folder, at, lambda desk: tick(desk, watch))
        )
        process.start()
        process.join(60)
        return process.exitcode

    def looks(self, at: datetime) -> None:
        """Some of those that the service has in the quarter of an hour after that."""
        for minute in (1, 2, 3, 9, 11, 14):
            assert self.look(at + timedelta(minutes=minute)) == 0

    def mails(self) -> Counter[str]:
        return faulty.mailbox(self.room.folder / "mailbox")


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
        people.add(desk, address, "")
    tick(desk)


def _approve(desk: Desk) -> None:
    editing.build(desk, ISSUE)
    editing.approve(desk, ISSUE)


def deadly(point: str) -> Watch:
    """Who dies at that point."""

    def checkpoint(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    return Watch(checkpoint=checkpoint)


def test_every_point_is_tried() -> None:
    recalls = {"recalling", "recalled"}  # tests/chaos/test_chaos.py: nothing is recalled here
    assert {point for _, point in EVERY_KILL} == {*CHECKPOINTS, *DELIVERING} - recalls


@pytest.mark.parametrize(("kind", "point"), EVERY_KILL)
def test_a_week_in_which_the_program_is_killed(kind: str, point: str, tmp_path: Path) -> None:
    week = Week(tmp_path, "sqlite:///newsletter.db")
    for moment, at in WEEK.items():
        if moment == "remind":
            with_desk(tmp_path, at - timedelta(hours=1), _approve)
        if moment == kind:
            assert week.look(at, deadly(point)) == -signal.SIGKILL
            week.looks(at)
        else:
            assert week.look(at) == 0
    check(week, tests=2 if point in {"moment done", "built"} and kind == "gather" else 1)


def check(week: Week, tests: int) -> None:
    """Everybody once, the test not lost, everything done."""
    got = week.mails()
    assert {address: got[address] for address in addresses(READERS)} == dict.fromkeys(
        addresses(READERS), 1
    )
    assert 1 <= got["editor@example.com"] <= tests
    found: list[object] = []

    def look(desk: Desk) -> None:
        receipt = receipts.receipt(desk, ISSUE)
        with desk.database.read() as connection:
            known = occurrences.recent(connection, desk.name)
        found.extend([receipt.accepted, receipt.eligible, {(o.kind, o.state) for o in known}])

    with_desk(week.room.folder, MONDAY + timedelta(hours=1), look)
    assert found == [READERS, READERS, {(kind, State.DONE) for kind in WEEK}]
