"""People and their lists. An address is stored once, in its normal form, with a keyed hash.

When a person is erased, only the hash stays, so that they are never mailed again, not even after
another import. ``subscriber_import`` adds many people to a list at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from newsletter.model import Status
from newsletter.store import subscription_status, suppression
from newsletter.store.address_keys import address_keys
from newsletter.store.bulk import chunks
from newsletter.store.erasure import anonymize_events, blank_address
from newsletter.store.lists import ensure_list, lock_lists
from newsletter.store.schema import signups, subscribers, subscriptions, suppressions
from newsletter.store.suppression import ERASED

_CHUNK = 1_000  # people fetched from the database at a time
_SUPPRESSING = {status.word for status in Status if status.suppresses}


@dataclass(frozen=True)
class Subscriber:
    """One person on one list."""

    email: str
    name: str
    status: str
    since: datetime  # when the status last changed
    suppressed: str | None = None  # why the address is never mailed; None if it may be

    @property
    def word(self) -> str:
        """The person's status as one word that an import understands."""
        if self.suppressed is None:
            return self.status
        return self.suppressed if self.suppressed in _SUPPRESSING else Status.BLOCKED.word


class Subscribers:
    """The people on one list, within an open transaction."""

    def __init__(self, connection: Connection, list_name: str) -> None:
        self._connection = connection
        self.keys = address_keys(connection)
        self.list_id = ensure_list(connection, list_name)

    def add(self, email: str, name: str, status: str, now: datetime, *, revive: bool) -> str | None:
        """Add a person to the list; returns why if that is refused.

        ``revive`` makes an unsubscribed person active again; only that person may ask for it.
        """
        key = self.keys.key(email)
        lock_lists(self._connection, shared=True)  # keeps out erasures
        if self.suppression_reason(email) == ERASED:
            return "this address was erased at the person's own wish and is never mailed again"
        person = self._person(key, email, name, now)
        subscription_status.change(
            self._connection, person, self.list_id, status, now, revive=revive
        )
        return None

    def suppression_reason(self, email: str) -> str | None:
        """Why the address is never mailed on any list; None if it may be."""
        return suppression.reason(self._connection, self.keys.key(email))

    def lift_suppression(self, email: str, now: datetime | None = None) -> None:
        """Lift a suppression, except that of an erased person.

        Provider events from before ``now`` do not suppress the address again.
        """
        suppression.lift(self._connection, self.keys.key(email), now or datetime.now(UTC))

    def remove(self, email: str, now: datetime) -> bool:
        """Unsubscribe the person from the list; False if they were not active or pending."""
        person = select(subscribers.c.id).where(subscribers.c.address_key == self.keys.key(email))
        return subscription_status.unsubscribe(self._connection, person, now, self.list_id) > 0

    def erase(self, email: str, now: datetime) -> bool:
        """Erase the person, also from provider events; only the keyed hash of the address stays.

        Returns False if the address was not stored.
        """
        lock_lists(self._connection)
        key = self.keys.key(email)
        anonymize_events(self._connection, key)
        blank_address(self._connection, email, key)
        answered = and_(
            signups.c.email.is_(None), signups.c.address_key == self.keys.mailbox_key(email)
        )
        self._connection.execute(delete(signups).where(or_(signups.c.email == email, answered)))
        blanked = self._connection.execute(
            update(subscribers)
            .where(subscribers.c.address_key == key, subscribers.c.email.is_not(None))
            .values(email=None, name="")
        ).rowcount
        suppression.suppress_erased(self._connection, key, now)
        person = select(subscribers.c.id).where(subscribers.c.address_key == key)
        subscription_status.unsubscribe(self._connection, person, now)
        return blanked > 0

    def everyone(self) -> Iterator[Subscriber]:
        """Everyone on the list, by address, without erased people."""
        rows = self._connection.execute(
            select(
                subscribers.c.email,
                subscribers.c.name,
                subscriptions.c.status,
                subscriptions.c.changed_at,
                suppressions.c.reason,
            )
            .join_from(subscriptions, subscribers)
            .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
            .where(subscriptions.c.list_id == self.list_id, subscribers.c.email.is_not(None))
            .order_by(subscribers.c.email),
            execution_options={"yield_per": _CHUNK},
        )
        return (Subscriber(*row) for row in rows)

    def _person(self, key: str, email: str, name: str, now: datetime) -> int:
        person = self._connection.execute(
            select(subscribers.c.id, subscribers.c.name).where(subscribers.c.address_key == key)
        ).one_or_none()
        if person is None:
            new = insert(subscribers).values(
                email=email, name=name, address_key=key, created_at=now
            )
            number = self._connection.execute(new.returning(subscribers.c.id)).scalar_one()
            return int(number)
        if name and name != person.name:
            self._connection.execute(
                update(subscribers).where(subscribers.c.id == person.id).values(name=name)
            )
        return int(person.id)


def ids_by_name(connection: Connection, keys: Mapping[str, str]) -> dict[str, int]:
    """Name → id of the person, for ``keys`` (name → keyed hash of an address)."""
    names = {key: name for name, key in keys.items()}
    ids: dict[str, int] = {}
    for chunk in chunks(names):
        rows = connection.execute(
            select(subscribers.c.address_key, subscribers.c.id).where(
                subscribers.c.address_key.in_(chunk), subscribers.c.email.is_not(None)
            )
        )
        ids.update((names[key], id_) for key, id_ in rows)
    return ids


def rename(connection: Connection, reader: int, name: str) -> None:
    """Set the person's name, unless they were erased."""
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == reader, subscribers.c.email.is_not(None))
        .values(name=name)
    )
