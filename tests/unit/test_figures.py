"""Figures tell people from machines, and say the same once the events are gone."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import text

from newsletter import scanners
from newsletter.model import EventKind, Reported
from newsletter.store import Database, figures, list_growth
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests.ledgers import NOW
from tests.provider_events import delivered, event, hard, mailed, read

ONE, TWO, THREE = (f"https://www.example.com/{name}" for name in ("one", "two", "three"))
LATER = NOW + timedelta(days=100)


def counted(database: Database, send_id: int) -> figures.EventCounts:
    with database.read() as connection:
        return figures.event_counts(connection, send_id)


def test_people_and_machines_are_told_apart(database: Database) -> None:
    send_id = mailed(database, n=6)
    told = [delivered(database, send_id, reader, 60) for reader in range(6)]
    told += [
        event(database, send_id, EventKind.OPENED, 0, 3600),
        event(database, send_id, EventKind.OPENED, 0, 7200),
        event(database, send_id, EventKind.OPENED, 1, 62),  # the moment that it arrived
        event(database, send_id, EventKind.OPENED, 2, 300, machine=True),  # as the provider says
        event(database, send_id, EventKind.OPENED, 3, 65.5),
        event(database, send_id, EventKind.CLICKED, 0, 3660, link=f"{ONE}?utm_source=mail#top"),
        event(database, send_id, EventKind.CLICKED, 0, 3720, link=ONE),
        event(database, send_id, EventKind.CLICKED, 1, 900, link=ONE),
        event(database, send_id, EventKind.CLICKED, 2, 61, link=TWO),
        # All links within one second: nobody reads like that.
        *(
            event(database, send_id, EventKind.CLICKED, 3, 600, link=link)
            for link in (ONE, TWO, THREE)
        ),
        event(database, send_id, EventKind.CLICKED, 3, 900, link=TWO),
        # Two at once may be a double click.
        *(event(database, send_id, EventKind.CLICKED, 4, 600, link=link) for link in (ONE, TWO)),
        event(
            database, send_id, EventKind.CLICKED, 5, 99,
            link="https://news.example.com/unsubscribe/1-5-1-aaaaaaaaaaaaaaaaaaaa?x=1",
        ),
        event(
            database, send_id, EventKind.CLICKED, 5, 150,
            link="https://www.example.com/preferences/of-readers",
        ),
    ]  # fmt: skip
    read(database, told)
    found = counted(database, send_id)
    assert [tuple(pair) for pair in found["opens"]] == [(2, 3), (2, 2)]
    assert [tuple(pair) for pair in found["clicks"]] == [(5, 8), (2, 4)]
    assert {link: (p[0], m[0]) for link, p, m in found["links"]} == {
        ONE: (3, 1),
        TWO: (2, 2),
        THREE: (0, 1),
        "https://news.example.com/unsubscribe": (1, 0),
        "https://www.example.com/preferences/of-readers": (1, 0),
    }
    assert sum(opens for _, opens, _ in found["hours"]) == 3


def test_a_machine_is_known_whether_it_or_the_delivery_is_told_first(database: Database) -> None:
    send_id = mailed(database, n=1)
    told = [
        delivered(database, send_id, 0, 60),
        event(database, send_id, EventKind.OPENED, 0, 61),
        event(database, send_id, EventKind.OPENED, 0, 3600),
    ]
    for order in permutations(told):
        with database.begin() as connection:
            connection.execute(text("delete from events"))
            connection.execute(text("update deliveries set reported = null"))
        for each in order:
            read(database, [each])
        assert [tuple(p) for p in counted(database, send_id)["opens"]] == [(1, 1), (1, 1)]


@pytest.mark.parametrize(
    ("agent", "machine"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15", False),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko (via ggpht.com GoogleImageProxy)", False),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Barracuda Sentinel (EE)", True),
        ("python-requests/2.32.3", True),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0", True),
        ("Cubot X30 Mozilla/5.0", False),
        ("", False),
    ],
)  # fmt: skip
def test_agents_of_machines(agent: str, machine: bool) -> None:
    assert scanners.known(agent) is machine


def test_figures_are_the_same_once_the_events_are_gone(database: Database) -> None:
    send_id = mailed(database, n=4)
    told = [delivered(database, send_id, reader) for reader in range(4)]
    told += [
        event(database, send_id, EventKind.OPENED, 0, 3600),
        event(database, send_id, EventKind.CLICKED, 0, 3700, link=ONE),
        event(database, send_id, EventKind.CLICKED, 1, 61, link=TWO),
        event(database, send_id, EventKind.COMPLAINED, 2, 9000),
        event(database, send_id, EventKind.UNSUBSCRIBED, 3, 9000),
    ]
    read(database, told)
    before = counted(database, send_id)
    assert (before["complained"], before["left"]) == (1, 1)
    with database.begin() as connection:
        assert figures.open_sends(connection, "N", NOW - timedelta(seconds=1)) == []
        assert figures.open_sends(connection, "N", NOW) == [send_id]
        figures.close(connection, send_id, LATER)
    with database.begin() as connection:
        figures.close(connection, send_id, LATER)  # another process, a moment later
        assert figures.open_sends(connection, "N", LATER) == []
        assert connection.execute(text("select count(*) from events")).scalar() == 0
        keys = text("select count(*) from facts where name like 'reader key%'")
        assert connection.execute(keys).scalar() == 0
    # What is repeated, or comes so late, is counted no more; a bounce is acted on all the same.
    assert read(database, [*told, hard(database, send_id, 1)], LATER) == 0
    after = counted(database, send_id)
    assert {**after, "links": [], "hours": []} == {
        **before, "links": [], "hours": [],
        "opens": [list(p) for p in before["opens"]], "clicks": [list(p) for p in before["clicks"]],
    }  # fmt: skip
    assert [link for link, _, _ in after["links"]] == [ONE, TWO]
    with database.read() as connection:
        assert figures.reported_counts(connection, send_id)[Reported.BOUNCED] == 1


def test_who_leaves_after_a_correction_has_left_since_the_issue(database: Database) -> None:
    issue = mailed(database, n=4)
    correction = mailed(database, "2025-07-07-c1", NOW + timedelta(hours=1), 2, issue)
    read(
        database,
        [
            event(database, issue, EventKind.UNSUBSCRIBED, 0, 60),
            event(database, correction, EventKind.UNSUBSCRIBED, 1, 60),
        ],
        NOW + timedelta(hours=2),
    )
    assert (counted(database, issue)["left"], counted(database, correction)["left"]) == (2, 2)
    mailed(database, "2025-07-14", NOW + timedelta(days=7))
    assert (counted(database, issue)["left"], counted(database, correction)["left"]) == (2, 2)


def test_who_left_and_is_erased_later_has_left_since_the_issue_all_the_same(
    database: Database,
) -> None:
    issue = mailed(database)
    with database.begin() as connection:
        Subscribers(connection, "weekly").remove("r0@example.com", NOW + timedelta(days=1))
    mailed(database, "2025-07-14", NOW + timedelta(days=7))
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        assert people.erase("r0@example.com", NOW + timedelta(days=8))
        assert people.erase("r1@example.com", NOW + timedelta(days=8))
    assert counted(database, issue)["left"] == 1


def test_who_opened_is_known_only_where_that_is_asked_for(database: Database) -> None:
    send_id = mailed(database)
    read(database, [event(database, send_id, EventKind.OPENED, 0, 3600)])
    with database.read() as connection:
        assert list(figures.reader_activity(connection, send_id)) == []
        row = connection.execute(text("select * from events")).mappings().one()
    assert row["subscriber_id"] is None
    assert row["raw"] is None
    told = [
        event(database, send_id, EventKind.OPENED, 1, 3600),
        event(database, send_id, EventKind.CLICKED, 1, 3601, link=ONE),
    ]
    read(database, told, per_reader=True)
    with database.read() as connection:
        (found,) = figures.reader_activity(connection, send_id)
    assert (found.email, found.opens, found.clicks) == ("r1@example.com", 1, 1)


def test_each_reader_has_their_own_opens_and_clicks_but_those_of_machines(
    database: Database,
) -> None:
    send_id = mailed(database, n=4)
    done = {0: (2, 0), 1: (1, 3), 3: (0, 1)}
    told = [event(database, send_id, EventKind.OPENED, 2, 3600, machine=True)]
    for reader, (opens, clicks) in done.items():
        for number in range(opens):
            told.append(event(database, send_id, EventKind.OPENED, reader, 3600 + number))
        for number in range(clicks):
            after = 4000 + 60 * number
            told.append(event(database, send_id, EventKind.CLICKED, reader, after, link=ONE))
    read(database, told, per_reader=True)
    with database.read() as connection:
        found = {
            each.email: (each.opens, each.clicks)
            for each in figures.reader_activity(connection, send_id)
        }
    assert found == {f"r{reader}@example.com": counts for reader, counts in done.items()}


def test_a_list_s_growth_is_what_was_noted_and_what_issues_went_to(database: Database) -> None:
    issue = mailed(database, n=3)
    with database.begin() as connection:  # who left got no correction, which says nothing of a list
        Subscribers(connection, "weekly").remove("r2@example.com", NOW)
    mailed(database, "2025-07-07-c1", NOW + timedelta(hours=1), 2, issue)
    with database.begin() as connection:
        Subscribers(connection, "weekly").add("r2@example.com", "", ACTIVE, NOW, revive=True)
        # Who is suppressed is no reader, and none of those to whom an issue went.
        Subscribers(connection, "weekly").add("gone@example.com", "", ACTIVE, NOW, revive=False)
        connection.execute(
            text(
                "insert into suppressions select address_key, 'bounced', created_at "
                "from subscribers where email = 'gone@example.com'"
            )
        )
    mailed(database, "2025-07-10", NOW + timedelta(days=3), n=3)
    with database.begin() as connection:
        for days in (7, 7, 8):
            list_growth.record_today(connection, "weekly", NOW + timedelta(days=days))
        found = list_growth.by_day(connection, 1)
    assert [(day.isoformat(), count) for day, count in found.items()] == [
        ("2025-07-07", 3), ("2025-07-10", 3), ("2025-07-14", 3), ("2025-07-15", 3)
    ]  # fmt: skip
