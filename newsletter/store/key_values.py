"""Named values about the database itself, in the table ``facts``."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, text, update

from newsletter.store.schema import facts

# Two processes may set the same value at once.
_NEW = text("INSERT INTO facts (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")


def set_default(connection: Connection, name: str, value: str) -> str:
    """The value of that name; stores and returns ``value`` if there is none yet."""
    connection.execute(_NEW, {"name": name, "value": value})
    return get(connection, name) or value


def get(connection: Connection, name: str) -> str | None:
    """The value of that name; None if there is none."""
    value: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == name))
    return value


def put(connection: Connection, name: str, value: str) -> None:
    """Set the value of that name."""
    connection.execute(_NEW, {"name": name, "value": value})
    connection.execute(update(facts).where(facts.c.name == name).values(value=value))


def delete_key(connection: Connection, name: str) -> None:
    """Delete the value of that name."""
    connection.execute(delete(facts).where(facts.c.name == name))
