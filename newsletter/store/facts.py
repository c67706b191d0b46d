"""Facts about the database itself, by name."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from newsletter.store.schema import facts


def once(connection: Connection, name: str, value: str) -> str:
    """The fact of that name; ``value`` becomes it where there is none yet."""
    found: str | None = connection.scalar(select(facts.c.value).where(facts.c.name == name))
    if found is None:
        connection.execute(insert(facts).values(name=name, value=value))
        return value
    return found
