"""When an issue leaves, and until when it may be approved: for what people are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from newsletter import schedule
from newsletter.app.desk import Desk
from newsletter.model import IssueName
from newsletter.schedule import DEADLINE, SEND
from newsletter.store import occurrences

_FAR = timedelta(days=40)  # a monthly newsletter may have its deadline weeks before


def send_time(desk: Desk, issue: IssueName) -> datetime | None:
    """The moment of its send, in the newsletter's zone; None: it stands in no timetable."""
    if issue.is_correction:
        return None
    moved = desk.moved().get(issue)
    if moved:
        return moved.astimezone(desk.config.zone)
    return schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue)


def approval_deadline(desk: Desk, issue: IssueName) -> datetime | None:
    """The moment of its deadline; without one, of its send."""
    end = send_time(desk, issue)
    if end is None or desk.config.schedule.deadline is None:
        return end
    own = schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue) or end
    start = min(own, end).astimezone(UTC) - _FAR  # one that was moved keeps its deadline
    found = schedule.due(desk.config.schedule, desk.config.zone, start, end, desk.moved())
    mine = [m.local for m in found if m.kind == DEADLINE and m.issue == issue]
    return mine[-1] if mine else end


def automatic_send_time(desk: Desk, issue: IssueName) -> datetime | None:
    """When it leaves by itself once it may: at its moment or, if that is past, now.

    None: a person sends it.
    """
    moment, now = send_time(desk, issue), desk.clock()
    if moment is None or now > moment + desk.config.schedule.grace:
        return None
    known = desk.read(occurrences.since, desk.name, moment - timedelta(days=2))
    row = known.get((SEND, str(issue)))
    if row and row.is_over(now):
        return None
    return max(moment, now.astimezone(desk.config.zone))
