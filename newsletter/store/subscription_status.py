"""How a person stands on a list. Nothing else writes the statuses of subscriptions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, delete, insert, or_, select, update

from newsletter.store import key_values
from newsletter.store.address_keys import ADDRESS_KEY, AddressKeys
from newsletter.store.bulk import upsert
from newsletter.store.schema import lists, subscribers, subscriptions, suppressions

ACTIVE, PENDING, UNSUBSCRIBED = "active", "pending", "unsubscribed"


@dataclass(frozen=True)
class Subscription:
    """A person, and how they stand on one list."""

    reader: int  # the person's number
    email: str | None  # None once they are erased
    name: str
    status: str | None  # None where they are not on the list
    suppressed: str | None  # why the address is never mailed, if it is not


def find_by_id(connection: Connection, reader: int, list_: int) -> Subscription | None:
    """The person of that number; None where there is nobody."""
    return _found(connection, _person(list_).where(subscribers.c.id == reader))


def find_by_address(connection: Connection, email: str, list_name: str) -> Subscription | None:
    """The person with that address; None where there is nobody. Writes nothing."""
    key = AddressKeys((key_values.get(connection, ADDRESS_KEY) or "").encode()).key(email)
    list_ = connection.scalar(select(lists.c.id).where(lists.c.name == list_name)) or 0
    return _found(connection, _person(list_).where(subscribers.c.address_key == key))


def change(
    connection: Connection,
    reader: int,
    list_: int,
    status: str,
    now: datetime,
    *,
    revive: bool = True,
) -> bool:
    """Give the person that status on the list; False where nothing changed.

    Without ``revive`` somebody who is on the list already can only be unsubscribed.
    """
    place = (subscriptions.c.list_id == list_, subscriptions.c.subscriber_id == reader)
    current = connection.scalar(select(subscriptions.c.status).where(*place))
    if current is None:
        row = {"list_id": list_, "subscriber_id": reader, "status": status, "changed_at": now}
        connection.execute(insert(subscriptions).values(row))
        return True
    if current == status or not (revive or status == UNSUBSCRIBED):
        return False
    connection.execute(update(subscriptions).where(*place).values(status=status, changed_at=now))
    return True


def unsubscribe(
    connection: Connection,
    readers: Select[tuple[int]] | Collection[int],
    now: datetime,
    list_: int | None = None,
    *,
    unless_active_since: datetime | None = None,
) -> int:
    """Take them off the list, or off every list; how many subscriptions ended by it.

    Who had left before left then. ``unless_active_since``: who became active later stays.
    """
    ends = [
        subscriptions.c.subscriber_id.in_(readers),
        subscriptions.c.status != UNSUBSCRIBED,
    ]
    if list_ is not None:
        ends.append(subscriptions.c.list_id == list_)
    if unless_active_since is not None:
        earlier = subscriptions.c.changed_at <= unless_active_since
        ends.append(or_(subscriptions.c.status != ACTIVE, earlier))
    ended = connection.execute(
        update(subscriptions).where(*ends).values(status=UNSUBSCRIBED, changed_at=now)
    )
    return ended.rowcount


def merge(connection: Connection, rows: Select[tuple[int, int, str, datetime]]) -> None:
    """Put many on a list in one statement. ``rows``: list, person, status and moment.

    Of two statuses the stricter counts; but who is pending here becomes active.
    """
    statement = upsert(connection, subscriptions).from_select(
        ["list_id", "subscriber_id", "status", "changed_at"], rows
    )
    current, new = subscriptions.c.status, statement.excluded.status
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["list_id", "subscriber_id"],
            set_={"status": new, "changed_at": statement.excluded.changed_at},
            where=or_(
                and_(new == UNSUBSCRIBED, current != UNSUBSCRIBED),
                and_(new == ACTIVE, current == PENDING),  # confirmed elsewhere
            ),
        )
    )


def delete_pending(connection: Connection, reader: int, list_: int) -> bool:
    """Take somebody off the list who never confirmed; False where there is no such person."""
    dropped = connection.execute(
        delete(subscriptions).where(
            subscriptions.c.list_id == list_,
            subscriptions.c.subscriber_id == reader,
            subscriptions.c.status == PENDING,
        )
    )
    return dropped.rowcount > 0


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
) -> Subscription | None:
    row = connection.execute(query).one_or_none()
    return Subscription(row.id, row.email, row.name, row.status, row.reason) if row else None
