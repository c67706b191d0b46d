"""The lists of the newsletters: their ids, and a lock on all of them."""

from __future__ import annotations

from sqlalchemy import Connection, ScalarSelect, insert, select

from newsletter.store.schema import lists


def lock_lists(connection: Connection, *, shared: bool = False) -> None:
    """Until the transaction ends, let no process add people to a list, or erase a person.

    ``shared``: other processes may hold the lock too. They only keep erasures out, so that they
    write nothing about a person who was just erased. SQLite allows one writer anyway.
    """
    if connection.dialect.name != "sqlite":
        query = select(lists.c.id).order_by(lists.c.id)
        connection.execute(query.with_for_update(read=shared))


def list_id_query(name: str) -> ScalarSelect[int]:
    """A query for the id of the list of that name; NULL if there is no such list yet."""
    return select(lists.c.id).where(lists.c.name == name).scalar_subquery()


def ensure_list(connection: Connection, name: str) -> int:
    """The id of the list; creates it if it is new."""
    number = connection.scalar(select(lists.c.id).where(lists.c.name == name))
    if number is None:
        new = insert(lists).values(name=name).returning(lists.c.id)
        number = connection.execute(new).scalar_one()
    return int(number)
