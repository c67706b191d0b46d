"""Alerts to the editor: each is stored once, and stays until it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select, text, update

from newsletter.model import IssueName
from newsletter.store.column_types import ISSUE, Moment
from newsletter.store.leases import is_free
from newsletter.store.schema import alerts

LEASE = timedelta(minutes=5)  # for one attempt to send
KEPT = timedelta(days=3)  # older ones are not sent any more
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=1)  # pause between attempts

# Two processes may add the same alert at once.
_NEW = text(
    "INSERT INTO alerts (newsletter, kind, key, issue, hash, text, made_at) "
    "VALUES (:newsletter, :kind, :key, :issue, :hash, :text, :now) "
    "ON CONFLICT (newsletter, kind, key) DO NOTHING"
).bindparams(bindparam("issue", type_=ISSUE), bindparam("now", type_=Moment))


@dataclass(frozen=True)
class Alert:
    """An alert that this process holds until its lease ends."""

    id: int
    kind: str
    issue: IssueName
    hash: str | None  # of the issue that its link approves
    text: str
    made_at: datetime
    tries: int  # including this one
    mailed: bool  # by an earlier attempt
    posted: bool  # to the webhook, by an earlier attempt


@dataclass(frozen=True)
class UnsentAlert:
    """An alert that could not be sent yet, and why."""

    kind: str
    issue: IssueName
    reason: str


def add(
    connection: Connection,
    newsletter: str,
    kind: str,
    key: str,
    issue: IssueName,
    message: str,
    now: datetime,
    hash_: str | None = None,
) -> bool:
    """Add an alert, in the transaction of what it reports; False if it exists already.

    ``kind`` and ``key`` name what is reported. ``hash_``: of the issue that its link approves.
    """
    values = {"newsletter": newsletter, "kind": kind, "key": key, "issue": issue}
    added = connection.execute(_NEW, {**values, "hash": hash_, "text": message, "now": now})
    return added.rowcount == 1


def exists(connection: Connection, newsletter: str, kind: str, key: str) -> bool:
    """Whether the alert was added already."""
    alert = select(alerts.c.id).where(
        alerts.c.newsletter == newsletter, alerts.c.kind == kind, alerts.c.key == key
    )
    return connection.scalar(alert) is not None


def has_due(connection: Connection, newsletter: str, now: datetime) -> bool:
    """Whether an alert is due now."""
    return connection.scalar(select(alerts.c.id).where(_due(newsletter, now)).limit(1)) is not None


def next_due(connection: Connection, newsletter: str, now: datetime) -> datetime | None:
    """When the next alert is due; ``now`` if one is due already, None if none waits."""
    if has_due(connection, newsletter, now):
        return now
    first = select(func.min(alerts.c.claimed_until)).where(*_unsent(newsletter, now))
    later: datetime | None = connection.scalar(first)
    return later


def claim(connection: Connection, newsletter: str, now: datetime) -> list[Alert]:
    """Claim the alerts that are due, the oldest first."""
    # In PostgreSQL two processes wait for each other's rows here, then check the condition again.
    rows = connection.execute(
        update(alerts)
        .where(_due(newsletter, now))
        .values(claimed_until=now + LEASE, tries=alerts.c.tries + 1)
        .returning(
            alerts.c.id,
            alerts.c.kind,
            alerts.c.issue,
            alerts.c.hash,
            alerts.c.text,
            alerts.c.made_at,
            alerts.c.tries,
            alerts.c.mailed_at,
            alerts.c.posted_at,
        )
    )
    claimed = [
        Alert(
            row.id,
            row.kind,
            row.issue,
            row.hash,
            row.text,
            row.made_at,
            row.tries,
            mailed=row.mailed_at is not None,
            posted=row.posted_at is not None,
        )
        for row in rows
    ]
    return sorted(claimed, key=lambda alert: alert.id)


def mark_mailed(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Record that these alerts were mailed."""
    connection.execute(update(alerts).where(alerts.c.id.in_(ids)).values(mailed_at=now))


def mark_posted(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Record that these alerts were posted to the webhook."""
    connection.execute(update(alerts).where(alerts.c.id.in_(ids)).values(posted_at=now))


def mark_done(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Record that these alerts are sent: nothing is left to do."""
    connection.execute(
        update(alerts)
        .where(alerts.c.id.in_(ids))
        .values(sent_at=now, claimed_until=None, reason=None)
    )


def mark_failed(
    connection: Connection, failed: Sequence[Alert], now: datetime, reason: str
) -> None:
    """Retry these alerts after a pause, which doubles with each attempt."""
    for alert in failed:
        pause = min(LONGEST, SHORTEST * 2 ** min(alert.tries - 1, 10))
        connection.execute(
            update(alerts)
            .where(alerts.c.id == alert.id)
            .values(claimed_until=now + pause, reason=reason)
        )


def unsent(connection: Connection, newsletter: str, now: datetime) -> list[UnsentAlert]:
    """The alerts of the last six days that could not be sent, the oldest first."""
    rows = connection.execute(
        select(alerts.c.kind, alerts.c.issue, alerts.c.reason)
        .where(alerts.c.newsletter == newsletter, alerts.c.sent_at.is_(None))
        .where(alerts.c.reason.is_not(None), alerts.c.made_at > now - 2 * KEPT)
        .order_by(alerts.c.id)
    )
    return [UnsentAlert(*row) for row in rows]


def _due(newsletter: str, now: datetime) -> ColumnElement[bool]:
    """Due to be sent now."""
    return and_(*_unsent(newsletter, now), is_free(alerts.c.claimed_until, now, LONGEST))


def _unsent(newsletter: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Not sent yet, and not too old to send."""
    return (
        alerts.c.newsletter == newsletter,
        alerts.c.sent_at.is_(None),
        alerts.c.made_at > now - KEPT,
    )
