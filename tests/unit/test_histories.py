"""What becomes of a reader by what is reported of them, in one order and in the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import bindparam, text

from newsletter.model import Event, EventKind
from newsletter.store import Database, open_database
from newsletter.store.column_types import Moment
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE, UNSUBSCRIBED
from tests.ledgers import NOW
from tests.provider_events import delivered, event, hard, mailed, read, soft, words

WEEK = timedelta(weeks=1)
DAYS = [(NOW + n * WEEK).date().isoformat() for n in range(6)]


def complained(database: Database, send_id: int) -> Event:
    return event(database, send_id, EventKind.COMPLAINED)


def left(database: Database, send_id: int) -> Event:
    return event(database, send_id, EventKind.UNSUBSCRIBED)


def dropped(database: Database, send_id: int) -> Event:
    return event(database, send_id, EventKind.DROPPED)


def deferred(database: Database, send_id: int) -> Event:
    return event(database, send_id, EventKind.DEFERRED)


KINDS: dict[str, Callable[[Database, int], Event]] = {
    "D": delivered, "S": soft, "H": hard, "C": complained, "L": left, "x": dropped, "w": deferred,
}  # fmt: skip


@pytest.fixture(scope="module")
def issues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, list[int]]]:
    """Six issues, a week apart, that r0@… and r1@… were mailed."""
    database = open_database("sqlite:///test.db", tmp_path_factory.mktemp("histories"))
    yield database, [mailed(database, day, NOW + n * WEEK) for n, day in enumerate(DAYS)]
    database.close()


def outcome(issues: tuple[Database, list[int]], history: str) -> str:
    """What r0 is after "3S 1D …": the number of the issue, and what is reported of it."""
    database, sends = issues
    _forget(database)
    for word in history.split():
        read(database, [KINDS[word[1]](database, sends[int(word[0]) - 1])], NOW + 7 * WEEK)
    state = words(database)
    assert state["r1"] == "active"
    return state["r0"]


def _forget(database: Database) -> None:
    with database.begin() as connection:
        for statement in (
            "delete from events",
            "delete from suppressions",
            "update deliveries set reported = null, reported_at = null",
        ):
            connection.execute(text(statement))
        connection.execute(
            text("update subscriptions set status = 'active', changed_at = :now").bindparams(
                bindparam("now", NOW, Moment)
            )
        )


@pytest.mark.parametrize(
    ("history", "state"),
    [
        # Three in a row, and not one less.
        ("1S", "active"),
        ("1S 2S", "active"),
        ("1S 2S 3S", "bounced"),
        ("3S 2S 1S", "bounced"),
        ("2S 4S 6S", "active"),  # of those in between nothing is known: they may have arrived
        ("1S 1S 1S", "active"),  # of one issue, however often it is reported
        ("1S 2S 2S", "active"),
        # A delivery before them is none in between; one in between begins the count anew.
        ("1D 2S 3S 4S", "bounced"),
        ("1S 2S 3S 4D", "bounced"),
        ("1S 2S 4D 3S", "active"),
        ("4D 1S 2S 3S", "active"),
        ("1S 2D 3S 4S", "active"),
        ("1S 3S 4S 2D", "active"),
        ("1S 2S 3D 4S 5S", "active"),
        ("1S 2S 3D 4S 5S 6S", "bounced"),
        # What was delivered and came back hours later came back, whichever is heard first.
        ("1D 1S 2D 2S 3D 3S", "bounced"),
        ("1S 1D 2S 2D 3S 3D", "bounced"),
        # A delay, or what was not even tried, is no bounce.
        ("1w 2w 3w", "active"),
        ("1x 2x 3x", "active"),
        ("1S 2S 3w", "active"),
        ("1S 2x 3S 4S", "bounced"),  # it was not tried, so it is none in between
        ("1S 2w 3S 4S", "active"),
        # One hard bounce is enough, whatever else is reported.
        ("1H", "bounced"),
        ("1D 1H", "bounced"),
        ("1H 1D", "bounced"),
        ("1H 2D 3D", "bounced"),
        ("2D 3D 1H", "bounced"),
        # The stricter of two reasons stays.
        ("1H 2C", "complained"),
        ("1C 2H", "complained"),
        ("1S 2S 3S 1C", "complained"),
        ("1C 1S 2S 3S", "complained"),
        ("1L 2C", "complained"),
        ("1C 2L", "complained"),
        ("1L 2H", "bounced"),
        ("1H 2L", "bounced"),
        ("1L 2D", "unsubscribed"),
        ("1D 2L", "unsubscribed"),
        ("1L 1S 2S 3S", "bounced"),
    ],
)
def test_what_becomes_of_a_reader(
    issues: tuple[Database, list[int]], history: str, state: str
) -> None:
    assert outcome(issues, history) == state


def test_three_soft_bounces_count_in_whatever_order_they_come(
    issues: tuple[Database, list[int]],
) -> None:
    for order in permutations(("2S", "3S", "4S", "1D")):
        assert outcome(issues, " ".join(order)) == "bounced"


def test_three_soft_bounces_of_one_reader_leave_their_neighbour_alone(database: Database) -> None:
    sends = [mailed(database, day, NOW + n * WEEK, n=3) for n, day in enumerate(DAYS[:3])]
    told = [soft(database, send, reader) for send in sends for reader in (0, 2)]
    read(database, told[:5], NOW + 3 * WEEK)
    assert words(database) == {"r0": "bounced", "r1": "active", "r2": "active"}
    read(database, told[5:], NOW + 3 * WEEK)
    assert words(database) == {"r0": "bounced", "r1": "active", "r2": "bounced"}


def test_a_suppression_that_was_lifted_begins_the_count_anew(database: Database) -> None:
    sends = [mailed(database, day, NOW + n * WEEK) for n, day in enumerate(DAYS[:2])]
    read(database, [soft(database, send) for send in sends], NOW + 2 * WEEK)
    with database.begin() as connection:
        Subscribers(connection, "weekly").lift_suppression("r0@example.com", NOW + 2 * WEEK)
    later = [mailed(database, day, NOW + (n + 3) * WEEK) for n, day in enumerate(DAYS[3:6])]
    read(database, [soft(database, later[0])], NOW + 4 * WEEK)
    read(database, [soft(database, later[1])], NOW + 5 * WEEK)
    assert words(database)["r0"] == "active"
    read(database, [soft(database, later[2])], NOW + 6 * WEEK)
    assert words(database)["r0"] == "bounced"


@pytest.mark.parametrize(
    ("kind", "elsewhere"),
    [
        (EventKind.UNSUBSCRIBED, "active"),
        (EventKind.COMPLAINED, "complained"),
        (EventKind.BOUNCED, "bounced"),
    ],
)
def test_what_it_means_for_another_list(
    database: Database, kind: EventKind, elsewhere: str
) -> None:
    send_id = mailed(database)
    with database.begin() as connection:
        Subscribers(connection, "daily").add("r0@example.com", "", ACTIVE, NOW, revive=False)
    read(database, [event(database, send_id, kind)])
    with database.read() as connection:
        (person,) = Subscribers(connection, "daily").everyone()
    assert (person.word, words(database)["r0"]) == (
        elsewhere,
        "unsubscribed" if kind is EventKind.UNSUBSCRIBED else elsewhere,
    )


@pytest.mark.parametrize(("seconds", "state"), [(-2, "active"), (0, "unsubscribed")])
def test_who_comes_back_in_the_same_second_has_left(
    database: Database, seconds: int, state: str
) -> None:
    """The moments of events are whole seconds: one more may be what came first."""
    send_id = mailed(database)
    leaves = left(database, send_id)
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        people.remove("r0@example.com", leaves.at - timedelta(hours=1))
        back = leaves.at + timedelta(milliseconds=600)
        people.add("r0@example.com", "", ACTIVE, back, revive=True)
    read(database, [replace(leaves, at=leaves.at + timedelta(seconds=seconds))])
    assert words(database)["r0"] == state


def test_who_has_left_by_hand_and_is_then_reported_stays_away(database: Database) -> None:
    send_id = mailed(database)
    with database.begin() as connection:
        Subscribers(connection, "weekly").remove("r0@example.com", NOW + timedelta(hours=1))
    read(database, [delivered(database, send_id), left(database, send_id)])
    assert words(database)["r0"] == UNSUBSCRIBED
    read(database, [complained(database, send_id)])
    assert words(database)["r0"] == "complained"
