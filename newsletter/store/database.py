"""Open the newsletter's database. It is created and migrated at first use."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)

from newsletter.errors import ConfigError, DatabaseError, NewsletterError
from newsletter.store.engine import DURABLE, READ_ONLY, make_engine
from newsletter.store.migrate import current_version, migrate, newest_version

__all__ = ["Connection", "Database", "open_database"]

MOVED = "this database was moved"  # in `facts`: where to; also the error of a later write
# SQLite's messages if its file or folder is not writable.
_NO_ACCESS = ("readonly database", "unable to open database file")


class Database:
    """A newsletter's database. Work in ``with database.begin() as connection``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite allows one writer and makes others poll; a lock lets our own threads queue instead.
        self._write_lock: AbstractContextManager[Any] = nullcontext()
        self._path: Path | None = None
        self._inode: int | None = None  # of the open file
        if engine.dialect.name == "sqlite":
            self._write_lock = threading.RLock()
            if engine.url.database and engine.url.database != ":memory:":
                self._path = Path(engine.url.database)

    @contextmanager
    def begin(self, *, durable: bool = True) -> Iterator[Connection]:
        """One transaction: all of it is committed, or nothing. Raises DatabaseError.

        Without ``durable`` the commit does not wait for the disk: a power cut may undo it until the
        next durable transaction has ended.
        """
        with self._write_lock, self._translated_errors(), self._engine.connect() as connection:
            connection.execution_options(**{DURABLE: durable})
            with connection.begin():
                if not durable and connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Read one snapshot of the database, without waiting for writers. Raises DatabaseError."""
        with self._translated_errors(), self._engine.connect() as connection:
            connection.execution_options(**{READ_ONLY: True})
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write_last(self) -> Iterator[Connection]:
        """One long transaction that writes only at its end, and blocks no writer until then.

        In SQLite it must write before it reads. Raises DatabaseError.
        """
        with self._translated_errors(), self._engine.connect() as connection:
            connection.execution_options(**{READ_ONLY: True})
            with connection.begin():
                yield connection

    def has_tables(self) -> bool:
        """Whether the database has its tables. Raises DatabaseError."""
        with self.read() as connection:
            return current_version(connection) is not None

    def change_marker(self) -> object:
        """A value that changes with each write; None if this database has none.

        For SQLite it comes from the state of the files, without a connection. Raises DatabaseError.
        """
        if self._path is not None:
            return tuple(map(_stamp, (self._path, self._path.with_name(f"{self._path.name}-wal"))))
        if self._engine.dialect.name != "postgresql":
            return None
        with self.read() as connection:  # which writing transactions have begun and ended
            return connection.scalar(text("SELECT CAST(txid_current_snapshot() AS text)"))

    def release_files(self) -> None:
        """Close SQLite's files. Its write-ahead log stays on disk as long as they are open."""
        if self._path is not None:
            self.close()

    def _require_same_file(self) -> None:
        """Raises DatabaseError if the file was deleted or replaced: what we write would be lost."""
        if self._path is None:
            return
        try:
            inode = self._path.stat().st_ino
        except OSError:
            inode = None
        if self._inode is None:
            self._inode = inode
        elif inode != self._inode:
            raise DatabaseError(
                f"The database {self.location} was deleted or replaced while it was in use. "
                f"Put the right file there, then restart this process."
            )

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        self._require_same_file()
        try:
            yield
        except DBAPIError as error:
            if isinstance(error, IntegrityError) and MOVED in str(error.orig):
                raise DatabaseError(
                    f"The database {self.location} was moved. Set [database] url or DATABASE_URL "
                    f"to the new address, then restart this process."
                ) from error
            if isinstance(error, IntegrityError | ProgrammingError | DataError):
                raise  # a bug of the program, not a fault of the database
            if not isinstance(error, OperationalError | InterfaceError):
                raise DatabaseError(
                    f"The database {self.location} cannot be used: {_first_line(error.orig)}. "
                    f"If it is damaged, restore a backup. If it belongs to something else, set "
                    f"[database] url to the newsletter's own."
                ) from error
            if any(message in str(error.orig) for message in _NO_ACCESS):
                raise DatabaseError(
                    f"The database {self.location} cannot be written: {_first_line(error.orig)}. "
                    f"Check the permissions of its file and its folder, then try again."
                ) from error
            raise DatabaseError(
                f"The database {self.location} does not answer: {_first_line(error.orig)}. "
                f"Everything written so far is safe. Check that it is running, that its disk is "
                f"not full and that no other program has locked it, then try again."
            ) from error

    @property
    def location(self) -> str:
        """The URL of the database, without any password."""
        url = self._engine.url
        if "password" in url.query:
            url = url.update_query_dict({"password": "***"})
        return url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    if not status.st_size:  # a read creates an empty write-ahead log and removes it
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def open_database(url: str, folder: Path, *, even_moved: bool = False) -> Database:
    """The database at ``url``, migrated. SQLite paths are relative to ``folder``.

    Raises ConfigError if the URL is not valid or, without ``even_moved``, if the database was
    moved. Raises NewsletterError if it does not answer or belongs to a newer version.
    """
    engine = make_engine(url, folder)
    database = Database(engine)
    try:
        _require_current(engine, database, even_moved)
    except BaseException:
        database.close()
        raise
    return database


def _require_current(engine: Engine, database: Database, even_moved: bool) -> None:
    """Migrate the database if it is older. Raises what ``open_database`` raises."""
    try:
        with database.read() as connection:
            current = current_version(connection)
            moved = _moved(connection) if current and not even_moved else None
        if moved:
            if "done" not in moved:
                raise ConfigError(
                    f"The database {database.location} has been moving to {moved['to']} since "
                    f"{moved['at'][:10]}. If the move was interrupted, resume it: "
                    f"newsletter migrate-database"
                )
            raise ConfigError(
                f"The database {database.location} was moved to {moved['to']} on "
                f"{moved['at'][:10]}. Set [database] url or DATABASE_URL to the new address."
            )
        if current != newest_version():
            migrate(engine, current)
    except DBAPIError as error:
        raise NewsletterError(
            f"The database {database.location} cannot be used: {_first_line(error.orig)}. "
            f"If it belongs to something else, set [database] url to the newsletter's own."
        ) from error


def location_of(address: str, folder: Path) -> str:
    """``Database.location`` of the database at ``address``, without opening it.

    Different addresses of one file give the same location. This imports the driver. Raises
    ConfigError if the address is not valid.
    """
    engine = make_engine(address, folder.resolve())
    location = Database(engine).location
    engine.dispose()
    return location


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _moved(connection: Connection) -> dict[str, str] | None:
    """What ``database_copy.move_record`` describes; None if the database was not moved."""
    if connection.dialect.name != "sqlite":
        return None
    value = connection.execute(
        text("SELECT value FROM facts WHERE name = :name"), {"name": MOVED}
    ).scalar()
    return dict(json.loads(value)) if value else None
