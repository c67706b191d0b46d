"""The newsletters' lists: their numbers, and a lock on all of them."""

from __future__ import annotations

from sqlalchemy import Connection, ScalarSelect, insert, select

from newsletter.store.schema import lists


def lock_lists(connection: Connection, *, shared: bool = False) -> None:
    """Until the transaction ends, nobody puts people on a list, or is erased.

    ``shared``: with others who only keep erasures out, so that what they write of a person does
    not come too late. In SQLite nobody else writes meanwhile anyway.
    """
    if connection.dialect.name != "sqlite":
        every = select(lists.c.id).order_by(lists.c.id)
        connection.execute(every.with_for_update(read=shared))


def list_id_query(name: str) -> ScalarSelect[int]:
    """The number of the list of that name, as a query; NULL where there is no such list yet."""
    return select(lists.c.id).where(lists.c.name == name).scalar_subquery()


def ensure_list(connection: Connection, name: str) -> int:
    """The number of the list, which is made where it is new."""
    number = connection.scalar(select(lists.c.id).where(lists.c.name == name))
    if number is None:
        new = insert(lists).values(name=name).returning(lists.c.id)
        number = connection.execute(new).scalar_one()
    return int(number)
