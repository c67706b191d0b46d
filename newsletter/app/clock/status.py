"""Where the newsletter stands: what comes next, what was sent, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from newsletter.store import Connection, alerts, occurrences, receipts, sends
from newsletter.store.occurrences import Occurrence, OccurrenceState
from newsletter.store.sends import SendState

NEXT_MOMENTS = 5
RECENT_SENDS = 3  # the newest sends, whose waiting readers and readers in doubt are reported
_VERBS = {OccurrenceState.WAITING: "waits", OccurrenceState.MISSED: "was missed"}


@dataclass(frozen=True)
class Overview:
    """What ``newsletter status`` shows."""

    newsletter: str
    timezone: str
    next: tuple[Moment, ...]
    last: Receipt | None  # of the newest issue that was sent
    recent: tuple[Occurrence, ...]  # newest first
    sources: tuple[SourceHealth, ...]  # as of the newest issue's last gather
    waiting: tuple[str, ...]  # a sentence for everything that needs a person


def overview(desk: Desk) -> Overview:
    """Read where the newsletter stands. Changes nothing."""
    with desk.reading() as connection:
        states = sends.states(connection, desk.name)
        sent = _receipts(connection, desk, states)
        correction_states = sends.states(connection, desk.name, corrections=True)
        corrections = _receipts(connection, desk, correction_states)
        recent = occurrences.recent(connection, desk.name)
    last = sent[-1] if sent else None
    gathered, damage = _newest_gathered(desk)
    sources = gathered.sources if gathered else ()
    return Overview(
        newsletter=desk.name,
        timezone=desk.config.newsletter.timezone,
        next=tuple(_next_moments(desk)),
        last=last,
        recent=tuple(recent),
        sources=sources,
        waiting=(
            *damage,
            *_unread_events(desk),
            *_open_occurrences(recent, states),
            *(line for send in reversed([*sent, *corrections]) for line in _open_send(desk, send)),
            *_unsent_alerts(desk),
            *_down_sources(sources),
            *_unapproved_issue(desk, last, recent),
        ),
    )


def _receipts(
    connection: Connection, desk: Desk, states: Mapping[IssueName, SendState]
) -> list[Receipt]:
    """The receipts of the newest sends, oldest first."""
    frozen = (sends.find(connection, desk.name, issue) for issue in list(states)[-RECENT_SENDS:])
    return [receipts.receipt(connection, send) for send in frozen if send]


def _newest_gathered(desk: Desk) -> tuple[Gathered | None, tuple[str, ...]]:
    """What was gathered for the newest issue; or why that cannot be read."""
    names = issues.existing(desk.folder)
    if not names:
        return None, ()
    try:
        return issues.read_gathered(issues.folder_of(desk.folder, names[-1])), ()
    except NewsletterError as error:
        return None, (str(error),)


def _next_moments(desk: Desk) -> Iterator[Moment]:
    """The next moments, up to the next send at least."""
    upcoming = moves.upcoming_unsent(desk)
    moments = list(islice(upcoming, NEXT_MOMENTS))
    yield from moments
    if all(moment.kind != SEND for moment in moments):
        yield next(moment for moment in upcoming if moment.kind == SEND)


def _unread_events(desk: Desk) -> Iterator[str]:
    if sentence := provider_events.unreadable_requests(desk):
        yield sentence


def _open_occurrences(
    recent: Sequence[Occurrence], states: Mapping[IssueName, SendState]
) -> Iterator[str]:
    """What the timetable could not do and nobody has done since, oldest first."""
    over = {
        (occurrence.kind, occurrence.issue)
        for occurrence in recent
        if occurrence.state in {OccurrenceState.DONE, OccurrenceState.SKIPPED}
    }
    for occurrence in reversed(recent):
        kind, issue, state = occurrence.kind, occurrence.issue, occurrence.state
        is_sent = states.get(issue) in {SendState.DONE, SendState.CANCELLED}
        if (kind, issue) in over or is_sent:
            continue
        is_missed = state is OccurrenceState.MISSED and kind in {GATHER, SEND}
        if occurrence.reason and (is_missed or state is OccurrenceState.WAITING):
            yield f"The {kind} of {issue} {_VERBS[state]}: {occurrence.reason}"


def _open_send(desk: Desk, send: Receipt) -> Iterator[str]:
    """What is open about a send that was started."""
    is_paused = send.state == SendState.PAUSED
    if is_paused:
        yield f"The send of {send.issue} is paused: {send.reason}"
    if send.in_doubt:
        yield (
            f"Readers of {send.issue} in doubt: {send.in_doubt}; "
            f"see them: newsletter receipt {send.issue}"
        )
    if send.waiting and not is_paused and not is_under_way(desk, send.issue):
        yield (
            f"Readers of {send.issue} who wait: {send.waiting}; "
            f"resume: newsletter send {send.issue}"
        )


def _unsent_alerts(desk: Desk) -> Iterator[str]:
    for alert in desk.read(alerts.unsent, desk.name, desk.clock()):
        yield f"An alert ({alert.kind}, {alert.issue}) could not be sent: {alert.reason}"


def _down_sources(sources: Sequence[SourceHealth]) -> Iterator[str]:
    for source in sources:
        if source.status in {Health.FAILING, Health.STALE}:
            yield f"The source {source.name} is {source.status}: {source.summary}"


def _unapproved_issue(
    desk: Desk, last: Receipt | None, recent: Sequence[Occurrence]
) -> Iterator[str]:
    """What keeps the next issue from going out, unless its send has reported that already."""
    issue = desk.next_issue()
    has_reported = any(
        occurrence.kind == SEND
        and occurrence.issue == issue
        and occurrence.state is OccurrenceState.WAITING
        and occurrence.reason  # a send that was moved has none
        for occurrence in recent
    )
    if (last and last.issue == issue) or has_reported:
        return
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
        yield f"Issue {issue} has errors that stop it. See them: newsletter check {issue}"
    elif obstacle:
        yield obstacle.message
