"""Which moments of the timetable to settle now, and which of them are overdue."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from newsletter import schedule
from newsletter.app.desk import Desk
from newsletter.schedule import GATHER, SEND, Moment
from newsletter.store import Connection, key_values, occurrences
from newsletter.store.occurrences import Occurrence, OccurrenceState

LOOK_BACK = timedelta(days=31)  # how far back a tick looks for moments that were missed


class Lateness(NamedTuple):
    """Why a moment is not carried out any more."""

    reason: str
    needs_person: bool  # a person has to decide about it


def unsettled(desk: Desk, now: datetime) -> list[tuple[Moment, Lateness | None]]:
    """The moments to settle now, oldest first, each with its lateness if it is too late for it."""
    with desk.reading() as connection:
        since, is_new = _since(connection, desk, now)
    if is_new:
        with desk.writing() as connection:
            value = json.dumps([since.isoformat(), *_timetable_settings(desk)])
            key_values.put(connection, _key(desk), value)
    with desk.reading() as connection:
        return list(_unsettled(connection, desk, since, now))


def next_due(connection: Connection, desk: Desk, now: datetime) -> datetime | None:
    """When one of the moments that are due already can next be settled; None if there is none.

    A moment that another process has claimed, or that is retried later, is free at the end of its
    lease.
    """
    since, is_new = _since(connection, desk, now)
    if is_new:
        return now
    leases = occurrences.leases(connection, desk.name, now)
    moments = (moment for moment, _ in _unsettled(connection, desk, since, now))
    return min((leases.get((m.kind, m.day), now) for m in moments), default=None)


def _unsettled(
    connection: Connection, desk: Desk, since: datetime, now: datetime
) -> Iterator[tuple[Moment, Lateness | None]]:
    timetable, zone, grace = desk.config.schedule, desk.config.zone, desk.config.schedule.grace
    start = min(max(since, now - LOOK_BACK), now - grace)
    rows = occurrences.since(connection, desk.name, start)
    moved = occurrences.moved_sends(connection, desk.name)
    moments = schedule.due(timetable, zone, start, now, moved)
    yield from _dropped(moments, rows, now - grace, now)
    newest = {moment.kind: moment for moment in moments if not moment.moved}
    for moment in moments:
        row = rows.get((moment.kind, moment.day))
        if (row and row.is_over(now)) or (not row and _is_superseded(moment, rows, now)):
            continue
        lateness = _lateness(moment, newest.get(moment.kind, moment), now - grace)
        if not lateness or row or moment.utc > since:
            yield moment, lateness


def _lateness(moment: Moment, newest: Moment, earliest: datetime) -> Lateness | None:
    """Why it is too late for the moment; ``newest`` is the newest due one of its kind."""
    was_due = f"it was due {moment.local:%Y-%m-%d %H:%M} and"
    is_older = not moment.moved and moment is not newest
    if is_older and moment.issue == newest.issue:
        reason = f"{was_due} was replaced by the next {moment.kind} for the issue"
        return Lateness(reason, needs_person=False)
    if not is_older and moment.utc >= earliest:
        return None
    if moment.kind in {GATHER, SEND}:
        command = f"newsletter {moment.kind} {moment.issue}"
        reason = f"{was_due} is too late now; a person decides: {command}"
        return Lateness(reason, needs_person=True)
    reason = f"{was_due} is too late now; see what waits: newsletter status"
    return Lateness(reason, needs_person=False)


def _dropped(
    moments: list[Moment],
    rows: Mapping[tuple[str, str], Occurrence],
    earliest: datetime,
    now: datetime,
) -> Iterator[tuple[Moment, Lateness]]:
    """Moments that waited until their grace was over, and are not in the timetable any more."""
    keys = {(moment.kind, moment.day) for moment in moments}
    for key, row in rows.items():
        if key not in keys and row.due_at < earliest and not row.is_over(now):
            moment = Moment(row.kind, row.issue, row.day, row.due_at, row.due_at)
            command = f"newsletter {SEND if row.kind != GATHER else GATHER} {row.issue}"
            reason = f"it is no longer in the timetable; a person decides: {command}"
            yield moment, Lateness(reason, needs_person=row.kind in {GATHER, SEND})


def _is_superseded(
    moment: Moment, rows: Mapping[tuple[str, str], Occurrence], now: datetime
) -> bool:
    """Whether the moment is due only because the timetable has changed: its issue is sent, or a
    later moment of its kind is done.
    """
    sent = rows.get((SEND, str(moment.issue)))
    if sent and sent.state is OccurrenceState.DONE:
        return True
    return not moment.moved and any(
        row.kind == moment.kind
        and row.state in {OccurrenceState.DONE, OccurrenceState.STARTED}
        and moment.utc <= row.due_at <= now
        for row in rows.values()
    )


def _since(connection: Connection, desk: Desk, now: datetime) -> tuple[datetime, bool]:
    """Since when the timetable is as it is, and whether that is still to be stored.

    It cannot have missed an earlier moment.
    """
    value = key_values.get(connection, _key(desk))
    if value is None:
        first_tick = key_values.get(connection, f"ticks since:{desk.name}")  # of older versions
        return min(datetime.fromisoformat(first_tick), now) if first_tick else now, True
    start, *settings = json.loads(value)
    since = datetime.fromisoformat(start)
    if settings != _timetable_settings(desk) or since > now:
        return now, True
    return since, False


def _key(desk: Desk) -> str:
    return f"timetable:{desk.name}"


def _timetable_settings(desk: Desk) -> list[str]:
    """Everything in the configuration that decides which moments there are."""
    timetable = desk.config.schedule
    times = (timetable.send, *timetable.gathers, timetable.remind, timetable.deadline)
    skipped = [f"{skip.first}/{skip.last}" for skip in timetable.skip]
    return [desk.config.newsletter.timezone, *(t.text if t else "" for t in times), *skipped]
