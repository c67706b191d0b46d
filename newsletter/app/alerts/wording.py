"""The words of alerts: what happened, and what to do, in the newsletter's language.

What the program says in English alone (errors, findings) is told as it stands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from newsletter.app import recipients
from newsletter.app.alerts.queue import AlertKind, NewAlert
from newsletter.app.approval.rules import Obstacle
from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built
from newsletter.app.timetable.deadlines import approval_deadline, send_time
from newsletter.links import tokens
from newsletter.model import Health, IssueName, SourceHealth

SOON = timedelta(minutes=90)  # before its deadline, an issue is reminded of once
NEAR = "soon"  # in the key of that reminder
_COMMANDS = {"gather": "gather", "send": "send"}  # what a person runs for a moment, if it is these

_COMMAND = re.compile(r"`?\b(newsletter [a-z]+(?: \d{4}-\d\d-\d\d(?:-c\d+)?)?(?: --[a-z-]+)*)`?")


def draft(desk: Desk, built: Built) -> NewAlert:
    """A draft is ready; once for the same bytes."""
    issue, subject = (
        built.issue.name,
        tokens.fill(built.rendered.subject, recipients.sample_tokens(desk)),
    )
    facts = {"subject": subject, "count": str(len(built.issue.stories))}
    if built.errors:
        lines = [_say(desk, "draft_errors", issue, errors=str(len(built.errors)), **facts)]
    else:
        after = "approve_command" if _asks(desk) else "draft_automatic"
        lines = [_say(desk, "draft_text", issue, **facts), _say(desk, after, issue)]
    open_ = built.rendered.hash if _asks(desk) and not built.errors else None
    return _told(AlertKind.DRAFT, issue, lines, built.rendered.hash[:16], open_)


def unapproved(desk: Desk, issue: IssueName, obstacle: Obstacle) -> NewAlert:
    """The deadline comes near, and something is still against the issue."""
    policy, deadline = desk.config.schedule.if_unapproved, approval_deadline(desk, issue)
    near = deadline is None or deadline - desk.clock() <= SOON
    first = (
        _say(desk, "unapproved_text", issue)
        if obstacle.needs_approval
        else _english(obstacle.message)
    )
    lines = [first, _say(desk, f"unapproved_{policy}", issue)]
    return _told(AlertKind.UNAPPROVED, issue, lines, NEAR if near else "early", obstacle.hash)


def held(desk: Desk, issue: IssueName, obstacle: Obstacle, about: str = "approval") -> NewAlert:
    """It is not sent until something is settled; told once for what that is about."""
    lines = [_reason(desk, issue, obstacle), _say(desk, "held_text", issue)]
    about = about if about.isalpha() else _short(about)
    return _told(AlertKind.HELD, issue, lines, about, obstacle.hash)


def skipped(desk: Desk, issue: IssueName, obstacle: Obstacle) -> NewAlert:
    """It does not go out, as the timetable says for what nobody has approved."""
    lines = [_reason(desk, issue, obstacle), _say(desk, "skipped_text", issue)]
    return _told(AlertKind.SKIPPED, issue, lines)


def unapproved_sent(desk: Desk, issue: IssueName) -> NewAlert:
    """It goes out all the same."""
    return _told(AlertKind.UNAPPROVED_SENT, issue, [_say(desk, "unapproved_sent_text", issue)])


def paused(desk: Desk, issue: IssueName, why: str) -> NewAlert:
    """A send stopped by itself; told for each time."""
    lines = [_english(why), _say(desk, "paused_text", issue)]
    return _told(AlertKind.PAUSED, issue, lines, f"{desk.clock():%Y-%m-%dT%H:%M:%S.%f}")


def doubt(desk: Desk, issue: IssueName, readers: int, last: int) -> NewAlert:
    """Readers who may have the mail or not; told anew for a later batch than ``last``."""
    return _told(
        AlertKind.DOUBT, issue, [_say(desk, "doubt_text", issue, count=f"{readers:,}")], str(last)
    )


def sources(desk: Desk, issue: IssueName, reports: Iterable[SourceHealth]) -> Iterator[NewAlert]:
    """Each source that is down; told once as long as it stays so."""
    for report in reports:
        if report.status not in {Health.FAILING, Health.STALE}:
            continue
        since = (report.since or desk.clock()).astimezone(desk.config.zone)
        first = desk.language.say(
            f"alert_source_{report.status}",
            source=report.name,
            moment=desk.language.moment(since),
            reason=_english(report.summary),
        )
        key = f"{report.status} {since:%Y-%m-%dT%H:%M:%S} {_short(report.name)}"
        lines = [first, desk.language.say("alert_source_text")]
        yield NewAlert(AlertKind.SOURCE, key, issue, "\n".join(lines))


def missed(desk: Desk, kind: str, day: str, issue: IssueName, due: datetime) -> NewAlert:
    """A gather or a send whose time went by."""
    moment = desk.language.moment(due.astimezone(desk.config.zone))
    text = _say(desk, f"missed_{kind}", issue, moment=moment)
    return NewAlert(AlertKind.MISSED, f"{kind} {day}", issue, text)


def failed(desk: Desk, kind: str, day: str, issue: IssueName, why: str, due: datetime) -> NewAlert:
    """What a moment asked for could not be done; told once for a moment."""
    until = desk.language.moment((due + desk.config.schedule.grace).astimezone(desk.config.zone))
    lines = [
        _english(why),
        _say(desk, "failed_text", issue, command=_COMMANDS.get(kind, "check"), until=until),
    ]
    return NewAlert(AlertKind.FAILED, f"{kind} {day}", issue, "\n".join(lines))


def _told(
    kind: AlertKind,
    issue: IssueName,
    lines: Iterable[str],
    more: str = "",
    hash_: str | None = None,
) -> NewAlert:
    return NewAlert(kind, f"{issue} {more}".strip(), issue, "\n".join(lines), hash_)


def _reason(desk: Desk, issue: IssueName, obstacle: Obstacle) -> str:
    return (
        _say(desk, "held_unapproved", issue)
        if obstacle.needs_approval
        else _english(obstacle.message)
    )


def _asks(desk: Desk) -> bool:
    """Whether a person is to approve."""
    return desk.config.schedule.approval == "required"


def _say(desk: Desk, key: str, issue: IssueName, **more: str) -> str:
    """Fixed words, with what every one of them may name."""
    language, grace = desk.language, desk.config.schedule.grace
    moment, deadline = send_time(desk, issue), approval_deadline(desk, issue)
    known = {
        "issue": str(issue),
        "date": language.short_date(issue.date),
        "moment": language.moment(moment) if moment else language.long_date(issue.date),
        "deadline": language.moment(deadline) if deadline else language.long_date(issue.date),
        "until": language.moment(moment + grace) if moment else language.long_date(issue.date),
    }
    return language.say(f"alert_{key}", **(known | more))


def _english(words: str) -> str:
    """The program's own words, with its commands marked."""
    return _COMMAND.sub(r"`\1`", words.strip())


def _short(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
