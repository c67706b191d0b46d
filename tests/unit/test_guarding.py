"""The clone guard beside a send that is under way, and after older issues."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from newsletter import installation
from newsletter.app.desk import Desk, open_desk
from newsletter.app.send import clone_guard, plan
from newsletter.errors import NotReadyError
from newsletter.model import IssueName
from newsletter.store import ledger
from newsletter.store.sends import FrozenSend
from tests import ledgers, newsroom
from tests.ledgers import NOW, freeze

ISSUE = IssueName(date(2025, 7, 7))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    room = newsroom.make(tmp_path)
    room.configure(**{'"The Weekly Test"': '"N"'})
    opened = open_desk(tmp_path)
    yield opened
    opened.close()


def begin(desk: Desk, send: FrozenSend, *, witnessed: bool = True) -> None:
    """What a process does before the first byte of a request."""
    with desk.database.begin() as connection:
        claim = ledgers.claim(connection, send)
        assert claim
        begun = ledger.start(connection, claim, NOW)
        assert begun
    if witnessed:
        installation.record(desk.folder, send.issue, begun)


def test_a_second_process_is_not_taken_for_one_with_an_older_database(desk: Desk) -> None:
    send = freeze(desk.database, 600, batch_size=1)
    stop = threading.Event()

    def other() -> None:
        for _ in range(600):
            if stop.is_set():
                return
            begin(desk, send)

    process = threading.Thread(target=other)
    process.start()
    try:
        while process.is_alive():
            assert plan.plan(desk, ISSUE).frozen
    finally:
        stop.set()
        process.join()


def test_a_database_that_lacks_an_older_issue_asks_too(desk: Desk) -> None:
    send = freeze(desk.database, 2)
    begin(desk, send)
    clone_guard.check(desk, IssueName.parse("2025-07-14"))
    installation.record(desk.folder, IssueName.parse("2025-06-30"), 3)
    with pytest.raises(NotReadyError, match="3 requests were started for issue 2025-06-30 here"):
        clone_guard.check(desk, IssueName.parse("2025-07-14"))
    clone_guard.check(desk, IssueName.parse("2025-07-14"), take_over=True)
    clone_guard.check(desk, IssueName.parse("2025-07-14"))


def test_an_older_issue_under_another_name_is_known(desk: Desk) -> None:
    send = freeze(desk.database, 2, name="before")
    begin(desk, send)
    clone_guard.check(desk, IssueName.parse("2025-07-14"))
    with pytest.raises(NotReadyError, match="1 request was started"):
        clone_guard.check(desk, IssueName.parse("2025-07-07"))


def test_a_clock_that_is_behind_asks(desk: Desk) -> None:
    clone_guard.record_use(desk)
    behind = Desk(desk.config, lambda: desk.clock() - timedelta(hours=1))
    with pytest.raises(NotReadyError, match="which is before the last use"):
        clone_guard.check(behind, IssueName.parse("2025-07-07"))
    behind.close()
