"""The migrations lead to exactly the schema that the code uses, and only when needed."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from newsletter.errors import ConfigError, NewsletterError
from newsletter.store import open_database
from newsletter.store.schema import metadata


def test_a_new_database_has_the_schema(tmp_path: Path) -> None:
    open_database("sqlite:///a.db", tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path}/a.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


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
