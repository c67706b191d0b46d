"""Occurrences: each due moment is one row, and the process that claims the row acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, insert, not_, or_, select, update
from sqlalchemy.exc import IntegrityError

from newsletter.model import IssueName
from newsletter.store.leases import is_free
from newsletter.store.schema import occurrences


class OccurrenceState(StrEnum):
    """The state of a due moment."""

    STARTED = "started"
    WAITING = "waiting"  # cannot be done yet; retried until the grace ends
    DONE = "done"
    HELD = "held"  # of a deadline: nobody approved, so the send waits for a person
    SKIPPED = "skipped"
    MISSED = "missed"


FINAL = (
    OccurrenceState.DONE,
    OccurrenceState.HELD,
    OccurrenceState.SKIPPED,
    OccurrenceState.MISSED,
)
UNDONE = (OccurrenceState.HELD, OccurrenceState.SKIPPED, OccurrenceState.MISSED)
LEASE = timedelta(minutes=10)  # for one gather; no lease is longer
_MOVED = occurrences.c.moved_to


@dataclass(frozen=True)
class DueMoment:
    """A moment of the timetable that is due."""

    newsletter: str
    kind: str
    day: str  # the local date, with the time for a second one on that date
    issue: IssueName
    at: datetime


@dataclass(frozen=True)
class OccurrenceClaim:
    """A moment that this process holds until its lease ends."""

    id: int
    reason: str | None  # why it has waited until now


@dataclass(frozen=True)
class Occurrence:
    """One due moment, and its state."""

    id: int
    kind: str
    day: str
    issue: IssueName
    due_at: datetime
    state: OccurrenceState
    reason: str | None
    changed_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether nothing is left to do. An end set by a clock that ran ahead does not count."""
        from_future = self.state in UNDONE and self.changed_at > now + LEASE
        return self.state in FINAL and not from_future


def claim(
    connection: Connection, due: DueMoment, now: datetime, lease: timedelta = LEASE
) -> OccurrenceClaim | None:
    """Claim the moment; None if it is over, claimed already, or put off."""
    return _claim(connection, due, now, lease, _MOVED.is_(None) | (now >= _MOVED))


def extend_lease(connection: Connection, number: int, now: datetime, lease: timedelta) -> None:
    """Let the lease of a claimed moment end at ``now`` + ``lease``."""
    connection.execute(
        update(occurrences)
        .where(occurrences.c.id == number, occurrences.c.state == OccurrenceState.STARTED)
        .values(lease_until=now + lease)
    )


def settle(
    connection: Connection,
    number: int,
    state: OccurrenceState,
    now: datetime,
    reason: str | None = None,
    retry_at: datetime | None = None,
) -> None:
    """Record the state of a moment. One that waits can be claimed again at ``retry_at``."""
    connection.execute(
        update(occurrences)
        .where(occurrences.c.id == number)
        .values(state=state, reason=reason, lease_until=retry_at, changed_at=now)
    )


def close(
    connection: Connection, due: DueMoment, state: OccurrenceState, now: datetime, reason: str
) -> bool:
    """Record that the moment ended without being done; False if it is over or claimed already."""
    claimed = _claim(connection, due, now, LEASE)
    if claimed is None:
        return False
    settle(connection, claimed.id, state, now, reason)
    return True


def move(connection: Connection, due: DueMoment, to: datetime | None, now: datetime) -> bool:
    """Move a send to another time, or with None back to its own; False if it is done or claimed.

    A send that was missed, was skipped or waits is open again.
    """
    values = {
        "due_at": to or due.at,
        "state": OccurrenceState.WAITING,
        "reason": None,
        "lease_until": None,
        "changed_at": now,
        "moved_to": to,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(occurrences).values(**{**_row(due), **values}))
    except IntegrityError:
        claimed = and_(occurrences.c.state == OccurrenceState.STARTED, not_(_free(now)))
        movable = (not_(claimed), occurrences.c.state != OccurrenceState.DONE)
        changed = connection.execute(
            update(occurrences).where(*_key(due), *movable).values(**values)
        )
        return changed.rowcount > 0
    return True


def moved_sends(connection: Connection, newsletter: str) -> dict[IssueName, datetime]:
    """Issue → the time to which a person moved its send."""
    rows = connection.execute(
        select(occurrences.c.issue, _MOVED).where(
            occurrences.c.newsletter == newsletter, _MOVED.is_not(None)
        )
    )
    return {row.issue: row.moved_to for row in rows}


def recent(connection: Connection, newsletter: str, most: int = 10) -> list[Occurrence]:
    """The newest moments first, at most ``most``."""
    return _read(connection, newsletter, most=most)


def since(
    connection: Connection, newsletter: str, start: datetime
) -> dict[tuple[str, str], Occurrence]:
    """(Kind, day) → the occurrence, for all since ``start`` and older ones that are not over."""
    condition = or_(occurrences.c.due_at >= start, occurrences.c.state.not_in(FINAL))
    rows = _read(connection, newsletter, condition)
    return {(occurrence.kind, occurrence.day): occurrence for occurrence in rows}


def leases(
    connection: Connection, newsletter: str, now: datetime
) -> dict[tuple[str, str], datetime]:
    """(Kind, day) → the end of its lease, for all moments that are claimed or put off."""
    rows = connection.execute(
        select(occurrences.c.kind, occurrences.c.day, occurrences.c.lease_until).where(
            occurrences.c.newsletter == newsletter,
            occurrences.c.state.not_in(FINAL),
            not_(_free(now)),
        )
    )
    return {(row.kind, row.day): row.lease_until for row in rows}


def _read(
    connection: Connection,
    newsletter: str,
    *conditions: ColumnElement[bool],
    most: int | None = None,
) -> list[Occurrence]:
    rows = connection.execute(
        select(
            occurrences.c.id,
            occurrences.c.kind,
            occurrences.c.day,
            occurrences.c.issue,
            occurrences.c.due_at,
            occurrences.c.state,
            occurrences.c.reason,
            occurrences.c.changed_at,
        )
        .where(occurrences.c.newsletter == newsletter, *conditions)
        .order_by(occurrences.c.due_at.desc())
        .limit(most)
    )
    return [Occurrence(*row[:5], OccurrenceState(row.state), *row[6:]) for row in rows]


def _claim(
    connection: Connection,
    due: DueMoment,
    now: datetime,
    lease: timedelta,
    *conditions: ColumnElement[bool],
) -> OccurrenceClaim | None:
    values = {"state": OccurrenceState.STARTED, "lease_until": now + lease, "changed_at": now}
    try:
        with connection.begin_nested():
            added = connection.execute(
                insert(occurrences).values(**_row(due), **values).returning(occurrences.c.id)
            )
            return OccurrenceClaim(added.scalar_one(), None)
    except IntegrityError:
        claimed = connection.execute(
            update(occurrences)
            .where(*_key(due), _free(now), _open(now), *conditions)
            .values(**values)
            .returning(occurrences.c.id, occurrences.c.reason)
        ).one_or_none()
        return OccurrenceClaim(claimed.id, claimed.reason) if claimed else None


def _row(due: DueMoment) -> dict[str, object]:
    return {
        "newsletter": due.newsletter,
        "kind": due.kind,
        "day": due.day,
        "issue": due.issue,
        "due_at": due.at,
    }


def _key(due: DueMoment) -> tuple[ColumnElement[bool], ...]:
    return (
        occurrences.c.newsletter == due.newsletter,
        occurrences.c.kind == due.kind,
        occurrences.c.day == due.day,
    )


def _free(now: datetime) -> ColumnElement[bool]:
    return is_free(occurrences.c.lease_until, now, LEASE)


def _open(now: datetime) -> ColumnElement[bool]:
    """Not over. An end recorded by a clock that ran ahead does not count."""
    from_future = and_(occurrences.c.state.in_(UNDONE), occurrences.c.changed_at > now + LEASE)
    return or_(occurrences.c.state.not_in(FINAL), from_future)
