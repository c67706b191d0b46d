"""Sign-ups: stored as they come, answered later, counted for the limits, and then deleted.

Every address gets the same kind of row, so the page's answer cannot depend on whose it is. The
limits count the rows that were answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from newsletter.store import subscription_status
from newsletter.store.address_keys import address_keys
from newsletter.store.leases import is_free
from newsletter.store.lists import lock_lists
from newsletter.store.schema import deliveries, events, signups, subscribers, subscriptions

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(minutes=5)  # for one attempt to answer
KEPT = timedelta(days=3)  # longer than a confirmation link is valid
_BATCH = 10  # mails that surely go out within the lease


@dataclass(frozen=True)
class Signup:
    """A sign-up that this process holds until its lease ends."""

    id: int
    address_key: str
    email: str
    made_at: datetime
    tries: int  # including this one


def add(
    connection: Connection, newsletter: str, email: str, network: str, limit: int, now: datetime
) -> bool:
    """Store a sign-up; False if the network reached the hourly ``limit``."""
    keys = address_keys(connection)
    network_key = keys.key(f"network {network}")
    _lock(connection, network_key)
    recent = and_(signups.c.network == network_key, signups.c.made_at > now - HOUR)
    if _count(connection, recent) >= limit:
        return False
    row = {
        "address_key": keys.mailbox_key(email),
        "network": network_key,
        "email": email,
        "made_at": now,
    }
    connection.execute(insert(signups).values(newsletter=newsletter, **row))
    return True


def has_due(connection: Connection, newsletter: str, now: datetime) -> bool:
    """Whether a sign-up is due to be answered now."""
    due = select(signups.c.id).where(_due(newsletter, now)).limit(1)
    return connection.scalar(due) is not None


def next_due(connection: Connection, newsletter: str, now: datetime) -> datetime | None:
    """When the next sign-up is due to be answered or deleted; ``now`` if one is due already, None
    if there is none.
    """
    if has_due(connection, newsletter, now):
        return now
    own = signups.c.newsletter == newsletter
    lease_end = select(func.min(signups.c.claimed_until)).where(own, signups.c.email.is_not(None))
    newest = case(
        (signups.c.mailed_at > signups.c.made_at, signups.c.mailed_at), else_=signups.c.made_at
    )
    oldest: datetime | None = connection.scalar(select(func.min(newest)).where(own))
    times = (connection.scalar(lease_end), oldest and oldest + KEPT)
    return min((moment for moment in times if moment), default=None)


def claim(connection: Connection, newsletter: str, now: datetime) -> list[Signup]:
    """Claim the oldest sign-ups that are due."""
    oldest = select(signups.c.id).where(_due(newsletter, now)).order_by(signups.c.id)
    rows = connection.execute(
        update(signups)
        .where(signups.c.id.in_(oldest.limit(_BATCH).with_for_update(skip_locked=True)))
        .values(claimed_until=now + LEASE, tries=signups.c.tries + 1)
        .returning(
            signups.c.id, signups.c.address_key, signups.c.email, signups.c.made_at, signups.c.tries
        )
    )
    return sorted((Signup(*row) for row in rows), key=lambda signup: signup.id)


def lock(connection: Connection, newsletter: str) -> None:
    """Until the transaction ends, let no other process answer sign-ups: the counts stay true."""
    _lock(connection, f"signups of {newsletter}")


def count_mails_to(connection: Connection, newsletter: str, signup: Signup, since: datetime) -> int:
    """How many other sign-ups of this mailbox were mailed since ``since``."""
    return _count(
        connection,
        signups.c.newsletter == newsletter,
        signups.c.address_key == signup.address_key,
        signups.c.id != signup.id,
        signups.c.mailed_at > since,
    )


def count_mails(connection: Connection, newsletter: str, since: datetime) -> int:
    """How many mails were sent since ``since``."""
    return _count(connection, signups.c.newsletter == newsletter, signups.c.mailed_at > since)


def mark_mailed(
    connection: Connection, signup: Signup, list_id: int, reader: int, now: datetime, *, new: bool
) -> None:
    """Count the mail that is about to go out. ``new``: the sign-up created the subscription."""
    earlier = exists().where(
        signups.c.subscriber_id == reader, signups.c.list_id == list_id, signups.c.pending
    )
    pending = new or bool(connection.scalar(select(earlier)))
    connection.execute(
        update(signups)
        .where(signups.c.id == signup.id)
        .values(list_id=list_id, subscriber_id=reader, pending=pending, mailed_at=now)
    )


def mark_answered(connection: Connection, signup: Signup) -> None:
    """Record that the sign-up is answered, and delete its address."""
    connection.execute(
        update(signups).where(signups.c.id == signup.id).values(email=None, claimed_until=None)
    )


def postpone(connection: Connection, signup: Signup, until: datetime) -> None:
    """Answer the sign-up no earlier than ``until``."""
    connection.execute(update(signups).where(signups.c.id == signup.id).values(claimed_until=until))


def has_expired(connection: Connection, newsletter: str, now: datetime) -> bool:
    """Whether a sign-up is old enough to delete."""
    return connection.scalar(select(signups.c.id).where(_old(newsletter, now)).limit(1)) is not None


def delete_expired(connection: Connection, newsletter: str, now: datetime) -> int:
    """Delete old sign-ups, and people who never confirmed; returns how many of these."""
    lock_lists(connection)  # so that no process stores their events meanwhile
    old = _old(newsletter, now)
    other = signups.alias()
    has_recent = exists().where(
        other.c.subscriber_id == signups.c.subscriber_id,
        or_(other.c.made_at > now - KEPT, other.c.mailed_at > now - KEPT),
    )
    unconfirmed = connection.execute(
        select(signups.c.list_id, signups.c.subscriber_id).where(
            old, signups.c.pending, ~has_recent
        )
    ).all()
    connection.execute(delete(signups).where(old))
    deleted = 0
    for list_id, reader in set(unconfirmed):
        deleted += subscription_status.delete_pending(connection, reader, list_id)
        _delete_person(connection, reader)
    return deleted


def _lock(connection: Connection, name: str) -> None:
    if connection.dialect.name == "postgresql":  # SQLite allows one writer anyway
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def _delete_person(connection: Connection, reader: int) -> None:
    """Delete a person without subscriptions, deliveries or sign-ups, and detach their events."""
    is_used = or_(
        *(
            exists().where(table.c.subscriber_id == reader)
            for table in (subscriptions, deliveries, signups)
        )
    )
    if connection.scalar(select(is_used)):
        return
    theirs = events.c.subscriber_id == reader
    connection.execute(update(events).where(theirs).values(subscriber_id=None, raw=None))
    connection.execute(delete(subscribers).where(subscribers.c.id == reader))


def _count(connection: Connection, *where: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(signups).where(*where)) or 0


def _old(newsletter: str, now: datetime) -> ColumnElement[bool]:
    mailed = signups.c.mailed_at  # perhaps long after, if the provider took nothing
    return and_(
        signups.c.newsletter == newsletter,
        signups.c.made_at <= now - KEPT,
        or_(mailed.is_(None), mailed <= now - KEPT),
    )


def _due(newsletter: str, now: datetime) -> ColumnElement[bool]:
    """Due to be answered now."""
    return and_(
        signups.c.newsletter == newsletter,
        signups.c.email.is_not(None),
        is_free(signups.c.claimed_until, now, DAY),
    )
