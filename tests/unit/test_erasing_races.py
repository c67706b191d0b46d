"""Who is erased while others write stays erased, also where several write at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from newsletter.model import Status
from newsletter.store import Database, open_database
from newsletter.store.subscriber_import import StagedImport
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from newsletter.store.suppression import ERASED
from tests import postgres
from tests.ledgers import NOW


@pytest.fixture
def address(postgres_server: str, migrated_address: str) -> Iterator[str]:
    with postgres.database(postgres_server, migrated_address) as found:
        yield found


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    opened = open_database(address, Path())
    yield opened
    opened.close()


def waits(server: psycopg.Connection[tuple[int]]) -> bool:
    """Whether somebody waits for a lock."""
    found = server.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(found and found[0])


def test_an_import_that_is_under_way_brings_nobody_back(database: Database, address: str) -> None:
    people = {"ada@example.com": "Ada", "bob@example.com": "Bob"}
    with database.begin() as connection:
        listed = Subscribers(connection, "weekly")
        for email, name in people.items():
            listed.add(email, name, ACTIVE, NOW, revive=False)
        keys = listed.keys
        first, second = sorted(people, key=keys.key)  # as an import writes them

    def bring_in() -> None:
        with (
            database.write_last() as connection,
            StagedImport(connection, keys, listed.list_id) as aside,
        ):
            rows = enumerate(people, 2)
            aside.stage((line, email, "A new name", Status.ACTIVE) for line, email in rows)
            aside.merge(NOW)

    def erase() -> None:
        with database.begin() as connection:
            Subscribers(connection, "weekly").erase(second, NOW)

    plain = address.replace("+psycopg", "")
    with psycopg.connect(plain) as other, psycopg.connect(plain, autocommit=True) as server:
        # The import stands in the middle of its writing until this one lets go.
        other.execute("SELECT 1 FROM subscribers WHERE email = %s FOR UPDATE", (first,))
        importing, erasing = threading.Thread(target=bring_in), threading.Thread(target=erase)
        importing.start()
        while not waits(server):
            time.sleep(0.01)
        erasing.start()
        erasing.join(0.5)
        other.rollback()
        importing.join()
        erasing.join()
        rows = server.execute("SELECT email, name FROM subscribers ORDER BY name").fetchall()
    assert rows == [(None, ""), (first, "A new name")]
    with database.read() as connection:
        assert Subscribers(connection, "weekly").suppression_reason(second) == ERASED
