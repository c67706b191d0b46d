"""Create SQLAlchemy's engine for the newsletter's database from its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from newsletter.errors import ConfigError

BACKENDS = ("sqlite", "postgresql")
LOCK_TIMEOUT = 30  # seconds to wait for another process that writes; ?timeout=… in the url
READ_ONLY, DURABLE = "newsletter_read_only", "newsletter_durable"  # execution options
MAX_CONNECTIONS, POOL_SIZE = 24, 4  # to a server: at most, and those that stay open


def make_engine(address: str, folder: Path) -> Engine:
    """The engine for ``address``. SQLite paths are relative to ``folder``; nothing is opened.

    Raises ConfigError if the address is not valid, or its kind of database is not supported.
    """
    try:
        url = make_url(address)
        _require_whole_host(url)
        _require_supported(url)
        if url.get_backend_name() != "sqlite":
            return create_engine(
                url,
                pool_pre_ping=True,
                pool_size=POOL_SIZE,
                max_overflow=MAX_CONNECTIONS - POOL_SIZE,
                connect_args={"connect_timeout": 10},
                hide_parameters=True,  # keeps readers' addresses out of logs
            )
        if url.database and url.database != ":memory:":
            url = url.set(database=str(folder / url.database))
        timeout = float(str(url.query.get("timeout", LOCK_TIMEOUT)))
        engine = create_engine(url, connect_args={"timeout": timeout}, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        # A wrong number may be part of a password that is not escaped.
        is_number = isinstance(error, ValueError)
        reason = "its host, port or timeout is not valid" if is_number else str(error)
        raise ConfigError(
            f"[database] url (or DATABASE_URL) is not a valid address: {reason}. Write it as "
            f'"sqlite:///newsletter.db" or "postgresql+psycopg://USER@HOST/NAME". In a password, '
            f"write %40 for @, %3A for : and %2F for /."
        ) from (None if is_number else error)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _require_whole_host(url: URL) -> None:
    """Raises ValueError if the host contains the rest of a password."""
    if "@" in (url.host or ""):
        raise ValueError("the host has an @")


def _require_supported(url: URL) -> None:
    """Raises ConfigError for a kind of database that is not supported."""
    if (kind := url.get_backend_name()) not in BACKENDS:
        raise ConfigError(
            f"[database] url (or DATABASE_URL) names a database of the kind {kind!r}; only SQLite "
            f'and PostgreSQL are supported. Write it as "sqlite:///newsletter.db" or '
            f'"postgresql+psycopg://USER@HOST/NAME".'
        )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Set WAL, so that reads do not wait for a writer, and overwrite deleted content."""
    connection.isolation_level = None  # _begin_sqlite says BEGIN
    pragmas = ("journal_mode=WAL", "foreign_keys=ON", "wal_autocheckpoint=4000", "secure_delete=ON")
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()
    except BaseException:
        connection.close()  # it is not in the pool yet
        raise


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at the start, so that no transaction fails halfway for lack of it."""
    options = connection.get_execution_options()
    if options.get(READ_ONLY):
        connection.exec_driver_sql("BEGIN")
        return
    # FULL waits for the disk at each commit, so that the start of a request survives a power cut.
    synchronous = "FULL" if options.get(DURABLE, True) else "NORMAL"
    connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")
