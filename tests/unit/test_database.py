"""What a transaction waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import DatabaseError
from newsletter.store import Connection, Database, key_values, open_database


def keeping(connection: Connection) -> str:
    """How a commit is kept: 2 and "on" wait for the disk."""
    asks = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}
    return str(connection.exec_driver_sql(asks[connection.dialect.name]).scalar())


def test_a_commit_waits_for_the_disk_unless_it_says_that_it_need_not(database: Database) -> None:
    found = []
    for waits in (True, False, True):  # on one and the same connection
        with database.begin(durable=waits) as connection:
            found.append(keeping(connection))
    assert found in (["2", "1", "2"], ["on", "off", "on"])


def test_a_file_that_was_replaced_or_deleted_takes_nothing_more(tmp_path: Path) -> None:
    opened = open_database("sqlite:///a.db", tmp_path)
    with opened.begin() as connection:
        key_values.set_default(connection, "kept", "yes")
    assert opened.has_tables()
    file = tmp_path / "a.db"
    file.rename(tmp_path / "aside.db")
    open_database("sqlite:///b.db", tmp_path).close()
    for _ in range(2):
        with pytest.raises(DatabaseError, match="deleted or replaced"):
            opened.has_tables()
        with pytest.raises(DatabaseError, match="deleted or replaced"), opened.begin():
            pytest.fail("It was written into a file that nobody will look at")
        if not file.exists():
            (tmp_path / "b.db").rename(file)
    opened.close()
