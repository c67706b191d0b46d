"""People and their subscriptions. An address is stored once, in its normal form.

A keyed hash of the address stands beside it; when somebody is erased, only that stays, so that
they are never mailed again, not even when imported anew. ``imports`` puts many on a list at once.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, ScalarSelect, and_, delete, insert, or_, select, update

from newsletter.model import Status
from newsletter.store import key_values
from newsletter.store.erasure import blank, forget_events
from newsletter.store.schema import lists, signups, subscribers, subscriptions, suppressions

ACTIVE, PENDING, UNSUBSCRIBED = "active", "pending", "unsubscribed"
ADDRESS_KEY = "address key"  # a fact: no two databases have the same, but for copies
ERASED = "erased at their own wish"

_AT_ONCE = 1_000  # people fetched from the database at a time
_SUPPRESSING = {status.word for status in Status if status.suppresses}


@dataclass(frozen=True)
class Person:
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


class Keys:
    """Addresses → the keyed hashes (HMAC with SHA-256) that stand for them."""

    def __init__(self, salt: bytes) -> None:
        self._hmac = hmac.new(salt, digestmod="sha256")

    def key(self, email: str) -> str:
        """64 hexadecimal digits; the same for an address in capitals."""
        digest = self._hmac.copy()  # the key's part of the work is done once
        digest.update(email.lower().encode())
        return digest.hexdigest()

    def mailbox_key(self, email: str) -> str:
        """One for all addresses that may well lead to one mailbox: most servers look at no +tag,
        some at no dot.
        """
        local, _, domain = email.rpartition("@")
        name = local.partition("+")[0].replace(".", "") or local
        return self.key(f"mailbox {name}@{domain}")


def address_keys(connection: Connection) -> Keys:
    """Those of this database, made at first use."""
    known = key_values.find(connection, ADDRESS_KEY)
    return Keys((known or key_values.once(connection, ADDRESS_KEY, secrets.token_hex(32))).encode())


class People:
    """The people of one list, within an open transaction."""

    def __init__(self, connection: Connection, list_name: str) -> None:
        self._connection = connection
        self.keys = address_keys(connection)
        self.list_id = list_id(connection, list_name)

    def add(self, email: str, name: str, status: str, now: datetime, *, revive: bool) -> str | None:
        """Put a person on the list; the reason where that is refused.

        ``revive`` makes somebody active again who had unsubscribed: a person's own doing.
        """
        key = self.keys.key(email)
        lock_lists(self._connection, shared=True)  # nobody is erased meanwhile
        if self.suppressed(email) == ERASED:
            return "this address was erased at the person's own wish and is never mailed again"
        person = self._person(key, email, name, now)
        subscription = (
            subscriptions.c.list_id == self.list_id,
            subscriptions.c.subscriber_id == person,
        )
        held = self._connection.scalar(select(subscriptions.c.status).where(*subscription))
        if held is None:
            self._connection.execute(
                insert(subscriptions).values(
                    list_id=self.list_id, subscriber_id=person, status=status, changed_at=now
                )
            )
        elif held != status and (status == UNSUBSCRIBED or revive):
            self._connection.execute(
                update(subscriptions).where(*subscription).values(status=status, changed_at=now)
            )
        return None

    def suppressed(self, email: str) -> str | None:
        """Why the address is never mailed, on any list; None where it may be."""
        key = self.keys.key(email)
        reason: str | None = self._connection.scalar(
            select(suppressions.c.reason).where(suppressions.c.address_key == key)
        )
        return reason

    def permit(self, email: str, now: datetime | None = None) -> None:
        """Lift a suppression; that of somebody who was erased stays.

        What providers report from before ``now`` does not bring it back.
        """
        key = self.keys.key(email)
        self._connection.execute(
            delete(suppressions).where(
                suppressions.c.address_key == key, suppressions.c.reason != ERASED
            )
        )
        self._connection.execute(
            update(subscribers)
            .where(subscribers.c.address_key == key, subscribers.c.email.is_not(None))
            .values(permitted_at=now or datetime.now(UTC))
        )

    def remove(self, email: str, now: datetime) -> bool:
        """Unsubscribe the person from the list; False where they were not active or pending."""
        person = (
            select(subscribers.c.id)
            .where(subscribers.c.address_key == self.keys.key(email))
            .scalar_subquery()
        )
        changed = self._connection.execute(
            update(subscriptions)
            .where(
                subscriptions.c.list_id == self.list_id,
                subscriptions.c.subscriber_id == person,
                subscriptions.c.status != UNSUBSCRIBED,
            )
            .values(status=UNSUBSCRIBED, changed_at=now)
        )
        return changed.rowcount > 0

    def erase(self, email: str, now: datetime) -> bool:
        """Forget the person, also in what providers said of them; only the keyed hash stays.

        False where nobody had the address.
        """
        lock_lists(self._connection)
        key = self.keys.key(email)
        forget_events(self._connection, key)
        blank(self._connection, email, key)
        theirs = and_(
            signups.c.email.is_(None), signups.c.address_key == self.keys.mailbox_key(email)
        )
        self._connection.execute(delete(signups).where(or_(signups.c.email == email, theirs)))
        known = self._connection.execute(
            update(subscribers)
            .where(subscribers.c.address_key == key, subscribers.c.email.is_not(None))
            .values(email=None, name="")
        ).rowcount
        row = {"reason": ERASED, "created_at": now}
        if self.suppressed(email) is None:
            self._connection.execute(insert(suppressions).values(address_key=key, **row))
        else:
            self._connection.execute(
                update(suppressions).where(suppressions.c.address_key == key).values(**row)
            )
        person = select(subscribers.c.id).where(subscribers.c.address_key == key)
        self._connection.execute(
            update(subscriptions)
            .where(subscriptions.c.subscriber_id.in_(person))
            .where(subscriptions.c.status != UNSUBSCRIBED)  # who left before left then
            .values(status=UNSUBSCRIBED, changed_at=now)
        )
        return known > 0

    def everyone(self) -> Iterator[Person]:
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
        return (Person(*row) for row in rows)

    def _person(self, key: str, email: str, name: str, now: datetime) -> int:
        found = self._connection.execute(
            select(subscribers.c.id, subscribers.c.name).where(subscribers.c.address_key == key)
        ).one_or_none()
        if found is None:
            made = self._connection.execute(
                insert(subscribers)
                .values(email=email, name=name, address_key=key, created_at=now)
                .returning(subscribers.c.id)
            )
            number: int = made.scalar_one()
            return number
        if name and name != found.name:
            self._connection.execute(
                update(subscribers).where(subscribers.c.id == found.id).values(name=name)
            )
        return int(found.id)


def lock_lists(connection: Connection, *, shared: bool = False) -> None:
    """Until the transaction ends, nobody puts people on a list, or is erased.

    ``shared``: with others who only keep erasures out, so that what they write of a person does
    not come too late. In SQLite nobody else writes meanwhile anyway.
    """
    if connection.dialect.name != "sqlite":
        every = select(lists.c.id).order_by(lists.c.id)
        connection.execute(every.with_for_update(read=shared))


def list_named(name: str) -> ScalarSelect[int]:
    """The number of the list of that name, as a query; NULL where there is no such list yet."""
    return select(lists.c.id).where(lists.c.name == name).scalar_subquery()


def list_id(connection: Connection, name: str) -> int:
    """The number of the list, which is made where it is new."""
    found = connection.scalar(select(lists.c.id).where(lists.c.name == name))
    if found is None:
        made = connection.execute(insert(lists).values(name=name).returning(lists.c.id))
        found = made.scalar_one()
    return int(found)
