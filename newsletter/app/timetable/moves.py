"""The newsletter's own timetable: newsletter.toml's, with the sends that a person has moved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from newsletter import issues, schedule
from newsletter.app.desk import Desk
from newsletter.errors import ContentError, NotReadyError, UsageError
from newsletter.model import IssueName
from newsletter.schedule import GATHER, SEND, Moment
from newsletter.store import occurrences, sends
from newsletter.store.occurrences import Due
from newsletter.toml_file.recurring_times import RecurringTime, parse_time

_FAR = timedelta(days=366)
_MONTH = timedelta(days=31)


def upcoming(desk: Desk, start: date | None = None) -> Iterator[Moment]:
    """The moments to come, from now or from the start of a local day."""
    after = desk.clock()
    if start:
        after = datetime.combine(start, time(), tzinfo=desk.config.zone) - timedelta(microseconds=1)
    return schedule.moments(desk.config.schedule, desk.config.zone, after, desk.moved())


def upcoming_unsent(desk: Desk) -> Iterator[Moment]:
    """The moments to come at which something is done: an issue that was sent early has none."""
    sent = desk.read(sends.issues, desk.name)
    ended = {sends.SendState.DONE, sends.SendState.CANCELLED}
    return (moment for moment in upcoming(desk) if sent.get(moment.issue) not in ended)


def is_scheduled(desk: Desk, issue: IssueName) -> bool:
    """Whether the issue is sent at a moment of its own: the timetable's, or a person's."""
    own = schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue)
    return own is not None or issue in desk.moved()


def reschedule(desk: Desk, issue: IssueName, to: str | None) -> datetime:
    """Put the issue's send to another time, or (None) back to the timetable's; when it is now.

    ``to``: "tue 09:00", the one nearest to the issue's own time that is still to come, or
    "2025-07-08 09:00". Raises NotReadyError where it was or is being sent, or that time is past.
    """
    now = desk.clock()
    own = schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue)
    if own is None and not issues.folder_of(desk.folder, issue).is_dir():
        raise ContentError(
            f"The timetable has no issue {issue}, and there is no draft of it. Make one first: "
            f"newsletter gather {issue}"
        )
    if sent := desk.sent(issue):
        raise NotReadyError(
            f"Issue {issue} cannot be moved: its send is {sent.state.value}. "
            f"See who got it: newsletter receipt {issue}"
        )
    at = _meant(desk, to, own or _noon(desk, issue), now) if to else own
    if at is None:
        raise UsageError(
            f"The timetable has no issue {issue}, so it cannot go back there. "
            f'Give it a time: newsletter reschedule {issue} "{issue} 09:00"'
        )
    _require_to_come(desk, issue, at, now, back=to is None)
    due = Due(desk.name, SEND, str(issue), issue, at)
    with desk.writing() as connection:
        free = occurrences.move(connection, due, at if to else None, now)
    if not free:
        raise NotReadyError(
            f"Issue {issue} cannot be moved: it is being sent just now, or was. "
            f"See newsletter status, and newsletter receipt {issue}"
        )
    return at.astimezone(desk.config.zone)


def _meant(desk: Desk, text: str, near: datetime, now: datetime) -> datetime:
    """The moment that a person means, in UTC."""
    zone = desk.config.zone
    if match := re.fullmatch(r"\s*(\d{4}-\d{2}-\d{2})[ T]+(\d{1,2}):(\d{2})\s*", text):
        try:
            wall = datetime.combine(
                date.fromisoformat(match[1]), time(int(match[2]), int(match[3]))
            )
            return wall.replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    try:
        wanted = parse_time(text)
    except ValueError:
        raise UsageError(
            f'{text!r} is no time to send at. Write it as "tue 09:00" or "2025-07-08 09:00", '
            f"in the newsletter's zone, {desk.config.newsletter.timezone}."
        ) from None
    return _nearest(wanted, zone, near, now)


def _nearest(wanted: RecurringTime, zone: ZoneInfo, near: datetime, now: datetime) -> datetime:
    """Of these times the one nearest to that moment, among those to come."""
    start = max(now, near - _MONTH).astimezone(zone).replace(tzinfo=None)
    end = near.astimezone(zone).replace(tzinfo=None) + _MONTH
    found, best = wanted.next_after(start), None
    while best is None or found < end:
        real = found.replace(tzinfo=zone).astimezone(UTC)
        if real > now and (best is None or abs(real - near) <= abs(best - near)):
            best = real
        found = wanted.next_after(found)
    return best


def _require_to_come(
    desk: Desk, issue: IssueName, at: datetime, now: datetime, *, back: bool
) -> None:
    local = f"{at.astimezone(desk.config.zone):%a %Y-%m-%d %H:%M %Z}"
    if at <= now:
        raise NotReadyError(
            f"Issue {issue} cannot be moved to {local}: that is past. Give it a time to come, or "
            f"send it now: newsletter send {issue}"
        )
    if at > now + _FAR:
        raise UsageError(f"{local} is more than a year away. Give a time that is nearer.")
    if back or issues.folder_of(desk.folder, issue).is_dir():
        return
    plain = schedule.moments(desk.config.schedule, desk.config.zone, now)
    before = takewhile(lambda each: each.utc <= at, plain)
    if not any(each.kind == GATHER and each.issue == issue for each in before):
        raise NotReadyError(
            f"Issue {issue} cannot be moved to {local}: nothing is gathered for it until then. "
            f"Make a draft first: newsletter gather {issue}"
        )


def _noon(desk: Desk, issue: IssueName) -> datetime:
    return datetime.combine(issue.date, time(12), tzinfo=desk.config.zone)
