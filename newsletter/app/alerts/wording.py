"""The text of alerts: what happened and what to do next, in the newsletter's language.

Error messages and findings inside an alert stay in English.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from newsletter.app.alerts.queue import AlertKind, NewAlert
from newsletter.app.approval.rules import Obstacle
from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built
from newsletter.app.recipients import sample_tokens
from newsletter.app.timetable.deadlines import approval_deadline, send_time
from newsletter.links import tokens
from newsletter.model import Health, IssueName, SourceHealth
from newsletter.schedule import GATHER, SEND

NEAR_DEADLINE = timedelta(minutes=90)  # a reminder this close to the deadline is the last one
NEAR = "soon"  # in the key of that reminder
_COMMAND = re.compile(r"`?\b(newsletter [a-z]+(?: \d{4}-\d\d-\d\d(?:-c\d+)?)?(?: --[a-z-]+)*)`?")


def draft(desk: Desk, built: Built) -> NewAlert:
    """A draft is ready. Once for each version of the mail."""
    issue, subject = built.issue.name, tokens.fill(built.rendered.subject, sample_tokens(desk))
    facts = {"subject": subject, "count": str(len(built.issue.stories))}
    needs_approval = desk.config.schedule.approval == "required"
    if built.errors:
        lines = [_say(desk, "draft_errors", issue, errors=str(len(built.errors)), **facts)]
    else:
        next_step = "approve_command" if needs_approval else "draft_automatic"
        lines = [_say(desk, "draft_text", issue, **facts), _say(desk, next_step, issue)]
    hash_ = built.rendered.hash if needs_approval and not built.errors else None
    return _alert(AlertKind.DRAFT, issue, lines, built.rendered.hash[:16], hash_)


def unapproved(desk: Desk, issue: IssueName, obstacle: Obstacle) -> NewAlert:
    """The deadline is near, and something keeps the issue from going out."""
    policy, deadline = desk.config.schedule.if_unapproved, approval_deadline(desk, issue)
    is_near = deadline is None or deadline - desk.clock() <= NEAR_DEADLINE
    lines = [
        _reason(desk, issue, obstacle, "unapproved_text"),
        _say(desk, f"unapproved_{policy}", issue),
    ]
    return _alert(AlertKind.UNAPPROVED, issue, lines, NEAR if is_near else "early", obstacle.hash)


def held(desk: Desk, issue: IssueName, obstacle: Obstacle, subject: str = "approval") -> NewAlert:
    """The issue waits until the obstacle is removed. Once for each ``subject``."""
    lines = [_reason(desk, issue, obstacle), _say(desk, "held_text", issue)]
    key = subject if subject.isalpha() else _digest(subject)
    return _alert(AlertKind.HELD, issue, lines, key, obstacle.hash)


def skipped(desk: Desk, issue: IssueName, obstacle: Obstacle) -> NewAlert:
    """``if_unapproved = "skip"`` dropped the issue."""
    lines = [_reason(desk, issue, obstacle), _say(desk, "skipped_text", issue)]
    return _alert(AlertKind.SKIPPED, issue, lines)


def unapproved_sent(desk: Desk, issue: IssueName) -> NewAlert:
    """``if_unapproved = "send"`` sends the issue without an approval."""
    return _alert(AlertKind.UNAPPROVED_SENT, issue, [_say(desk, "unapproved_sent_text", issue)])


def paused(desk: Desk, issue: IssueName, reason: str) -> NewAlert:
    """A send paused itself. Once for each pause."""
    lines = [_mark_commands(reason), _say(desk, "paused_text", issue)]
    return _alert(AlertKind.PAUSED, issue, lines, f"{desk.clock():%Y-%m-%dT%H:%M:%S.%f}")


def doubt(desk: Desk, issue: IssueName, readers: int, last_batch: int) -> NewAlert:
    """Some readers may or may not have the mail. Again for each later ``last_batch``."""
    text = _say(desk, "doubt_text", issue, count=f"{readers:,}")
    return _alert(AlertKind.DOUBT, issue, [text], str(last_batch))


def down_sources(
    desk: Desk, issue: IssueName, sources: Iterable[SourceHealth]
) -> Iterator[NewAlert]:
    """One alert for each source that is failing or stale. Once while that lasts."""
    for source in sources:
        if source.status not in {Health.FAILING, Health.STALE}:
            continue
        since = (source.since or desk.clock()).astimezone(desk.config.zone)
        text = desk.language.say(
            f"alert_source_{source.status}",
            source=source.name,
            moment=desk.language.moment(since),
            reason=_mark_commands(source.summary),
        )
        key = f"{source.status} {since:%Y-%m-%dT%H:%M:%S} {_digest(source.name)}"
        lines = [text, desk.language.say("alert_source_text")]
        yield NewAlert(AlertKind.SOURCE, key, issue, "\n".join(lines))


def missed(desk: Desk, kind: str, day: str, issue: IssueName, due: datetime) -> NewAlert:
    """A gather or a send was due too long ago."""
    moment = desk.language.moment(due.astimezone(desk.config.zone))
    text = _say(desk, f"missed_{kind}", issue, moment=moment)
    return NewAlert(AlertKind.MISSED, f"{kind} {day}", issue, text)


def failed(
    desk: Desk, kind: str, day: str, issue: IssueName, reason: str, due: datetime
) -> NewAlert:
    """The duty of a moment failed. Once for each moment."""
    until = desk.language.moment((due + desk.config.schedule.grace).astimezone(desk.config.zone))
    command = kind if kind in {GATHER, SEND} else "check"
    lines = [
        _mark_commands(reason),
        _say(desk, "failed_text", issue, command=command, until=until),
    ]
    return NewAlert(AlertKind.FAILED, f"{kind} {day}", issue, "\n".join(lines))


def _alert(
    kind: AlertKind,
    issue: IssueName,
    lines: Iterable[str],
    key: str = "",
    hash_: str | None = None,
) -> NewAlert:
    """An alert whose key is the issue and ``key``."""
    return NewAlert(kind, f"{issue} {key}".strip(), issue, "\n".join(lines), hash_)


def _reason(
    desk: Desk, issue: IssueName, obstacle: Obstacle, unapproved_key: str = "held_unapproved"
) -> str:
    if obstacle.needs_approval:
        return _say(desk, unapproved_key, issue)
    return _mark_commands(obstacle.message)


def _say(desk: Desk, key: str, issue: IssueName, **facts: str) -> str:
    """The fixed words of ``key``, filled with ``facts`` and with what each of them may name."""
    language, grace = desk.language, desk.config.schedule.grace
    moment, deadline = send_time(desk, issue), approval_deadline(desk, issue)
    common = {
        "issue": str(issue),
        "date": language.short_date(issue.date),
        "moment": language.moment(moment) if moment else language.long_date(issue.date),
        "deadline": language.moment(deadline) if deadline else language.long_date(issue.date),
        "until": language.moment(moment + grace) if moment else language.long_date(issue.date),
    }
    return language.say(f"alert_{key}", **(common | facts))


def _mark_commands(message: str) -> str:
    """The message with its commands between backticks."""
    return _COMMAND.sub(r"`\1`", message.strip())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
