"""Facts about the database itself, by name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, text, update

from newsletter.store.schema import facts

# Two processes may say the same at once.
_NEW = text("INSERT INTO facts (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")


def set_default(connection: Connection, name: str, value: str) -> str:
    """The fact of that name; ``value`` becomes it where there is none yet."""
    connection.execute(_NEW, {"name": name, "value": value})
    return get(connection, name) or value


def get(connection: Connection, name: str) -> str | None:
    """The fact of that name, or None."""
    value: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == name))
    return value


def put(connection: Connection, name: str, value: str) -> None:
    """The fact of that name is this now."""
    connection.execute(_NEW, {"name": name, "value": value})
    connection.execute(update(facts).where(facts.c.name == name).values(value=value))


def delete_key(connection: Connection, name: str) -> None:
    """The fact of that name is none any more."""
    connection.execute(delete(facts).where(facts.c.name == name))
