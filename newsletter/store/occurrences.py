"""Occurrences: each due moment is one row, and whoever gets the row acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from newsletter.store.schema import occurrences


class State(StrEnum):
    """What became of a due moment."""

    STARTED = "started"
    WAITING = "waiting"  # could not be done yet; tried again until the grace is over
    DONE = "done"
    SKIPPED = "skipped"
    MISSED = "missed"


FINAL = (State.DONE, State.SKIPPED, State.MISSED)
LEASE = timedelta(minutes=10)  # for one gather, or one go at a send


@dataclass(frozen=True)
class Claimed:
    """A moment in our hands; ``reason``: what it waited for until now."""

    id: int
    reason: str | None


@dataclass(frozen=True)
class Occurrence:
    """One due moment and what became of it."""

    id: int
    kind: str
    day: str
    issue: str
    due_at: datetime
    state: State
    reason: str | None


def claim(
    connection: Connection,
    newsletter: str,
    kind: str,
    day: str,
    issue: str,
    due_at: datetime,
    now: datetime,
) -> Claimed | None:
    """Take the moment in hand; None where it is done already, or in another's hands."""
    key = (
        occurrences.c.newsletter == newsletter,
        occurrences.c.kind == kind,
        occurrences.c.day == day,
    )
    try:
        with connection.begin_nested():
            made = connection.execute(
                insert(occurrences)
                .values(
                    newsletter=newsletter,
                    kind=kind,
                    day=day,
                    issue=issue,
                    due_at=due_at,
                    state=State.STARTED,
                    lease_until=now + LEASE,
                    changed_at=now,
                )
                .returning(occurrences.c.id)
            )
            return Claimed(made.scalar_one(), None)
    except IntegrityError:
        free = or_(occurrences.c.lease_until.is_(None), occurrences.c.lease_until <= now)
        again = connection.execute(
            update(occurrences)
            .where(*key, free, occurrences.c.state.not_in(FINAL))
            .values(state=State.STARTED, lease_until=now + LEASE, changed_at=now)
            .returning(occurrences.c.id, occurrences.c.reason)
        ).one_or_none()
        return Claimed(again.id, again.reason) if again else None


def settle(
    connection: Connection,
    number: int,
    state: State,
    now: datetime,
    reason: str | None = None,
    again_at: datetime | None = None,
) -> None:
    """Say what became of a moment; one that waits is free again at ``again_at``."""
    connection.execute(
        update(occurrences)
        .where(occurrences.c.id == number)
        .values(state=state, reason=reason, lease_until=again_at, changed_at=now)
    )


def miss(
    connection: Connection,
    newsletter: str,
    kind: str,
    day: str,
    issue: str,
    due_at: datetime,
    now: datetime,
    reason: str,
) -> bool:
    """Write down that the moment went by; False where that, or its end, is known already."""
    claimed = claim(connection, newsletter, kind, day, issue, due_at, now)
    if claimed is None:
        return False
    settle(connection, claimed.id, State.MISSED, now, reason)
    return True


def recent(connection: Connection, newsletter: str, most: int = 10) -> list[Occurrence]:
    """The last moments, the newest first."""
    rows = connection.execute(
        select(
            occurrences.c.id,
            occurrences.c.kind,
            occurrences.c.day,
            occurrences.c.issue,
            occurrences.c.due_at,
            occurrences.c.state,
            occurrences.c.reason,
        )
        .where(occurrences.c.newsletter == newsletter)
        .order_by(occurrences.c.due_at.desc())
        .limit(most)
    )
    return [Occurrence(*row[:5], State(row.state), row.reason) for row in rows]


def states(
    connection: Connection, newsletter: str, since: datetime
) -> dict[tuple[str, str], State]:
    """Kind and day → state, of the moments since then: what a tick need not look at again."""
    rows = connection.execute(
        select(occurrences.c.kind, occurrences.c.day, occurrences.c.state).where(
            occurrences.c.newsletter == newsletter, occurrences.c.due_at >= since
        )
    )
    return {(row.kind, row.day): State(row.state) for row in rows}
