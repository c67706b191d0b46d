"""Corrections of an issue: rows beside the send, which never changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from newsletter.model import Change, Correction, IssueName
from newsletter.model.archive import ChangeKind
from newsletter.store.schema import corrections, sends


def add(
    connection: Connection,
    send_id: int,
    changes: Sequence[Change],
    now: datetime,
    *,
    note: str,
    mailed: bool,
) -> Correction:
    """Store a correction of an issue, under the next number."""
    send = connection.execute(
        select(sends.c.newsletter, sends.c.issue).where(sends.c.id == send_id).with_for_update()
    ).one()
    last = select(func.max(corrections.c.number)).where(
        corrections.c.newsletter == send.newsletter, corrections.c.issue == send.issue
    )
    correction = Correction((connection.scalar(last) or 0) + 1, now, note, tuple(changes), mailed)
    connection.execute(
        insert(corrections).values(
            newsletter=send.newsletter,
            issue=send.issue,
            number=correction.number,
            note=note,
            changes=[[change.kind, change.old, change.new] for change in changes],
            mailed=mailed,
            made_at=now,
        )
    )
    return correction


def withdraw(
    connection: Connection, newsletter: str, issue: IssueName, number: int, now: datetime
) -> bool:
    """Withdraw the correction; False if there is none, or it was withdrawn already."""
    withdrawn = connection.execute(
        update(corrections)
        .where(corrections.c.newsletter == newsletter, corrections.c.issue == issue)
        .where(corrections.c.number == number, corrections.c.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
    return withdrawn.rowcount > 0


def for_issue(connection: Connection, newsletter: str, issue: IssueName) -> tuple[Correction, ...]:
    """The corrections of an issue in order, including withdrawn ones."""
    return tuple(by_issue(connection, newsletter).get(issue, ()))


def by_issue(connection: Connection, newsletter: str) -> dict[IssueName, list[Correction]]:
    """Issue → its corrections in order, including withdrawn ones."""
    by_name = defaultdict(list)
    for row in connection.execute(
        select(corrections)
        .where(corrections.c.newsletter == newsletter)
        .order_by(corrections.c.issue, corrections.c.number)
    ):
        by_name[row.issue].append(_read(row))
    return by_name


def _read(row: Any) -> Correction:
    changes = tuple(Change(ChangeKind(kind), old, new) for kind, old, new in row.changes)
    return Correction(row.number, row.made_at, row.note, changes, row.mailed, row.withdrawn_at)
