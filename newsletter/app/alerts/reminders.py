"""An hour before its deadline, the editor hears of an issue that may not go as it is."""

from __future__ import annotations

from datetime import timedelta

from newsletter import issues, schedule
from newsletter.app.alerts import queue, wording
from newsletter.app.alerts.queue import AlertKind
from newsletter.app.approval import rules
from newsletter.app.desk import Desk
from newsletter.app.timetable.deadlines import approval_deadline
from newsletter.errors import NewsletterError
from newsletter.model import IssueName
from newsletter.schedule import DEADLINE, GATHER, SEND, Moment
from newsletter.store import alerts

AHEAD = timedelta(hours=1)


def remind_before_deadlines(desk: Desk) -> None:
    """Tell of each issue that is decided about within the hour, and is not ready."""
    now = desk.clock()
    coming = schedule.due(desk.config.schedule, desk.config.zone, now, now + AHEAD, desk.moved())
    for moment in coming:
        if moment.kind in {DEADLINE, SEND} and _decides(desk, moment):
            _remind(desk, moment.issue)


def _decides(desk: Desk, moment: Moment) -> bool:
    """Whether it is this moment at which it must be approved, and not an earlier one."""
    end = approval_deadline(desk, moment.issue)
    return end is not None and end == moment.local


def _is_to_be_gathered(desk: Desk, issue: IssueName) -> bool:
    """Whether its draft is still to come, by the timetable."""
    if (issues.folder_of(desk.folder, issue) / "issue.toml").exists():
        return False
    now = desk.clock()
    coming = schedule.due(desk.config.schedule, desk.config.zone, now, now + AHEAD, desk.moved())
    return any(m.kind == GATHER and m.issue == issue for m in coming)


def _remind(desk: Desk, issue: IssueName) -> None:
    key = f"{issue} {wording.NEAR}"
    if (
        desk.sent(issue)
        or desk.read(alerts.is_told, desk.name, AlertKind.UNAPPROVED, key)
        or _is_to_be_gathered(desk, issue)
    ):
        return
    try:
        obstacle = rules.obstacle(desk, issue)
    except NewsletterError as error:
        obstacle = rules.Obstacle(rules.Reason.BROKEN, str(error))
    if obstacle:
        with desk.writing() as connection:
            queue.add(desk, connection, wording.unapproved(desk, issue, obstacle))
