"""How a person stands on a list, by their number or their address, and what they change of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, insert, select, update

from newsletter.store import key_values
from newsletter.store.schema import lists, subscribers, subscriptions, suppressions
from newsletter.store.subscribers import Keys


@dataclass(frozen=True)
class Standing:
    """``reader`` is their number. ``email``: None once they are erased; ``status``: None where they
    are not on the list; ``suppressed``: why the address is never mailed, if it is not.
    """

    reader: int
    email: str | None
    name: str
    status: str | None
    suppressed: str | None


def of_number(connection: Connection, reader: int, list_: int) -> Standing | None:
    """The person of that number; None where there is nobody."""
    return _found(connection, _person(list_).where(subscribers.c.id == reader))


def of_address(connection: Connection, email: str, list_name: str) -> Standing | None:
    """The person with that address; None where there is nobody. Writes nothing."""
    key = Keys((key_values.find(connection, "address key") or "").encode()).key(email)
    list_ = connection.scalar(select(lists.c.id).where(lists.c.name == list_name)) or 0
    return _found(connection, _person(list_).where(subscribers.c.address_key == key))


def change(connection: Connection, reader: int, list_: int, status: str, now: datetime) -> bool:
    """Give the person that status on the list; False where they had it."""
    place = (subscriptions.c.list_id == list_, subscriptions.c.subscriber_id == reader)
    held = connection.scalar(select(subscriptions.c.status).where(*place))
    if held == status:
        return False
    if held is None:
        row = {"list_id": list_, "subscriber_id": reader, "status": status, "changed_at": now}
        connection.execute(insert(subscriptions).values(row))
    else:
        connection.execute(
            update(subscriptions).where(*place).values(status=status, changed_at=now)
        )
    return True


def rename(connection: Connection, reader: int, name: str) -> None:
    """The person's name is this now; somebody who was erased gets none."""
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == reader, subscribers.c.email.is_not(None))
        .values(name=name)
    )


def _person(list_: int) -> Select[tuple[int, str | None, str, str | None, str | None]]:
    return (
        select(
            subscribers.c.id,
            subscribers.c.email,
            subscribers.c.name,
            subscriptions.c.status,
            suppressions.c.reason,
        )
        .select_from(subscribers)
        .outerjoin(
            subscriptions,
            and_(
                subscriptions.c.subscriber_id == subscribers.c.id, subscriptions.c.list_id == list_
            ),
        )
        .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
    )


def _found(
    connection: Connection, query: Select[tuple[int, str | None, str, str | None, str | None]]
) -> Standing | None:
    row = connection.execute(query).one_or_none()
    return Standing(row.id, row.email, row.name, row.status, row.reason) if row else None
