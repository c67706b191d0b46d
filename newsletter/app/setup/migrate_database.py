"""Move a newsletter's database from SQLite to PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from newsletter import config, providers, sources
from newsletter.app.desk import Clock, utc_now
from newsletter.errors import NewsletterError, NotReadyError, UsageError
from newsletter.store import Database, database_copy, open_database

Progress = Callable[[str, int], None]  # called with a table and how many of its rows are copied


@dataclass(frozen=True)
class DatabaseMove:
    """A completed move."""

    source: str  # the old database's address, without its password
    target: str  # the new database's address, without its password
    rows: dict[str, int]  # table → how many rows were copied


def migrate(
    folder: Path, to: str | None, progress: Progress, clock: Clock = utc_now
) -> DatabaseMove:
    """Copy everything from the database in newsletter.toml to ``to``, or to DATABASE_URL.

    Afterwards the old database accepts no writes. If the copy fails, it stays in use. Raises
    UsageError for addresses of the wrong kind, NotReadyError while an issue is being sent or if
    the new database is not empty.
    """
    loaded = config.load(folder, sources.options, providers.options)
    old_url, new_url = loaded.database.url, to or os.environ.get("DATABASE_URL")
    if not new_url:
        raise UsageError(
            "The new database's address is missing. Set DATABASE_URL, or give "
            "--to postgresql+psycopg://USER@HOST/NAME."
        )
    if not old_url.startswith("sqlite") or not new_url.startswith("postgresql"):
        raise UsageError(
            "The move goes from SQLite to PostgreSQL. [database] url in newsletter.toml must be "
            "the SQLite database, and --to (or DATABASE_URL) the PostgreSQL one."
        )
    source = open_database(old_url, folder, even_moved=True)
    try:
        target = open_database(new_url, folder)
        try:
            return DatabaseMove(
                source.location, target.location, _move(source, target, progress, clock)
            )
        finally:
            target.close()
    finally:
        source.close()


def _move(source: Database, target: Database, progress: Progress, clock: Clock) -> dict[str, int]:
    _require_empty(source, target, clock)
    with source.begin() as connection:
        if issue := database_copy.issue_in_progress(connection, clock()):
            raise NotReadyError(
                f"Issue {issue} is being processed, so nothing was moved. Wait until it is done, "
                f"or stop it with newsletter pause. Then wait two minutes and try again."
            )
        # From here on nobody can write to the old database, even if this process is killed.
        # Running the move again resumes it.
        database_copy.close(connection, target.location, clock())
    try:
        with source.read() as reading, target.begin() as writing:
            rows = database_copy.copy(reading, writing, progress)
    except BaseException as error:
        if not _is_empty(target):
            raise NewsletterError(
                f"The move may be incomplete: {error} Run it again; it resumes, or reports that "
                f"the move is complete."
            ) from error
        with source.begin() as connection:
            database_copy.reopen(connection)
        if isinstance(error, database_copy.DiffersError):
            raise NewsletterError(
                f"Nothing was moved: {error}. Report this as a bug. The database {source.location} "
                f"stays in use."
            ) from error
        raise
    with source.begin() as connection:
        database_copy.close(connection, target.location, clock(), done=True)
    return rows


def _require_empty(source: Database, target: Database, clock: Clock) -> None:
    """Raises NotReadyError if the new database already contains anything."""
    if database_copy.is_empty(target):
        return
    if moved_on := _completed_move(source, target, clock):
        raise NotReadyError(
            f"The database {source.location} was already moved to {target.location} on {moved_on}. "
            f"Set [database] url in newsletter.toml to that address, or set DATABASE_URL for "
            f"every process."
        )
    raise NotReadyError(
        f"The database {target.location} is not empty, so nothing was moved. Create a new one for "
        f"the newsletter (createdb)."
    )


def _completed_move(source: Database, target: Database, clock: Clock) -> str | None:
    """The date (YYYY-MM-DD) of an earlier, complete move between the two, if there was one."""
    with source.read() as old, target.read() as new:
        mark, is_copy = database_copy.move_record(old), database_copy.is_copy(old, new)
    if mark.get("to") != target.location or not is_copy:
        return None
    if "done" not in mark:  # the process was killed right after the copy
        with source.begin() as connection:
            database_copy.close(connection, target.location, clock(), done=True)
    return mark["at"][:10]


def _is_empty(target: Database) -> bool:
    try:
        return database_copy.is_empty(target)
    except NewsletterError:
        return False
