"""What a transaction waits for."""

from __future__ import annotations

from newsletter.store import Connection, Database


def keeping(connection: Connection) -> str:
    """How a commit is kept: 2 and "on" wait for the disk."""
    asks = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}
    return str(connection.exec_driver_sql(asks[connection.dialect.name]).scalar())


def test_a_commit_waits_for_the_disk_unless_it_says_that_it_need_not(database: Database) -> None:
    found = []
    for waits in (True, False, True):  # on one and the same connection
        with database.begin(waits=waits) as connection:
            found.append(keeping(connection))
    assert found in (["2", "1", "2"], ["on", "off", "on"])
