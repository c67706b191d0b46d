"""When an issue is sent, and until when it can be approved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from newsletter import schedule
from newsletter.app.desk import Desk
from newsletter.model import IssueName
from newsletter.schedule import DEADLINE, SEND
from newsletter.store import occurrences

_LONGEST_LEAD = timedelta(days=40)  # a monthly newsletter may have its deadline weeks before


def send_time(desk: Desk, issue: IssueName) -> datetime | None:
    """When the issue is sent, in the newsletter's zone; None if it is not in the timetable."""
    if issue.is_correction:
        return None
    moved_to = desk.moved().get(issue)
    if moved_to:
        return moved_to.astimezone(desk.config.zone)
    return schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue)


def approval_deadline(desk: Desk, issue: IssueName) -> datetime | None:
    """Until when the issue can be approved: its deadline or, without one, its send.

    In the newsletter's zone; None if the issue is not in the timetable.
    """
    end = send_time(desk, issue)
    if end is None or desk.config.schedule.deadline is None:
        return end
    # A send that was moved keeps its deadline.
    scheduled = schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue) or end
    start = min(scheduled, end).astimezone(UTC) - _LONGEST_LEAD
    moments = schedule.due(desk.config.schedule, desk.config.zone, start, end, desk.moved())
    deadlines = [m.local for m in moments if m.kind == DEADLINE and m.issue == issue]
    return deadlines[-1] if deadlines else end


def automatic_send_time(desk: Desk, issue: IssueName) -> datetime | None:
    """When the timetable sends the issue if it is approved now: at its moment or, if that is past,
    now. None: a person sends it.
    """
    moment, now = send_time(desk, issue), desk.clock()
    if moment is None or now > moment + desk.config.schedule.grace:
        return None
    rows = desk.read(occurrences.since, desk.name, moment - timedelta(days=2))
    send = rows.get((SEND, str(issue)))
    if send and send.is_over(now):
        return None
    return max(moment, now.astimezone(desk.config.zone))
