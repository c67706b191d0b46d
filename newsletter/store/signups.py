"""Sign-ups: kept as they come, answered afterwards, counted for a while, and then forgotten.

Whoever the address belongs to, the same row is written: nothing in the answer of the page can
depend on it. The rows that were answered are what the limits count.
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
LEASE = timedelta(minutes=5)  # for one go at answering
KEPT = timedelta(days=3)  # longer than a link to confirm works
_AT_ONCE = 10  # as many mails as surely go out within the lease


@dataclass(frozen=True)
class Signup:
    """A sign-up in our hands."""

    id: int
    address_key: str
    email: str
    made_at: datetime
    tries: int  # with this one


def add(
    connection: Connection, newsletter: str, email: str, network: str, most: int, now: datetime
) -> bool:
    """Keep a sign-up; False where ``most`` came from that network within the hour."""
    keys = address_keys(connection)
    where = keys.key(f"network {network}")
    _take_turns(connection, where)
    came = select(func.count()).where(signups.c.network == where, signups.c.made_at > now - HOUR)
    if (connection.scalar(came) or 0) >= most:
        return False
    row = {"address_key": keys.mailbox_key(email), "network": where, "email": email, "made_at": now}
    connection.execute(insert(signups).values(newsletter=newsletter, **row))
    return True


def has_due(connection: Connection, newsletter: str, now: datetime) -> bool:
    """Whether there is one to be answered now."""
    query = select(signups.c.id).where(_due(newsletter, now)).limit(1)
    return connection.scalar(query) is not None


def next_due(connection: Connection, newsletter: str, now: datetime) -> datetime | None:
    """When a sign-up is next to be answered or forgotten: ``now`` for at once; None if there is
    none.
    """
    if has_due(connection, newsletter, now):
        return now
    mine = signups.c.newsletter == newsletter
    later = select(func.min(signups.c.claimed_until)).where(mine, signups.c.email.is_not(None))
    newest = case(
        (signups.c.mailed_at > signups.c.made_at, signups.c.mailed_at), else_=signups.c.made_at
    )
    oldest: datetime | None = connection.scalar(select(func.min(newest)).where(mine))
    times = (connection.scalar(later), oldest and oldest + KEPT)
    return min((moment for moment in times if moment), default=None)


def claim(connection: Connection, newsletter: str, now: datetime) -> list[Signup]:
    """Take the oldest that wait in hand; nobody else gets them meanwhile."""
    oldest = select(signups.c.id).where(_due(newsletter, now)).order_by(signups.c.id)
    rows = connection.execute(
        update(signups)
        .where(signups.c.id.in_(oldest.limit(_AT_ONCE).with_for_update(skip_locked=True)))
        .values(claimed_until=now + LEASE, tries=signups.c.tries + 1)
        .returning(
            signups.c.id, signups.c.address_key, signups.c.email, signups.c.made_at, signups.c.tries
        )
    )
    return sorted((Signup(*row) for row in rows), key=lambda signup: signup.id)


def lock(connection: Connection, newsletter: str) -> None:
    """Have others wait until this transaction is over: what it counts must stay true."""
    _take_turns(connection, f"signups of {newsletter}")


def count_mails_to(connection: Connection, newsletter: str, signup: Signup, since: datetime) -> int:
    """How many others of this mailbox have brought a mail since then."""
    return _count(
        connection,
        signups.c.newsletter == newsletter,
        signups.c.address_key == signup.address_key,
        signups.c.id != signup.id,
        signups.c.mailed_at > since,
    )


def count_mails(connection: Connection, newsletter: str, since: datetime) -> int:
    """How many mails went to anybody since then."""
    return _count(connection, signups.c.newsletter == newsletter, signups.c.mailed_at > since)


def mark_mailed(
    connection: Connection, signup: Signup, list_: int, reader: int, now: datetime, *, new: bool
) -> None:
    """A mail is about to go out, and counts from now on. ``new``: their subscription is, too."""
    earlier = exists().where(
        signups.c.subscriber_id == reader, signups.c.list_id == list_, signups.c.pending
    )
    is_new = new or bool(connection.scalar(select(earlier)))
    connection.execute(
        update(signups)
        .where(signups.c.id == signup.id)
        .values(list_id=list_, subscriber_id=reader, pending=is_new, mailed_at=now)
    )


def mark_answered(connection: Connection, signup: Signup) -> None:
    """It is answered; the address goes."""
    connection.execute(
        update(signups).where(signups.c.id == signup.id).values(email=None, claimed_until=None)
    )


def postpone(connection: Connection, signup: Signup, until: datetime) -> None:
    """It is answered no earlier than then."""
    connection.execute(update(signups).where(signups.c.id == signup.id).values(claimed_until=until))


def has_expired(connection: Connection, newsletter: str, now: datetime) -> bool:
    """Whether there is something to forget."""
    return connection.scalar(select(signups.c.id).where(_old(newsletter, now)).limit(1)) is not None


def delete_expired(connection: Connection, newsletter: str, now: datetime) -> int:
    """Drop what is old, and who has signed up and never confirmed; how many these were."""
    lock_lists(connection)  # nothing is reported of them meanwhile
    old = _old(newsletter, now)
    young = signups.alias()
    again = exists().where(
        young.c.subscriber_id == signups.c.subscriber_id,
        or_(young.c.made_at > now - KEPT, young.c.mailed_at > now - KEPT),
    )
    never = connection.execute(
        select(signups.c.list_id, signups.c.subscriber_id).where(old, signups.c.pending, ~again)
    ).all()
    connection.execute(delete(signups).where(old))
    gone = 0
    for list_, reader in set(never):
        gone += subscription_status.delete_pending(connection, reader, list_)
        _forget_person(connection, reader)
    return gone


def _take_turns(connection: Connection, what: str) -> None:
    if connection.dialect.name == "postgresql":  # SQLite lets one write at a time anyway
        turn = text("SELECT pg_advisory_xact_lock(hashtext(:what))")
        connection.execute(turn, {"what": what})


def _forget_person(connection: Connection, reader: int) -> None:
    """Drop the person, with what was reported of the mail to them, if nothing else knows them."""
    is_known = or_(
        *(
            exists().where(table.c.subscriber_id == reader)
            for table in (subscriptions, deliveries, signups)
        )
    )
    if connection.scalar(select(is_known)):
        return
    theirs = events.c.subscriber_id == reader
    connection.execute(update(events).where(theirs).values(subscriber_id=None, raw=None))
    connection.execute(delete(subscribers).where(subscribers.c.id == reader))


def _count(connection: Connection, *where: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(signups).where(*where)) or 0


def _old(newsletter: str, now: datetime) -> ColumnElement[bool]:
    mailed = signups.c.mailed_at  # perhaps long after, while the provider took nothing
    return and_(
        signups.c.newsletter == newsletter,
        signups.c.made_at <= now - KEPT,
        or_(mailed.is_(None), mailed <= now - KEPT),
    )


def _due(newsletter: str, now: datetime) -> ColumnElement[bool]:
    """To be answered now."""
    return and_(
        signups.c.newsletter == newsletter,
        signups.c.email.is_not(None),
        is_free(signups.c.claimed_until, now, DAY),
    )
