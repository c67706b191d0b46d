"""Bring the tables of a database up to date."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from newsletter.errors import NewsletterError

MIGRATIONS = Path(__file__).parent / "migrations"


def newest_version() -> str:
    """The version of the newest migration: "0001" for the file 0001_….py."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current_version(connection: Connection) -> str | None:
    """The version of the tables; None if there are none."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    query = text("SELECT version_num FROM alembic_version")
    version: str | None = connection.execute(query).scalar()
    return version


def migrate(engine: Engine, current: str | None) -> None:
    """Run the missing migrations. Raises NewsletterError if the database is too new."""
    # Imported only here because Alembic loads slowly.
    from alembic import command
    from alembic.config import Config

    if current is not None and current > newest_version():
        raise NewsletterError(
            f"The database belongs to a newer version of the program ({current}; this one supports "
            f"{newest_version()}). Install the newer version."
        )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # SQLite allows one writer anyway
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('newsletter'))"))
        if current_version(connection) != newest_version():  # another process may be first
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
