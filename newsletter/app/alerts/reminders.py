"""An hour before its deadline, remind the editor of an issue that may not go out as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

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

LEAD = timedelta(hours=1)


def remind_before_deadlines(desk: Desk) -> None:
    """Add an alert for each issue whose deadline is within the hour and that is not ready."""
    for issue in _issues_to_remind_of(desk, desk.clock()):
        try:
            obstacle = rules.obstacle(desk, issue)
        except NewsletterError as error:
            obstacle = rules.Obstacle(rules.Reason.BROKEN, str(error))
        if obstacle:
            with desk.writing() as connection:
                queue.add(desk, connection, wording.unapproved(desk, issue, obstacle))


def next_due(desk: Desk, now: datetime) -> datetime:
    """When to look for issues to remind of; ``now`` for at once.

    That is throughout the hour before a deadline, until the reminder is sent: an issue that was
    ready may have changed.
    """
    if any(_issues_to_remind_of(desk, now)):
        return now
    moments = schedule.moments(desk.config.schedule, desk.config.zone, now + LEAD, desk.moved())
    return next(moment.utc - LEAD for moment in moments if moment.kind in {DEADLINE, SEND})


def _issues_to_remind_of(desk: Desk, now: datetime) -> Iterator[IssueName]:
    """The issues whose deadline is within the hour, and that the editor may need a reminder of."""
    moments = schedule.due(desk.config.schedule, desk.config.zone, now, now + LEAD, desk.moved())
    for moment in moments:
        key = f"{moment.issue} {wording.NEAR}"
        if (
            _is_deadline(desk, moment)
            and not desk.sent(moment.issue)
            and not desk.read(alerts.exists, desk.name, AlertKind.UNAPPROVED, key)
            and not _is_to_be_gathered(desk, moment.issue, moments)
        ):
            yield moment.issue


def _is_deadline(desk: Desk, moment: Moment) -> bool:
    """Whether the issue must be approved by this moment, not by an earlier one."""
    if moment.kind not in {DEADLINE, SEND}:
        return False
    return approval_deadline(desk, moment.issue) == moment.local


def _is_to_be_gathered(desk: Desk, issue: IssueName, moments: list[Moment]) -> bool:
    """Whether the issue has no draft, and one of these moments makes it."""
    if (issues.folder_of(desk.folder, issue) / "issue.toml").exists():
        return False
    return any(moment.kind == GATHER and moment.issue == issue for moment in moments)
