"""Open the database: created and migrated by itself at first use."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)

from newsletter.errors import ConfigError, DatabaseError, NewsletterError

__all__ = ["Connection", "Database", "open_database"]

MIGRATIONS = Path(__file__).parent / "migrations"
KINDS = ("sqlite", "postgresql")  # of databases
BUSY = 30  # seconds to wait for another process that is writing; ?timeout=… in the url
READING, WAITING = "newsletter_reading", "newsletter_waiting"
MOVED = "this database was moved"  # the fact that says where to, and what a write is told
# How SQLite says that its file or folder is not ours to write.
_NO_ACCESS = ("readonly database", "unable to open database file")
POOL, KEPT = 24, 4  # connections to a server at most, and those that stay open


class Database:
    """A newsletter's database. Work happens in ``with database.begin() as connection``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # SQLite lets one write at a time and makes others sleep and look; our own threads queue.
        self._turn: AbstractContextManager[Any] = nullcontext()
        self._path: Path | None = None
        self._inode: int | None = None  # of the file that we have open
        if engine.dialect.name == "sqlite":
            self._turn = threading.RLock()
            if engine.url.database and engine.url.database != ":memory:":
                self._path = Path(engine.url.database)

    @contextmanager
    def begin(self, *, waits: bool = True) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. Raises DatabaseError.

        Without ``waits`` it does not wait for the disk: a power cut may undo it until the next
        transaction that does has ended, which writes down all before it as well.
        """
        with self._turn, self._asked(), self._engine.connect() as connection:
            connection.execution_options(**{WAITING: waits})
            with connection.begin():
                if not waits and connection.dialect.name == "postgresql":
                    connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A look at one moment of the database, beside whoever writes. Raises DatabaseError."""
        with self._asked(), self._engine.connect() as connection:
            connection.execution_options(**{READING: True})
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @contextmanager
    def write_last(self) -> Iterator[Connection]:
        """One transaction of long work that writes at its end: until then nobody waits for it.

        In SQLite it must write before it reads. Raises DatabaseError.
        """
        with self._asked(), self._engine.connect() as connection:
            connection.execution_options(**{READING: True})
            with connection.begin():
                yield connection

    def has_tables(self) -> bool:
        """Whether the tables are there. Raises DatabaseError."""
        with self.read() as connection:
            return _version(connection) is not None

    def mark(self) -> object:
        """What is another one after each write; None if that cannot be told here.

        Of SQLite the files as they are now, without a connection. Raises DatabaseError.
        """
        if self._path is not None:
            return tuple(map(_stamp, (self._path, self._path.with_name(f"{self._path.name}-wal"))))
        if self._engine.dialect.name != "postgresql":
            return None
        with self.read() as connection:  # which transactions that write have begun and ended
            return connection.scalar(text("SELECT CAST(txid_current_snapshot() AS text)"))

    def release_files(self) -> None:
        """Let go of SQLite's files: as long as they are open, its log of changes stays there."""
        if self._path is not None:
            self.close()

    def _require_same_file(self) -> None:
        """What is written into a file that was deleted or replaced would be lost without a word."""
        if self._path is None:
            return
        try:
            now = self._path.stat().st_ino
        except OSError:
            now = None
        if self._inode is None:
            self._inode = now
        elif now != self._inode:
            raise DatabaseError(
                f"The database {self.location} was deleted or replaced while it was in use. "
                f"Put the right file there, then restart this process."
            )

    @contextmanager
    def _asked(self) -> Iterator[None]:
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
                raise  # a fault of ours, not of the database
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
        """Where the database is, without any password."""
        url = self._engine.url
        if "password" in url.query:
            url = url.update_query_dict({"password": "***"})
        return url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    if not status.st_size:  # a reader makes an empty log of changes, and takes it away again
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def open_database(url: str, folder: Path, *, even_moved: bool = False) -> Database:
    """The database at ``url`` (SQLite paths are relative to ``folder``), migrated.

    Raises ConfigError for an address that means nothing, NewsletterError where there is no answer,
    and for one that was moved elsewhere.
    """
    engine = _engine(url, folder)
    database = Database(engine)
    try:
        _require_current(engine, database, even_moved)
    except BaseException:
        database.close()
        raise
    return database


def _require_current(engine: Engine, database: Database, even_moved: bool) -> None:
    """Migrate the database where it is of an older version. Raises as ``open_database`` does."""
    try:
        with database.read() as connection:
            current = _version(connection)
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
        if current != newest():
            _migrate(engine, current)
    except DBAPIError as error:
        raise NewsletterError(
            f"The database {database.location} cannot be used: {_first_line(error.orig)}. "
            f"If it belongs to something else, set [database] url to the newsletter's own."
        ) from error


def location_of(address: str, folder: Path) -> str:
    """Where the database at ``address`` is, the same for all who mean the same one; not opened.

    Its driver is imported. Raises ConfigError for an address that means nothing.
    """
    engine = _engine(address, folder.resolve())
    location = Database(engine).location
    engine.dispose()
    return location


def newest() -> str:
    """The newest migration, by its file's name: 0001_….py is "0001"."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _engine(address: str, folder: Path) -> Engine:
    try:
        url = make_url(address)
        _require_whole_host(url)
        _require_known(url)
        if url.get_backend_name() != "sqlite":
            answering = {"connect_timeout": 10} if url.get_backend_name() == "postgresql" else {}
            return create_engine(
                url,
                pool_pre_ping=True,
                pool_size=KEPT,
                max_overflow=POOL - KEPT,
                connect_args=answering,
                hide_parameters=True,  # addresses belong into no log
            )
        if url.database and url.database != ":memory:":
            url = url.set(database=str(folder / url.database))
        patience = float(str(url.query.get("timeout", BUSY)))
        engine = create_engine(url, connect_args={"timeout": patience}, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        # A wrong number may be a part of a password that is not escaped.
        number = isinstance(error, ValueError)
        why = "its host, port or timeout cannot be read" if number else str(error)
        raise ConfigError(
            f"[database] url (or DATABASE_URL) is not an address that can be used: {why}. "
            f'Write it as "sqlite:///newsletter.db" or "postgresql+psycopg://USER@HOST/NAME", and '
            f"in a password %40 for @, %3A for : and %2F for /."
        ) from (None if number else error)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _require_whole_host(url: URL) -> None:
    """Raises ValueError where the host would be the rest of a password."""
    if "@" in (url.host or ""):
        raise ValueError("the host has an @")


def _require_known(url: URL) -> None:
    """Raises ConfigError where it is of a kind of database that we do not write SQL for."""
    if (kind := url.get_backend_name()) not in KINDS:
        raise ConfigError(
            f"[database] url (or DATABASE_URL) names a database of the kind {kind!r}; only SQLite "
            f'and PostgreSQL are supported. Write it as "sqlite:///newsletter.db" or '
            f'"postgresql+psycopg://USER@HOST/NAME".'
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """WAL lets readers read beside a writer; and what is deleted does not stay in the file."""
    connection.isolation_level = None  # we say BEGIN ourselves
    keep = ("journal_mode=WAL", "foreign_keys=ON", "wal_autocheckpoint=4000", "secure_delete=ON")
    try:
        for pragma in keep:
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()  # the pool does not have it yet
        raise


def _begin_sqlite(connection: Connection) -> None:
    """Take the writer's place at once, so that no transaction fails half-way for want of it."""
    options = connection.get_execution_options()
    if options.get(READING):
        connection.exec_driver_sql("BEGIN")
        return
    # FULL waits for the disk at each commit: it keeps the one that guards a send.
    keeping = "FULL" if options.get(WAITING, True) else "NORMAL"
    connection.exec_driver_sql(f"PRAGMA synchronous={keeping}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _version(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _moved(connection: Connection) -> dict[str, str] | None:
    """Where the database was moved to, and when; ``done``: everything is there."""
    if connection.dialect.name != "sqlite":
        return None
    found = connection.execute(
        text("SELECT value FROM facts WHERE name = :name"), {"name": MOVED}
    ).scalar()
    return dict(json.loads(found)) if found else None


def _migrate(engine: Engine, current: str | None) -> None:
    """Alembic is imported only when there is something to migrate: it is slow to load."""
    from alembic import command
    from alembic.config import Config

    if current is not None and current > newest():
        raise NewsletterError(
            f"The database is of a newer version of the program ({current}; this one knows "
            f"{newest()}). Install the newer version."
        )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite lets one in by itself
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('newsletter'))"))
        if _version(connection) != newest():  # another process may have been quicker
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
