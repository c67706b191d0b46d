"""Approvals of an issue. Each is for one hash, and so for exactly those bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, text

from newsletter.model import IssueName
from newsletter.store.column_types import Moment
from newsletter.store.schema import approvals, used_links

# Two requests may use the same link at once.
_USE = text(
    "INSERT INTO used_links (nonce, used_at) VALUES (:nonce, :now) ON CONFLICT (nonce) DO NOTHING"
).bindparams(bindparam("now", type_=Moment))


@dataclass(frozen=True)
class Approval:
    """Who approved which hash, and when."""

    hash: str
    by: str
    at: datetime


def approve(
    connection: Connection, newsletter: str, issue: IssueName, hash_: str, by: str, now: datetime
) -> None:
    """Approve the hash. This replaces an earlier approval."""
    withdraw(connection, newsletter, issue)
    connection.execute(
        insert(approvals).values(
            newsletter=newsletter, issue=issue, hash=hash_, approved_by=by, approved_at=now
        )
    )


def withdraw(connection: Connection, newsletter: str, issue: IssueName) -> bool:
    """Withdraw the approval; False if there was none."""
    withdrawn = connection.execute(
        delete(approvals).where(approvals.c.newsletter == newsletter, approvals.c.issue == issue)
    )
    return withdrawn.rowcount > 0


def find(connection: Connection, newsletter: str, issue: IssueName) -> Approval | None:
    """The approval of an issue, whatever its hash; None if there is none."""
    row = connection.execute(
        select(approvals.c.hash, approvals.c.approved_by, approvals.c.approved_at).where(
            approvals.c.newsletter == newsletter, approvals.c.issue == issue
        )
    ).one_or_none()
    return Approval(row.hash, row.approved_by, row.approved_at) if row else None


def use_link(connection: Connection, nonce: str, now: datetime) -> bool:
    """Record that a link is used; False if it was used already."""
    added = connection.execute(_USE, {"nonce": nonce, "now": now})
    return added.rowcount == 1


def is_link_used(connection: Connection, nonce: str) -> bool:
    """Whether a link was used."""
    link = select(used_links.c.nonce).where(used_links.c.nonce == nonce)
    return connection.scalar(link) is not None
