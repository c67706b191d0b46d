"""Occurrences: each due moment is one row, and whoever gets the row acts."""

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
    """What became of a due moment."""

    STARTED = "started"
    WAITING = "waiting"  # could not be done yet; tried again until the grace is over
    DONE = "done"
    HELD = "held"  # of a deadline: nobody has approved; the send waits for a person
    SKIPPED = "skipped"
    MISSED = "missed"


FINAL = (
    OccurrenceState.DONE,
    OccurrenceState.HELD,
    OccurrenceState.SKIPPED,
    OccurrenceState.MISSED,
)
NOT_DONE = (OccurrenceState.HELD, OccurrenceState.SKIPPED, OccurrenceState.MISSED)
LEASE = timedelta(minutes=10)  # the longest: for one gather
_MOVED = occurrences.c.moved_to


@dataclass(frozen=True)
class DueMoment:
    """A moment as it is known here: which one it is, for which issue, and when."""

    newsletter: str
    kind: str
    day: str
    issue: IssueName
    at: datetime


@dataclass(frozen=True)
class OccurrenceClaim:
    """A moment in our hands; ``reason``: what it waited for until now."""

    id: int
    reason: str | None


@dataclass(frozen=True)
class Occurrence:
    """One due moment and what became of it."""

    id: int
    kind: str
    day: str
    issue: IssueName
    due_at: datetime
    state: OccurrenceState
    reason: str | None
    changed_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether nothing is to be done about it any more."""
        ahead = self.state in NOT_DONE and self.changed_at > now + LEASE
        return self.state in FINAL and not ahead


def claim(
    connection: Connection, due: DueMoment, now: datetime, lease: timedelta = LEASE
) -> OccurrenceClaim | None:
    """Take the moment in hand; None where it is over, in another's hands, or put off."""
    return _take(connection, due, now, lease, _MOVED.is_(None) | (now >= _MOVED))


def extend_lease(connection: Connection, number: int, now: datetime, lease: timedelta) -> None:
    """Keep the moment in hand for so long from now on."""
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
    again_at: datetime | None = None,
) -> None:
    """Say what became of a moment; one that waits is free again at ``again_at``."""
    connection.execute(
        update(occurrences)
        .where(occurrences.c.id == number)
        .values(state=state, reason=reason, lease_until=again_at, changed_at=now)
    )


def close(
    connection: Connection, due: DueMoment, state: OccurrenceState, now: datetime, reason: str
) -> bool:
    """Write down how the moment ended without being acted on; False where that, or its end, is
    known already.
    """
    claimed = _take(connection, due, now, LEASE)
    if claimed is None:
        return False
    settle(connection, claimed.id, state, now, reason)
    return True


def move(connection: Connection, due: DueMoment, to: datetime | None, now: datetime) -> bool:
    """Put a send to another time, or back to its own; False where it is done or in hand.

    One that was missed, skipped or waits is open again.
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
        in_hand = and_(occurrences.c.state == OccurrenceState.STARTED, not_(_free(now)))
        open_ = (not_(in_hand), occurrences.c.state != OccurrenceState.DONE)
        changed = connection.execute(update(occurrences).where(*_key(due), *open_).values(**values))
        return changed.rowcount > 0
    return True


def moved_sends(connection: Connection, newsletter: str) -> dict[IssueName, datetime]:
    """Issue → when a person wants it sent, or wanted it."""
    rows = connection.execute(
        select(occurrences.c.issue, _MOVED).where(
            occurrences.c.newsletter == newsletter, _MOVED.is_not(None)
        )
    )
    return {row.issue: row.moved_to for row in rows}


def recent(connection: Connection, newsletter: str, most: int = 10) -> list[Occurrence]:
    """The last moments, the newest first."""
    return _read(connection, newsletter, most=most)


def since(
    connection: Connection, newsletter: str, start: datetime
) -> dict[tuple[str, str], Occurrence]:
    """Kind and day → the moment, of all since then, and of older ones that are not over."""
    wanted = or_(occurrences.c.due_at >= start, occurrences.c.state.not_in(FINAL))
    found = _read(connection, newsletter, wanted)
    return {(each.kind, each.day): each for each in found}


def leases(
    connection: Connection, newsletter: str, now: datetime
) -> dict[tuple[str, str], datetime]:
    """Kind and day → when it is free again, of all moments that are in hand or put off."""
    rows = connection.execute(
        select(occurrences.c.kind, occurrences.c.day, occurrences.c.lease_until).where(
            occurrences.c.newsletter == newsletter,
            occurrences.c.state.not_in(FINAL),
            not_(_free(now)),
        )
    )
    return {(row.kind, row.day): row.lease_until for row in rows}


def _read(
    connection: Connection, newsletter: str, *which: ColumnElement[bool], most: int | None = None
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
        .where(occurrences.c.newsletter == newsletter, *which)
        .order_by(occurrences.c.due_at.desc())
        .limit(most)
    )
    return [Occurrence(*row[:5], OccurrenceState(row.state), *row[6:]) for row in rows]


def _take(
    connection: Connection,
    due: DueMoment,
    now: datetime,
    lease: timedelta,
    *conditions: ColumnElement[bool],
) -> OccurrenceClaim | None:
    values = {"state": OccurrenceState.STARTED, "lease_until": now + lease, "changed_at": now}
    try:
        with connection.begin_nested():
            made = connection.execute(
                insert(occurrences).values(**_row(due), **values).returning(occurrences.c.id)
            )
            return OccurrenceClaim(made.scalar_one(), None)
    except IntegrityError:
        again = connection.execute(
            update(occurrences)
            .where(*_key(due), _free(now), _open(now), *conditions)
            .values(**values)
            .returning(occurrences.c.id, occurrences.c.reason)
        ).one_or_none()
        return OccurrenceClaim(again.id, again.reason) if again else None


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
    """Not over; what a clock that ran ahead has given up is open, too."""
    ahead = and_(occurrences.c.state.in_(NOT_DONE), occurrences.c.changed_at > now + LEASE)
    return or_(occurrences.c.state.not_in(FINAL), ahead)
