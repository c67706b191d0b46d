"""The timetable of newsletter.toml, together with the sends that a person has moved."""

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
from newsletter.store.occurrences import DueMoment
from newsletter.toml_file.recurring_times import RecurringTime, parse_time

_FARTHEST = timedelta(days=366)
_MONTH = timedelta(days=31)


def upcoming(desk: Desk, start: date | None = None) -> Iterator[Moment]:
    """The moments after now, or from the start of a local day, without end."""
    after = desk.clock()
    if start:
        after = datetime.combine(start, time(), tzinfo=desk.config.zone) - timedelta(microseconds=1)
    return schedule.moments(desk.config.schedule, desk.config.zone, after, desk.moved())


def upcoming_unsent(desk: Desk) -> Iterator[Moment]:
    """The moments after now, without those of issues whose send is over."""
    sent = desk.read(sends.states, desk.name)
    over = {sends.SendState.DONE, sends.SendState.CANCELLED}
    return (moment for moment in upcoming(desk) if sent.get(moment.issue) not in over)


def is_scheduled(desk: Desk, issue: IssueName) -> bool:
    """Whether the issue has a moment to be sent, from newsletter.toml or from a person."""
    scheduled = schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue)
    return scheduled is not None or issue in desk.moved()


def reschedule(desk: Desk, issue: IssueName, to: str | None) -> datetime:
    """Move the issue's send to another time, or with None back to that of newsletter.toml.

    ``to``: "2025-07-08 09:00", or "tue 09:00" for the Tuesday nearest to the scheduled send that
    is not past. Returns the new time, in the newsletter's zone. Raises ContentError if the issue
    does not exist, UsageError if ``to`` is not a time, NotReadyError if the send was started or
    the time is past.
    """
    now = desk.clock()
    scheduled = schedule.scheduled_send(desk.config.schedule, desk.config.zone, issue)
    if scheduled is None and not issues.folder_of(desk.folder, issue).is_dir():
        raise ContentError(
            f"Issue {issue} is not in the timetable, and there is no draft of it. Make one first: "
            f"newsletter gather {issue}"
        )
    if sent := desk.sent(issue):
        raise NotReadyError(
            f"Issue {issue} cannot be moved: its send is {sent.state.value}. "
            f"See who got it: newsletter receipt {issue}"
        )
    noon = datetime.combine(issue.date, time(12), tzinfo=desk.config.zone)
    at = _moment_named(desk, to, scheduled or noon, now) if to else scheduled
    if at is None:
        raise UsageError(
            f"Issue {issue} is not in the timetable, so it cannot move back there. "
            f'Give it a time: newsletter reschedule {issue} "{issue} 09:00"'
        )
    _require_possible(desk, issue, at, now, is_back=to is None)
    due = DueMoment(desk.name, SEND, str(issue), issue, at)
    with desk.writing() as connection:
        is_moved = occurrences.move(connection, due, at if to else None, now)
    if not is_moved:
        raise NotReadyError(
            f"Issue {issue} cannot be moved: it is being sent now, or was sent already. "
            f"See newsletter status, and newsletter receipt {issue}"
        )
    return at.astimezone(desk.config.zone)


def _moment_named(desk: Desk, text: str, near: datetime, now: datetime) -> datetime:
    """The moment that ``text`` names, in UTC; of several, the one nearest to ``near``."""
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
        times = parse_time(text)
    except ValueError:
        raise UsageError(
            f'{text!r} is not a time to send at. Write it as "tue 09:00" or "2025-07-08 09:00", '
            f"in the newsletter's zone, {desk.config.newsletter.timezone}."
        ) from None
    return _nearest(times, zone, near, now)


def _nearest(times: RecurringTime, zone: ZoneInfo, near: datetime, now: datetime) -> datetime:
    """Of these times after ``now``, the one nearest to ``near``, in UTC."""
    start = max(now, near - _MONTH).astimezone(zone).replace(tzinfo=None)
    end = near.astimezone(zone).replace(tzinfo=None) + _MONTH
    wall, nearest = times.next_after(start), None
    while nearest is None or wall < end:
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment > now and (nearest is None or abs(moment - near) <= abs(nearest - near)):
            nearest = moment
        wall = times.next_after(wall)
    return nearest


def _require_possible(
    desk: Desk, issue: IssueName, at: datetime, now: datetime, *, is_back: bool
) -> None:
    """Raise NotReadyError or UsageError if the issue cannot be sent at that time."""
    local = f"{at.astimezone(desk.config.zone):%a %Y-%m-%d %H:%M %Z}"
    if at <= now:
        raise NotReadyError(
            f"Issue {issue} cannot be moved to {local}: that is past. Give it a later time, or "
            f"send it now: newsletter send {issue}"
        )
    if at > now + _FARTHEST:
        raise UsageError(f"{local} is more than a year away. Give an earlier time.")
    if is_back or issues.folder_of(desk.folder, issue).is_dir():
        return
    moments = schedule.moments(desk.config.schedule, desk.config.zone, now)
    earlier = takewhile(lambda moment: moment.utc <= at, moments)
    if not any(moment.kind == GATHER and moment.issue == issue for moment in earlier):
        raise NotReadyError(
            f"Issue {issue} cannot be moved to {local}: nothing is gathered for it before that. "
            f"Make a draft first: newsletter gather {issue}"
        )
