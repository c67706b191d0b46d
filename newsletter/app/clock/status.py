"""Where the newsletter stands: what comes, what went out, what waits for a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from newsletter import issues
from newsletter.app.approval import rules
from newsletter.app.approval.rules import Reason
from newsletter.app.desk import Desk
from newsletter.app.feedback import provider_events
from newsletter.app.send.receipts import is_under_way
from newsletter.app.timetable import moves
from newsletter.errors import NewsletterError
from newsletter.model import Gathered, Health, IssueName, Receipt, SourceHealth
from newsletter.schedule import GATHER, SEND, Moment
from newsletter.store import alerts, occurrences, receipts, sends
from newsletter.store.occurrences import Occurrence, OccurrenceState
from newsletter.store.sends import SendState

COMING = 5  # moments
SENDS = 3  # of so many, the newest, it is said who waits and who is in doubt
_OVER = (OccurrenceState.DONE, OccurrenceState.SKIPPED)
_STANDS = {OccurrenceState.WAITING: "waits", OccurrenceState.MISSED: "was missed"}


@dataclass(frozen=True)
class Overview:
    """What ``newsletter status`` shows."""

    newsletter: str
    timezone: str
    next: tuple[Moment, ...]
    last: Receipt | None
    recent: tuple[Occurrence, ...]
    sources: tuple[SourceHealth, ...]
    waiting: tuple[str, ...]


def overview(desk: Desk) -> Overview:
    """Look at everything; changes nothing."""
    issue = desk.next_issue()
    with desk.reading() as connection:
        found = sends.issues(connection, desk.name)
        frozen = (sends.find(connection, desk.name, name) for name in list(found)[-SENDS:])
        sent = [receipts.receipt(connection, each) for each in frozen if each]
        mended = sends.issues(connection, desk.name, corrections=True)
        frozen = (sends.find(connection, desk.name, name) for name in list(mended)[-SENDS:])
        corrections = [receipts.receipt(connection, each) for each in frozen if each]
        recent = occurrences.recent(connection, desk.name)
    last = sent[-1] if sent else None
    gathered, damage = _newest_gathered(desk)
    return Overview(
        newsletter=desk.name,
        timezone=desk.config.newsletter.timezone,
        next=tuple(_next(desk)),
        last=last,
        recent=tuple(recent),
        sources=gathered.sources if gathered else (),
        waiting=(
            *damage,
            *_unread(desk),
            *_undone(recent, found),
            *(line for each in reversed([*sent, *corrections]) for line in _unfinished(desk, each)),
            *_waiting(desk, issue, last, gathered.sources if gathered else (), recent),
        ),
    )


def _newest_gathered(desk: Desk) -> tuple[Gathered | None, tuple[str, ...]]:
    folders = issues.existing(desk.folder)
    if not folders:
        return None, ()
    try:
        return issues.read_gathered(issues.folder_of(desk.folder, folders[-1])), ()
    except NewsletterError as error:
        return None, (str(error),)


def _undone(recent: list[Occurrence], sent: dict[IssueName, SendState]) -> Iterator[str]:
    """What the timetable could not do by itself, the oldest first, unless it was done later."""
    over = {(each.kind, each.issue) for each in recent if each.state in _OVER}
    for each in reversed(recent):
        if (each.kind, each.issue) in over or sent.get(each.issue) in {
            SendState.DONE,
            SendState.CANCELLED,
        }:
            continue
        late = each.state is OccurrenceState.MISSED and each.kind in {GATHER, SEND}
        if each.reason and (late or each.state is OccurrenceState.WAITING):
            yield f"The {each.kind} of {each.issue} {_STANDS[each.state]}: {each.reason}"


def _waiting(
    desk: Desk,
    issue: IssueName,
    last: Receipt | None,
    sources: tuple[SourceHealth, ...],
    recent: list[Occurrence],
) -> Iterator[str]:
    """One sentence for everything that a person must do."""
    unsent = desk.read(alerts.unsent, desk.name, desk.clock())
    for alert in unsent:
        yield f"An alert ({alert.kind}, {alert.issue}) could not be sent: {alert.reason}"
    for source in sources:
        if source.status in {Health.FAILING, Health.STALE}:
            yield f"The source {source.name} is {source.status}: {source.summary}"
    waits = [each for each in recent if each.kind == SEND and each.state is OccurrenceState.WAITING]
    told = {each.issue for each in waits if each.reason}  # one that was moved has none
    if (last and last.issue == issue) or issue in told:
        return
    yield from _unapproved(desk, issue)


def _unfinished(desk: Desk, send: Receipt) -> Iterator[str]:
    if send.state == SendState.PAUSED:
        yield f"The send of {send.issue} is paused: {send.reason}"
    if send.in_doubt:
        yield (
            f"Readers of {send.issue} who are in doubt: {send.in_doubt}; "
            f"see: newsletter receipt {send.issue}"
        )
    paused = send.state == SendState.PAUSED
    if send.waiting and not paused and not is_under_way(desk, send.issue):
        yield (
            f"Readers of {send.issue} who wait: {send.waiting}; go on: newsletter send {send.issue}"
        )


def _unread(desk: Desk) -> Iterator[str]:
    if trouble := provider_events.unreadable_requests(desk):
        yield trouble


def _next(desk: Desk) -> Iterator[Moment]:
    """The moments to come, with the next send however many are before it."""
    coming = moves.upcoming_unsent(desk)
    first = list(islice(coming, COMING))
    yield from first
    if all(moment.kind != SEND for moment in first):
        yield next(moment for moment in coming if moment.kind == SEND)


def _unapproved(desk: Desk, issue: IssueName) -> Iterator[str]:
    if desk.config.schedule.approval == "automatic":
        return
    if not (issues.folder_of(desk.folder, issue) / "issue.toml").exists():
        return
    try:
        obstacle = rules.obstacle(desk, issue)
    except NewsletterError as error:
        yield f"Issue {issue} cannot be built: {error}"
        return
    if obstacle and obstacle.reason is Reason.ERRORS:
        yield f"Issue {issue} has errors that stop it. See them with: newsletter check {issue}"
    elif obstacle:
        yield obstacle.message
