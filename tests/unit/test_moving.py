"""A database moves from SQLite to PostgreSQL whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from newsletter.app.setup.migrate_database import DatabaseMove, migrate
from newsletter.errors import (
    ConfigError,
    DatabaseError,
    NewsletterError,
    NotReadyError,
    UsageError,
)
from newsletter.model import Answer, IssueName
from newsletter.store import Database, event_inbox, events, open_database
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from newsletter.store.suppression import ERASED
from tests import postgres
from tests.ledgers import NOW, answers, freeze, numbers, record, started
from tests.newsroom import CONFIG, empty_database

OLD = "sqlite:///newsletter.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "newsletter.toml").write_text(CONFIG)
    (tmp_path / "newsletter.db").write_bytes(empty_database())
    return tmp_path


@pytest.fixture
def new(postgres_server: str) -> Iterator[str]:
    with postgres.database(postgres_server) as address:
        yield address


def fill(folder: Path) -> Database:
    """A send in the middle of it, an erased reader, an unread report."""
    database = open_database(OLD, folder)
    send = freeze(database, 7)
    claim = started(database, send)
    record(database, claim, answers(claim, Answer.ACCEPTED, Answer.UNKNOWN))
    with database.begin() as connection:
        Subscribers(connection, "weekly").erase("r6@example.com", NOW)
        event_inbox.add(connection, "sendgrid", '[{"event": "Ünïcode"}]', NOW)
        row = events.EventRow(
            "k", "open", NOW, NOW, 1, None, "who", "https://x.test/", True, '{"a": 1}'
        )
        events.add(connection, [row])
    return database


def move(folder: Path, to: str | None, now: datetime = NOW + timedelta(days=1)) -> DatabaseMove:
    return migrate(folder, to, lambda *_: None, lambda: now)


def test_everything_moves_and_the_old_one_takes_nothing_more(folder: Path, new: str) -> None:
    old = fill(folder)
    had = numbers(old, freeze_again(old))
    found = move(folder, new)
    assert found.rows["subscribers"] == found.rows["deliveries"] == 7
    assert found.rows["events"] == found.rows["reports"] == 1
    database = open_database(new, folder)
    send = freeze_again(database)
    assert numbers(database, send) == had
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        assert people.suppression_reason("R6@example.com") == ERASED
        assert people.add("new@example.com", "New", ACTIVE, NOW, revive=False) is None
        assert connection.execute(text("select max(id) from subscribers")).scalar() == 8
        told = connection.execute(text("select at, machine, raw from events")).one()
        assert tuple(told) == (NOW, True, '{"a": 1}')
    database.close()
    with pytest.raises(DatabaseError, match="was moved"), old.begin() as connection:
        Subscribers(connection, "weekly").remove("r1@example.com", NOW)
    old.close()
    with pytest.raises(ConfigError, match="was moved to postgresql"):
        open_database(OLD, folder)
    with pytest.raises(NotReadyError, match=r"was already moved to postgresql.* on 2025-07-08"):
        move(folder, new)


def freeze_again(database: Database):  # type: ignore[no-untyped-def]
    """The send that is there."""
    from newsletter.store import sends

    with database.read() as connection:
        return sends.find(connection, "N", IssueName.parse("2025-07-07"))


def test_nothing_moves_while_an_issue_is_in_some_process_s_hands(folder: Path, new: str) -> None:
    database = open_database(OLD, folder)
    started(database, freeze(database, 4))
    with pytest.raises(NotReadyError, match="is being processed"):
        move(folder, new, NOW)
    with database.begin() as connection:
        Subscribers(connection, "weekly").remove("r1@example.com", NOW)
    database.close()
    move(folder, new)  # the lease has ended


def test_a_copy_that_fails_leaves_the_old_one_in_use(folder: Path, new: str) -> None:
    fill(folder).close()
    open_database(new, folder).close()
    with psycopg.connect(new.replace("+psycopg", ""), autocommit=True) as server:
        server.execute("ALTER TABLE events ADD CONSTRAINT odd CHECK (kind <> 'open')")
    with pytest.raises(NewsletterError, match="row of the table events does not fit"):
        move(folder, new)
    database = open_database(OLD, folder)
    with database.begin() as connection:
        assert Subscribers(connection, "weekly").remove("r1@example.com", datetime.now(UTC))
    database.close()
    with psycopg.connect(new.replace("+psycopg", ""), autocommit=True) as server:
        server.execute("ALTER TABLE events DROP CONSTRAINT odd")
        assert server.execute("SELECT count(*) FROM subscribers").fetchone() == (0,)
    assert move(folder, new).rows["subscribers"] == 7


def test_what_belongs_to_another_is_not_moved_into(folder: Path, new: str) -> None:
    with psycopg.connect(new.replace("+psycopg", ""), autocommit=True) as server:
        server.execute("CREATE TABLE wages (id int)")
    with pytest.raises(NotReadyError, match="not empty"):
        move(folder, new)
    open_database(OLD, folder).close()  # used on


def test_what_does_not_fit_is_said_without_what_it_says(folder: Path, new: str) -> None:
    database = fill(folder)
    with database.begin() as connection:
        connection.execute(text("update subscribers set name = hex(zeroblob(200)) where id = 3"))
    database.close()
    with pytest.raises(NewsletterError, match=r"Nothing was moved: .* subscribers") as raised:
        move(folder, new)
    assert "INSERT" not in str(raised.value)
    assert "0000" not in str(raised.value)
    open_database(OLD, folder).close()  # used on


def test_a_move_that_was_killed_goes_on(folder: Path, new: str) -> None:
    from newsletter.store import database_copy as steps

    database = fill(folder)
    with database.begin() as connection:
        steps.close(connection, "elsewhere", NOW)
    database.close()
    with pytest.raises(ConfigError, match="moving to elsewhere since 2025-07-07"):
        open_database(OLD, folder)
    assert move(folder, new).rows["deliveries"] == 7


def test_a_move_that_was_killed_at_its_very_end_is_known_to_be_done(folder: Path, new: str) -> None:
    from newsletter.store import database_copy as steps

    fill(folder).close()
    move(folder, new)
    database = open_database(OLD, folder, even_moved=True)
    target = open_database(new, folder)
    with database.begin() as connection:
        steps.close(connection, target.location, NOW)
    database.close()
    with pytest.raises(NotReadyError, match=r"was already moved to postgresql.* on 2025-07-07"):
        move(folder, new)
    with pytest.raises(ConfigError, match="was moved to postgresql"):
        open_database(OLD, folder)
    # What somebody has begun there instead is none of it.
    with target.begin() as connection:
        connection.execute(text("update facts set value = 'another' where name = 'address key'"))
    target.close()
    with pytest.raises(NotReadyError, match="not empty"):
        move(folder, new)


@pytest.mark.parametrize("to", ["sqlite:///other.db", "mysql://x/y", None])
def test_other_ways_to_move_are_refused(folder: Path, to: str | None) -> None:
    with pytest.raises(UsageError):
        move(folder, to)
