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

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Moved:
    """From where, to where (without any password), and how many rows of each table."""

    source: str
    target: str
    rows: dict[str, int]
    given: str | None  # the address as it was given, or None: it came from DATABASE_URL


def move(folder: Path, to: str | None, progress: Progress, clock: Clock = utc_now) -> Moved:
    """Copy everything from the database of newsletter.toml to ``to``, or to DATABASE_URL.

    The old one lets nobody write any more; where it fails, it is used on. Raises UsageError for
    addresses that will not do, NotReadyError while an issue is being sent or the new one is in use.
    """
    loaded = config.load(folder, sources.options, providers.options)
    old, new = loaded.database.url, to or os.environ.get("DATABASE_URL")
    if not new:
        raise UsageError("Say where to: --to postgresql+psycopg://USER@HOST/NAME, or DATABASE_URL.")
    if not old.startswith("sqlite") or not new.startswith("postgresql"):
        raise UsageError(
            "[database] url in newsletter.toml is to be the SQLite database that is moved, and "
            "--to (or DATABASE_URL) a PostgreSQL one."
        )
    source = open_database(old, folder, even_moved=True)
    try:
        target = open_database(new, folder)
        try:
            rows = _move(source, target, progress, clock)
            return Moved(source.place, target.place, rows, to)
        finally:
            target.close()
    finally:
        source.close()


def _move(source: Database, target: Database, progress: Progress, clock: Clock) -> dict[str, int]:
    if not database_copy.is_empty(target):
        if moved_on := _moved_before(source, target, clock):
            raise NotReadyError(
                f"The database {source.place} was moved to {target.place} already, on "
                f"{moved_on}. Write that address into [database] url of newsletter.toml, "
                f"or set DATABASE_URL wherever the program runs."
            )
        raise NotReadyError(
            f"The database {target.place} is not empty, so nothing was moved. Make a new one for "
            f"the newsletter (createdb)."
        )
    with source.begin() as connection:
        if issue := database_copy.in_hand(connection, clock()):
            raise NotReadyError(
                f"Issue {issue} is being worked on, so nothing was moved. Wait until that is over, "
                f"or stop it (newsletter pause), and do it again after two minutes."
            )
        # From here on nobody writes there, whatever becomes of this process; again goes on.
        database_copy.close(connection, target.place, clock())
    try:
        with source.read() as reading, target.begin() as writing:
            rows = database_copy.copy(reading, writing, progress)
    except BaseException as error:
        if not _is_empty(target):
            raise NewsletterError(
                f"It is not known whether everything was moved: {error} Do this again: it goes on, "
                f"or says that it is done."
            ) from error
        with source.begin() as connection:
            database_copy.open_again(connection)
        if isinstance(error, database_copy.DiffersError):
            raise NewsletterError(
                f"Nothing was moved: {error}. Report this; the database {source.place} is used on."
            ) from error
        raise
    with source.begin() as connection:
        database_copy.close(connection, target.place, clock(), done=True)
    return rows


def _moved_before(source: Database, target: Database, clock: Clock) -> str | None:
    """The day on which everything of the one came into the other; None where it is not there."""
    with source.read() as reading, target.read() as there:
        mark, copied = database_copy.moved(reading), database_copy.is_copy(reading, there)
    if mark.get("to") != target.place or not copied:
        return None
    if "done" not in mark:  # it was killed right after that
        with source.begin() as connection:
            database_copy.close(connection, target.place, clock(), done=True)
    return mark["at"][:10]


def _is_empty(target: Database) -> bool:
    try:
        return database_copy.is_empty(target)
    except NewsletterError:
        return False
