"""Events count once, move deliveries forward only, and say who is not mailed any more."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import bindparam, text

from newsletter import events
from newsletter.model import EventKind, Reported
from newsletter.store import Database, figures
from newsletter.store.column_types import Moment, metadata
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from newsletter.store.suppression import ERASED
from tests.ledgers import NOW
from tests.provider_events import delivered, event, hard, mailed, read, soft, words

WEEK = timedelta(weeks=1)


def state(database: Database, send_id: int) -> tuple[int, str]:
    with database.read() as connection:
        return tuple(  # type: ignore[return-value]
            connection.execute(
                text("select reported, reported_at from deliveries where send_id = :s order by id"),
                {"s": send_id},
            ).first()
            or ()
        )


def test_in_whatever_order_they_come_a_delivery_ends_in_the_same_state(database: Database) -> None:
    send_id = mailed(database)
    told = [
        event(database, send_id, EventKind.PROCESSED, after=1),
        event(database, send_id, EventKind.DEFERRED, after=2),
        delivered(database, send_id, after=30),
        delivered(database, send_id, after=20),
        hard(database, send_id, after=7200),
    ]
    for some, last in ((told[:4], Reported.DELIVERED), (told, Reported.BOUNCED)):
        ends = set()
        for order in permutations(some):
            with database.begin() as connection:
                connection.execute(text("update deliveries set reported = null"))
                connection.execute(text("delete from events"))
            for each in order:
                assert read(database, [each]) == 1
            ends.add(state(database, send_id))
        assert [end[0] for end in ends] == [last]


def test_an_event_counts_once_however_often_and_with_whom_it_comes(database: Database) -> None:
    send_id = mailed(database)
    told = [
        delivered(database, send_id),
        replace(
            event(database, send_id, EventKind.OTHER, 1, words="\0 \\u0000?"), word="something new"
        ),
    ]
    assert read(database, [*told, told[0]]) == 2
    assert read(database, [told[1], hard(database, send_id)]) == 1
    foreign = [
        replace(told[0], id="f1", origin=("another", "2025-07-07")),
        replace(told[0], id="f2", send=77),
        replace(told[0], id="f3", delivery=999),
        replace(told[0], id="f4", delivery=0, email="nobody@example.com"),
    ]
    assert read(database, foreign) == 0
    with database.read() as connection:
        kinds = connection.execute(text("select kind, raw from events order by kind")).all()
    assert [kind for kind, _ in kinds] == ["bounce", "delivered", "something new"]
    assert json.loads(kinds[2][1]) == {"reason": "\0 \\u0000?"}


@pytest.mark.parametrize(
    ("kind", "named", "by_address"),
    [
        (EventKind.DELIVERED, "active", "active"),
        (EventKind.SOFT_BOUNCED, "active", "active"),
        (EventKind.UNSUBSCRIBED, "unsubscribed", "unsubscribed"),
        (EventKind.BOUNCED, "bounced", "bounced"),
        (EventKind.COMPLAINED, "complained", "complained"),
    ],
)
def test_what_an_event_means_for_a_person(
    database: Database, kind: EventKind, named: str, by_address: str
) -> None:
    send_id = mailed(database, n=3)
    read(
        database,
        [
            event(database, send_id, kind, 0),
            replace(event(database, send_id, kind, 1), delivery=0),
        ],
    )
    assert words(database) == {"r0": named, "r1": by_address, "r2": "active"}


def test_of_two_reasons_the_stricter_stays(database: Database) -> None:
    send_id = mailed(database)
    complains = event(database, send_id, EventKind.COMPLAINED)
    read(database, [complains])
    read(database, [hard(database, send_id)])
    read(database, [hard(database, send_id, 1)])
    read(database, [replace(complains, id="again", delivery=complains.delivery + 1)])
    assert words(database) == {"r0": "complained", "r1": "complained"}


def test_an_address_is_given_up_after_three_soft_bounces_in_a_row(database: Database) -> None:
    issues = ("2025-07-07", "2025-07-14", "2025-07-21", "2025-07-28", "2025-08-04")
    first, second, third, fourth, fifth = (
        mailed(database, issue, NOW + n * WEEK) for n, issue in enumerate(issues)
    )
    read(database, [soft(database, first), soft(database, second)])
    assert words(database)["r0"] == "active"
    read(database, [delivered(database, third), soft(database, fourth)])
    assert words(database)["r0"] == "active"
    # Of r1 nothing is known of the second issue: it may have arrived.
    read(database, [soft(database, send, 1) for send in (first, third, fourth)])
    assert words(database)["r1"] == "active"
    read(database, [soft(database, second, 1)])
    assert words(database)["r1"] == "bounced"  # though nothing is known of the fifth yet
    read(database, [delivered(database, fifth)])
    assert words(database)["r0"] == "active"


def test_a_correction_is_no_issue_of_its_own_for_the_count_of_soft_bounces(
    database: Database,
) -> None:
    first = mailed(database)
    second = mailed(database, "2025-07-07-c1", NOW + timedelta(hours=1), corrects=first)
    third = mailed(database, "2025-07-07-c2", NOW + timedelta(hours=2), corrects=first)
    read(database, [soft(database, send) for send in (first, second, third)])
    assert words(database)["r0"] == "active"  # a mailbox that was full for an afternoon
    for n, issue in enumerate(("2025-07-14", "2025-07-21"), 1):
        read(database, [soft(database, mailed(database, issue, NOW + n * WEEK))])
    assert words(database)["r0"] == "bounced"
    # One that arrived is a delivery as any other.
    read(database, [delivered(database, second, 1)])
    with database.read() as connection:
        issues = connection.scalars(text("select id from sends where corrects is null")).all()
    read(database, [soft(database, send, 1) for send in issues])
    assert words(database)["r1"] == "active"


def test_a_wish_to_be_mailed_counts_for_more_than_what_happened_before(database: Database) -> None:
    send_id = mailed(database, n=3)
    told = [
        hard(database, send_id, 0),
        event(database, send_id, EventKind.COMPLAINED, 1),
        event(database, send_id, EventKind.UNSUBSCRIBED, 2),
    ]
    read(database, told)
    assert words(database) == {"r0": "bounced", "r1": "complained", "r2": "unsubscribed"}
    later = NOW + timedelta(days=2)
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        for number in range(3):
            people.lift_suppression(f"r{number}@example.com", later)
            people.add(f"r{number}@example.com", "", ACTIVE, later, revive=True)
        connection.execute(text("delete from events"))  # as long ago as nobody remembers
    read(database, told)
    read(database, [replace(each, id=f"{each.id}-again") for each in told])
    assert set(words(database).values()) == {"active"}
    read(database, [replace(hard(database, send_id), at=later + timedelta(hours=1))])
    assert words(database)["r0"] == "bounced"


def test_who_is_erased_stands_in_no_table_and_is_counted_all_the_same(database: Database) -> None:
    send_id = mailed(database)
    link = "https://www.example.com/one"
    told = [
        delivered(database, send_id),
        hard(database, send_id, after=90),
        event(database, send_id, EventKind.CLICKED, after=70, link=link),
        event(database, send_id, EventKind.OPENED, 1, after=70),
    ]
    read(database, told, per_reader=True)
    with database.begin() as connection:
        connection.execute(
            text(
                "insert into reports (provider, body, received_at) values ('sendgrid', "
                '\'[{"email": "R0@example.com"}]\', :now)'
            ).bindparams(bindparam("now", NOW, Moment)),
        )
        assert Subscribers(connection, "weekly").erase("r0@example.com", NOW)
    read(database, [replace(hard(database, send_id, 1), id="late", delivery=told[0].delivery)])
    with database.read() as connection:
        stands = [
            (table.name, row)
            for table in metadata.sorted_tables
            for row in connection.execute(table.select())
            if any("r0@example" in str(value).lower() for value in row)
        ]
        assert stands == []
        rows = connection.execute(text("select kind, subscriber_id, raw from events")).all()
        assert len(rows) == 5
        assert all(raw is None for kind, _, raw in rows if kind == "bounce")
        assert Subscribers(connection, "weekly").suppression_reason("r0@example.com") == ERASED


def test_the_words_of_the_database_are_those_of_older_versions() -> None:
    assert {kind: kind.value for kind in EventKind} == {
        EventKind.PROCESSED: "processed",
        EventKind.DEFERRED: "deferred",
        EventKind.DROPPED: "dropped",
        EventKind.DELIVERED: "delivered",
        EventKind.SOFT_BOUNCED: "soft_bounce",
        EventKind.BOUNCED: "bounce",
        EventKind.COMPLAINED: "spamreport",
        EventKind.UNSUBSCRIBED: "unsubscribe",
        EventKind.OPENED: "open",
        EventKind.CLICKED: "click",
        EventKind.OTHER: "other",
    }


def test_a_complaint_counts_in_the_figures_whatever_the_provider_says_beside_it(
    database: Database,
) -> None:
    send_id = mailed(database)
    read(database, [event(database, send_id, EventKind.COMPLAINED)])
    assert words(database)["r0"] == "complained"
    with database.read() as connection:
        assert figures.event_counts(connection, send_id)["complained"] == 1


@pytest.mark.parametrize("word", ["open", "spamreport", "", "a\nb", "\ud800"])
def test_an_event_of_another_kind_never_passes_for_one_of_ours(
    database: Database, word: str
) -> None:
    send_id = mailed(database)
    assert read(database, [replace(event(database, send_id, EventKind.OTHER), word=word)]) == 1
    with database.read() as connection:
        assert connection.execute(text("select kind from events")).scalar_one() == "other"


@pytest.mark.parametrize("id_", ["", "x" * 101, "a\0b", "\ud800"])
def test_an_id_that_no_column_holds_counts_once_all_the_same(database: Database, id_: str) -> None:
    told = replace(delivered(database, mailed(database)), id=id_)
    assert [read(database, [told]) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize("kind", [EventKind.OPENED, EventKind.CLICKED, EventKind.DELIVERED])
def test_what_is_said_of_who_reads_is_not_kept(database: Database, kind: EventKind) -> None:
    send_id = mailed(database)
    read(database, [event(database, send_id, kind, words="203.0.113.7, a telephone")])
    with database.read() as connection:
        row = connection.execute(text("select raw, subscriber_id from events")).one()
    assert tuple(row) == (None, None)


def test_events_of_another_newsletter_are_logged_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    events._log_foreign.cache_clear()
    ours = delivered(database, mailed(database))
    other = replace(ours, id="f", origin=("another-letter", "2030-01-07"))
    for _ in range(2):
        assert read(database, [other, other]) == 0
        assert read(database, [ours]) in (0, 1)
    (record,) = (r for r in caplog.records if "another-letter" in r.getMessage())
    assert "Events about issue 2030-01-07 of another-letter (send 1)" in record.getMessage()


def test_events_that_name_no_delivery_are_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    events._log_unnamed.cache_clear()
    told = delivered(database, mailed(database))
    assert read(database, [replace(told, delivery=0)]) == 0
    assert "name no delivery" in caplog.text
