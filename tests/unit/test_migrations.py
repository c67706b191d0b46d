"""The migrations lead to exactly the schema that the code uses, and only when needed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from newsletter.errors import ConfigError, NewsletterError
from newsletter.model import IssueName
from newsletter.store import open_database
from newsletter.store.column_types import metadata
from newsletter.store.migrate import MIGRATIONS
from newsletter.store.occurrences import DueMoment, claim, recent


def test_a_new_database_has_the_schema(tmp_path: Path) -> None:
    open_database("sqlite:///a.db", tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.connect() as connection:
        index = {"include_name": lambda name, *_: not str(name).startswith("issue_search")}
        assert compare_metadata(MigrationContext.configure(connection, opts=index), metadata) == []
    engine.dispose()


def test_what_was_done_by_an_earlier_version_stays_done(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(
            text(
                "INSERT INTO occurrences (newsletter, kind, day, issue, due_at, state, changed_at) "
                "VALUES ('N', 'send', '2025-07-07', '2025-07-07', '2025-07-07 14:00:00.000000', "
                "'done', '2025-07-07 14:00:05.000000')"
            )
        )
    engine.dispose()
    due = DueMoment(
        "N",
        "send",
        "2025-07-07",
        IssueName.parse("2025-07-07"),
        datetime(2025, 7, 7, 14, tzinfo=UTC),
    )
    database = open_database("sqlite:///a.db", tmp_path)
    with database.begin() as connection:
        assert claim(connection, due, due.at) is None
        assert [each.state for each in recent(connection, "N")] == ["done"]
    database.close()


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    open_database("sqlite:///a.db", tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(NewsletterError, match="newer version"):
        open_database("sqlite:///a.db", tmp_path)


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("this is not a database, but a long enough text " * 50)
    with pytest.raises(NewsletterError, match="cannot be used"):
        open_database("sqlite:///a.db", tmp_path)


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x", "sqlite+nodriver:///x"])
def test_an_address_that_means_nothing_is_said(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        open_database(url, tmp_path)
