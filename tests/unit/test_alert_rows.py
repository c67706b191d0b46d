"""Alerts in the database: each told once, in one process's hands, and tried again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from newsletter.model import IssueName
from newsletter.store import Database, alerts, approvals
from newsletter.store.alerts import Alert

NOW = datetime(2025, 7, 7, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def tell(database: Database, key: str = "a", newsletter: str = "W", kind: str = "held") -> bool:
    with database.begin() as connection:
        return alerts.add(
            connection, newsletter, kind, key, IssueName.parse("2025-07-07"), f"of {key}", NOW
        )


def claim(database: Database, now: datetime = NOW, newsletter: str = "W") -> list[Alert]:
    with database.begin() as connection:
        due = alerts.has_due(connection, newsletter, now)
        found = alerts.claim(connection, newsletter, now)
    assert due == bool(found)
    return found


def test_each_thing_is_told_once(database: Database) -> None:
    assert tell(database)
    assert not tell(database)
    assert tell(database, "b")
    assert tell(database, kind="paused")
    assert tell(database, newsletter="Another")
    found = claim(database)
    assert [(a.kind, a.text, a.tries) for a in found] == [
        ("held", "of a", 1), ("held", "of b", 1), ("paused", "of a", 1),
    ]  # fmt: skip
    assert claim(database) == []
    with database.begin() as connection:
        assert alerts.exists(connection, "W", "held", "b")
        assert not alerts.exists(connection, "Another", "held", "b")


def test_what_fails_is_tried_again_after_growing_pauses_and_given_up_one_day(
    database: Database,
) -> None:
    tell(database)
    moments, now = [], NOW
    while found := claim(database, now):
        moments.append(now)
        with database.begin() as connection:
            alerts.mark_failed(connection, found, now, "no answer")
            assert [u.reason for u in alerts.unsent(connection, "W", now)] == ["no answer"]
        while not claim_is_due(database, now) and now < NOW + timedelta(days=4):
            now += MINUTE if len(moments) < 7 else 30 * MINUTE
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses[:7] == [MINUTE * n for n in (1, 2, 4, 8, 16, 32, 60)]
    assert set(pauses[6:]) == {timedelta(hours=1)}
    assert moments[-1] > NOW + timedelta(days=2, hours=22)


def test_a_pause_that_a_clock_ahead_has_given_ends(database: Database) -> None:
    tell(database)
    ahead = NOW + timedelta(days=2)
    found = claim(database, ahead)
    with database.begin() as connection:
        alerts.mark_failed(connection, found, ahead, "no answer")
    assert [alert.text for alert in claim(database, NOW + MINUTE)] == ["of a"]


def claim_is_due(database: Database, now: datetime) -> bool:
    with database.read() as connection:
        return alerts.has_due(connection, "W", now)


def test_who_dies_while_sending_leaves_it_to_the_next(database: Database) -> None:
    tell(database)
    (first,) = claim(database)
    with database.begin() as connection:
        alerts.mark_mailed(connection, [first.id], NOW)
    assert claim(database, NOW + alerts.LEASE - MINUTE) == []
    (second,) = claim(database, NOW + alerts.LEASE)
    assert (second.mailed, second.posted, second.tries) == (True, False, 2)
    with database.begin() as connection:
        alerts.mark_posted(connection, [second.id], NOW)
        alerts.mark_done(connection, [second.id], NOW)
    assert claim(database, NOW + timedelta(hours=2)) == []


def test_many_at_once_tell_and_take_each_once(database: Database) -> None:
    with ThreadPoolExecutor(4) as crew:
        told = list(crew.map(lambda n: tell(database, f"k{n % 5}"), range(20)))
        assert sum(told) == 5
        taken = [
            a.id for found in crew.map(lambda _: claim_some(database), range(8)) for a in found
        ]
    assert len(taken) == len(set(taken)) == 5


def claim_some(database: Database) -> list[Alert]:
    with database.begin() as connection:
        return alerts.claim(connection, "W", NOW)


def test_a_link_is_used_up_once_however_many_bring_it(database: Database) -> None:
    def use(_: int) -> bool:
        with database.begin() as connection:
            return approvals.use_link(connection, "n1", NOW)

    with ThreadPoolExecutor(4) as crew:
        assert sum(crew.map(use, range(8))) == 1
    with database.begin() as connection:
        assert approvals.is_link_used(connection, "n1")
        assert not approvals.is_link_used(connection, "n2")
