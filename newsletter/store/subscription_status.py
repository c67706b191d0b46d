"""The status of a person on a list. No other module writes the statuses of subscriptions."""

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
    """A person, and their status on one list."""

    reader: int  # the person's id
    email: str | None  # None for an erased person
    name: str
    status: str | None  # None if they are not on the list
    suppressed: str | None  # why the address is never mailed; None if it may be


def find_by_id(connection: Connection, reader: int, list_id: int) -> Subscription | None:
    """The person with that id; None if there is none."""
    return _fetch(connection, _person(list_id).where(subscribers.c.id == reader))


def find_by_address(connection: Connection, email: str, list_name: str) -> Subscription | None:
    """The person with that address; None if there is none. Writes nothing."""
    key = AddressKeys((key_values.get(connection, ADDRESS_KEY) or "").encode()).key(email)
    list_id = connection.scalar(select(lists.c.id).where(lists.c.name == list_name)) or 0
    return _fetch(connection, _person(list_id).where(subscribers.c.address_key == key))


def change(
    connection: Connection,
    reader: int,
    list_id: int,
    status: str,
    now: datetime,
    *,
    revive: bool = True,
) -> bool:
    """Set the person's status on the list; False if nothing changed.

    Without ``revive`` a person who is on the list already can only be unsubscribed.
    """
    key = (subscriptions.c.list_id == list_id, subscriptions.c.subscriber_id == reader)
    current = connection.scalar(select(subscriptions.c.status).where(*key))
    if current is None:
        row = {"list_id": list_id, "subscriber_id": reader, "status": status, "changed_at": now}
        connection.execute(insert(subscriptions).values(row))
        return True
    if current == status or not (revive or status == UNSUBSCRIBED):
        return False
    connection.execute(update(subscriptions).where(*key).values(status=status, changed_at=now))
    return True


def unsubscribe(
    connection: Connection,
    readers: Select[tuple[int]] | Collection[int],
    now: datetime,
    list_id: int | None = None,
    *,
    unless_active_since: datetime | None = None,
) -> int:
    """Unsubscribe people from the list, or from every list; returns how many subscriptions ended.

    ``unless_active_since``: people who became active later stay on the list.
    """
    conditions = [
        subscriptions.c.subscriber_id.in_(readers),
        subscriptions.c.status != UNSUBSCRIBED,
    ]
    if list_id is not None:
        conditions.append(subscriptions.c.list_id == list_id)
    if unless_active_since is not None:
        is_older = subscriptions.c.changed_at <= unless_active_since
        conditions.append(or_(subscriptions.c.status != ACTIVE, is_older))
    ended = connection.execute(
        update(subscriptions).where(*conditions).values(status=UNSUBSCRIBED, changed_at=now)
    )
    return ended.rowcount


def merge(connection: Connection, rows: Select[tuple[int, int, str, datetime]]) -> None:
    """Add many subscriptions in one statement. ``rows``: list, person, status and moment.

    Of two statuses the stricter counts, except that a pending person becomes active.
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


def delete_pending(connection: Connection, reader: int, list_id: int) -> bool:
    """Delete a pending subscription; False if there is none."""
    deleted = connection.execute(
        delete(subscriptions).where(
            subscriptions.c.list_id == list_id,
            subscriptions.c.subscriber_id == reader,
            subscriptions.c.status == PENDING,
        )
    )
    return deleted.rowcount > 0


def _person(list_id: int) -> Select[tuple[int, str | None, str, str | None, str | None]]:
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
                subscriptions.c.subscriber_id == subscribers.c.id,
                subscriptions.c.list_id == list_id,
            ),
        )
        .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
    )


def _fetch(
    connection: Connection, query: Select[tuple[int, str | None, str, str | None, str | None]]
) -> Subscription | None:
    row = connection.execute(query).one_or_none()
    return Subscription(row.id, row.email, row.name, row.status, row.reason) if row else None
