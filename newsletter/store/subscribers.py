"""People and their lists. An address is stored once, in its normal form.

A keyed hash of the address stands beside it; when somebody is erased, only that stays, so that
they are never mailed again, not even when imported anew. ``subscriber_import`` puts many on a list
at once.
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

_AT_ONCE = 1_000  # people fetched from the database at a time
_SUPPRESSING = {status.word for status in Status if status.suppresses}


@dataclass(frozen=True)
class Subscriber:
    """One subscriber on one list. ``suppressed``: why the address is never mailed, if it is not."""

    email: str
    name: str
    status: str
    since: datetime
    suppressed: str | None = None

    @property
    def word(self) -> str:
        """What they are in one word, which an import understands."""
        if self.suppressed is None:
            return self.status
        return self.suppressed if self.suppressed in _SUPPRESSING else Status.BLOCKED.word


class Subscribers:
    """The people of one list, within an open transaction."""

    def __init__(self, connection: Connection, list_name: str) -> None:
        self._connection = connection
        self.keys = address_keys(connection)
        self.list_id = ensure_list(connection, list_name)

    def add(self, email: str, name: str, status: str, now: datetime, *, revive: bool) -> str | None:
        """Put a person on the list; the reason where that is refused.

        ``revive`` makes somebody active again who had unsubscribed: a person's own doing.
        """
        key = self.keys.key(email)
        lock_lists(self._connection, shared=True)  # nobody is erased meanwhile
        if self.suppression_reason(email) == ERASED:
            return "this address was erased at the person's own wish and is never mailed again"
        person = self._person(key, email, name, now)
        subscription_status.change(
            self._connection, person, self.list_id, status, now, revive=revive
        )
        return None

    def suppression_reason(self, email: str) -> str | None:
        """Why the address is never mailed, on any list; None where it may be."""
        return suppression.reason(self._connection, self.keys.key(email))

    def lift_suppression(self, email: str, now: datetime | None = None) -> None:
        """Lift a suppression; that of somebody who was erased stays.

        What providers report from before ``now`` does not bring it back.
        """
        suppression.lift(self._connection, self.keys.key(email), now or datetime.now(UTC))

    def remove(self, email: str, now: datetime) -> bool:
        """Unsubscribe the person from the list; False where they were not active or pending."""
        person = select(subscribers.c.id).where(subscribers.c.address_key == self.keys.key(email))
        return subscription_status.unsubscribe(self._connection, person, now, self.list_id) > 0

    def erase(self, email: str, now: datetime) -> bool:
        """Forget the person, also in what providers said of them; only the keyed hash stays.

        False where nobody had the address.
        """
        lock_lists(self._connection)
        key = self.keys.key(email)
        anonymize_events(self._connection, key)
        blank_address(self._connection, email, key)
        theirs = and_(
            signups.c.email.is_(None), signups.c.address_key == self.keys.mailbox_key(email)
        )
        self._connection.execute(delete(signups).where(or_(signups.c.email == email, theirs)))
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
        """Everybody on the list, by address; who was erased is nobody any more."""
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
            execution_options={"yield_per": _AT_ONCE},
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
    """By the names in ``keys`` (name → keyed hash of an address): the number of the person."""
    names = {key: name for name, key in keys.items()}
    by_name: dict[str, int] = {}
    for part in chunks(names):
        rows = connection.execute(
            select(subscribers.c.address_key, subscribers.c.id).where(
                subscribers.c.address_key.in_(part), subscribers.c.email.is_not(None)
            )
        )
        by_name.update((names[key], number) for key, number in rows)
    return by_name


def rename(connection: Connection, reader: int, name: str) -> None:
    """The person's name is this now; somebody who was erased gets none."""
    connection.execute(
        update(subscribers)
        .where(subscribers.c.id == reader, subscribers.c.email.is_not(None))
        .values(name=name)
    )
