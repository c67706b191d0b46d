"""Approvals: somebody has looked at exactly these bytes. Any other hash is not approved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from newsletter.store.schema import approvals


@dataclass(frozen=True)
class Approval:
    """Who approved which hash, and when."""

    hash: str
    by: str
    at: datetime


def approve(
    connection: Connection, newsletter: str, issue: str, hash_: str, by: str, now: datetime
) -> None:
    """Approve the hash; it takes the place of an earlier approval."""
    withdraw(connection, newsletter, issue)
    connection.execute(
        insert(approvals).values(
            newsletter=newsletter, issue=issue, hash=hash_, approved_by=by, approved_at=now
        )
    )


def withdraw(connection: Connection, newsletter: str, issue: str) -> bool:
    """Take the approval back; False where there was none."""
    gone = connection.execute(
        delete(approvals).where(approvals.c.newsletter == newsletter, approvals.c.issue == issue)
    )
    return gone.rowcount > 0


def find(connection: Connection, newsletter: str, issue: str) -> Approval | None:
    """The approval of an issue, of whatever hash."""
    row = connection.execute(
        select(approvals.c.hash, approvals.c.approved_by, approvals.c.approved_at).where(
            approvals.c.newsletter == newsletter, approvals.c.issue == issue
        )
    ).one_or_none()
    return Approval(row.hash, row.approved_by, row.approved_at) if row else None
