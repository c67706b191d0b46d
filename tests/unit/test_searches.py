"""How often one network may search the archive."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from newsletter.app import Desk
from newsletter.store import Database, search_counts
from newsletter.web.public import server
from tests.clocked_newsroom import Office, Offices
from tests.ledgers import NOW

MANY = "searched very often"
OURS, THEIRS = "192.0.2.7", "198.51.100.7"


def search(desk: Desk, *asked: tuple[str, str]) -> Sequence[httpx.Response]:
    """What searches for these words answer, each from its address; with a server of their own."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(server.create_app(desk))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as browser:
            return [
                await browser.get(
                    "/search", params={"q": words}, headers={"X-Forwarded-For": where}
                )
                for words, where in asked
            ]

    return asyncio.run(ask())


def test_a_network_searches_so_often_in_an_hour_and_is_told_so(office: Offices) -> None:
    one = office("[public]\nsearches_per_network = 2")
    first, nothing, second = search(one.desk, ("rain", OURS), ("", OURS), ("ferry", "192.0.2.99"))
    assert {first.status_code, nothing.status_code, second.status_code} == {200}
    for_us, nothing, for_them = search(one.desk, ("rain", OURS), ("", OURS), ("rain", THEIRS))
    assert (for_us.status_code, for_us.headers["retry-after"]) == (429, "3600")
    assert MANY in for_us.text
    assert 'value="rain"' in for_us.text
    assert (nothing.status_code, for_them.status_code) == (200, 200)
    assert MANY not in nothing.text + for_them.text
    one.now += timedelta(hours=1)
    assert search(one.desk, ("rain", OURS))[0].status_code == 200


def test_a_search_needs_no_database_that_can_be_written(
    office: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    one = office('[database]\nurl = "sqlite:///newsletter.db?timeout=0.1"')
    file = one.room.folder / "newsletter.db"
    search(one.desk, ("rain", OURS))
    with contextlib.closing(sqlite3.connect(file)) as busy:
        busy.execute("begin immediate")
        assert search(one.desk, ("rain", OURS))[0].status_code == 200
    assert "A search was not counted" in caplog.text
    assert OURS not in caplog.text


def test_what_was_counted_is_forgotten(desk_office: Office) -> None:
    search(desk_office.desk, ("rain", OURS))
    for days, rows in ((0, 1), (2, 0)):
        desk_office.now += timedelta(days=days)
        desk_office.tick()
        with desk_office.desk.database.read() as connection:
            found = connection.execute(text("select * from searches")).all()
        assert len(found) == rows
        assert "192.0.2" not in str(found)


def test_on_each_database_searches_are_counted_by_network_and_hour(database: Database) -> None:
    later = NOW.replace(minute=0) + timedelta(hours=1)
    with database.read() as connection:
        assert search_counts.current(connection, "a", NOW) == 0
    with database.begin() as connection:
        assert [search_counts.increment(connection, "a", NOW) for _ in range(3)] == [1, 2, 3]
        assert search_counts.increment(connection, "b", NOW) == 1
        assert search_counts.increment(connection, "a", later) == 1
    with database.begin() as connection:
        assert search_counts.current(connection, "a", NOW) == 3
        search_counts.delete_before(connection, later)
        assert search_counts.current(connection, "a", NOW) == 0
        assert search_counts.current(connection, "a", later) == 1
