"""What each kind of moment does: gather, remind, deadline, send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from newsletter.app.alerts import queue, wording
from newsletter.app.alerts.queue import NewAlert
from newsletter.app.approval import rules, test_mail
from newsletter.app.approval.rules import Obstacle, Reason
from newsletter.app.desk import Desk
from newsletter.app.issue.build import build
from newsletter.app.issue.gather import draft
from newsletter.app.issue.gather import gather as gather_articles
from newsletter.app.send.delivery import SendObserver
from newsletter.app.send.plan import plan
from newsletter.app.send.send import send as send_mails
from newsletter.errors import ContentError, FindingsError
from newsletter.model import IssueName
from newsletter.schedule import DEADLINE, GATHER, REMIND, SEND
from newsletter.store import sends
from newsletter.store.occurrences import OccurrenceState
from newsletter.store.sends import FrozenSend

RETRY_AT_NEXT_TICK = timedelta(seconds=30)  # for what waits for a person
RETRY_LATER = timedelta(minutes=5)  # for what failed, or reads from publishers


@dataclass(frozen=True)
class DutyResult:
    """How the duty of a moment ended."""

    state: OccurrenceState
    message: str
    wait: timedelta = RETRY_LATER  # until a moment that is WAITING is retried
    skips_send: bool = False  # the issue's send is skipped too
    alerts: tuple[NewAlert, ...] = ()


Duty = Callable[[Desk, IssueName, SendObserver], DutyResult]


def gather(desk: Desk, issue: IssueName, observer: SendObserver) -> DutyResult:
    """Gather the articles, draft and build the issue, and send a test to the editor."""
    if desk.sent(issue):
        message = "the issue was sent early, so nothing is gathered for it"
        return DutyResult(OccurrenceState.SKIPPED, message)
    gathering = gather_articles(desk, issue)
    draft(desk, issue, gathering)
    observer.checkpoint("gathered")
    built = build(desk, issue)
    observer.checkpoint("built")
    gathered = gathering.gathered
    summary = f"{len(gathered.articles)} articles, {len(built.issue.stories)} stories"
    alerts = (*wording.down_sources(desk, issue, gathered.sources), wording.draft(desk, built))
    if not desk.config.editor.email:
        message = f"{summary}; no [editor] email, so no test was sent"
        return DutyResult(OccurrenceState.DONE, message, alerts=alerts)
    address, _ = test_mail.send_test(desk, issue)
    message = f"{summary}; a test {test_mail.describe_destination(desk, address)}"
    return DutyResult(OccurrenceState.DONE, message, alerts=alerts)


def remind(desk: Desk, issue: IssueName, _observer: SendObserver) -> DutyResult:
    """Remind the editor of what keeps the issue from going out."""
    if desk.sent(issue):
        return _SENT
    obstacle = _obstacle(desk, issue)
    if obstacle is None:
        return DutyResult(OccurrenceState.DONE, "the issue is ready, so nobody is reminded")
    alert = wording.unapproved(desk, issue, obstacle)
    return DutyResult(OccurrenceState.DONE, f"reminded: {obstacle.message}", alerts=(alert,))


def deadline(desk: Desk, issue: IssueName, _observer: SendObserver) -> DutyResult:
    """Apply ``if_unapproved`` to an issue that may not go out as it is."""
    if desk.sent(issue):
        return _SENT
    obstacle = _obstacle(desk, issue)
    if obstacle is None:
        return DutyResult(OccurrenceState.DONE, "it goes out on time")
    policy, reason = desk.config.schedule.if_unapproved, obstacle.message
    if policy == "skip":
        alert = wording.skipped(desk, issue, obstacle)
        message = f"it is skipped: {reason}"
        return DutyResult(OccurrenceState.SKIPPED, message, skips_send=True, alerts=(alert,))
    if policy == "send" and obstacle.can_be_waived:
        alert = wording.unapproved_sent(desk, issue)
        message = f"it goes out on time all the same: {reason}"
        return DutyResult(OccurrenceState.DONE, message, alerts=(alert,))
    alert = wording.held(desk, issue, obstacle)
    return DutyResult(OccurrenceState.HELD, f"it is held: {reason}", alerts=(alert,))


def send(desk: Desk, issue: IssueName, observer: SendObserver) -> DutyResult:
    """Send the issue or resume its send; if it may not go out, apply ``if_unapproved``."""
    frozen = desk.sent(issue)
    if frozen and (result := ended_send(frozen)):
        return result
    if frozen and frozen.state is sends.SendState.PAUSED:
        reason = frozen.reason or f"resume it with newsletter resume {issue}"
        return _waiting(f"it is paused: {reason}")
    waive = desk.config.schedule.if_unapproved == "send"
    obstacle = None if frozen else rules.obstacle(desk, issue)
    if obstacle and not (waive and obstacle.can_be_waived):
        return _not_sent(desk, issue, obstacle)
    try:
        planned = plan(desk, issue, approved=waive)
    except FindingsError as error:
        return _not_sent(desk, issue, Obstacle(Reason.ERRORS, str(error)))
    if planned.questions:
        question = f"{' '.join(planned.questions)} To confirm: newsletter send {issue}"
        alert = wording.held(desk, issue, Obstacle(Reason.QUESTION, question), question)
        return _waiting(question, alert)
    if obstacle:
        with desk.writing() as connection:  # a crash during the send must not lose this alert
            queue.add(desk, connection, wording.unapproved_sent(desk, issue))
    observer.checkpoint("planned")
    receipt = send_mails(desk, planned, observer)
    message = f"{receipt.accepted} of {receipt.eligible} accepted"
    if receipt.in_doubt:
        message += f", {receipt.in_doubt} in doubt: see newsletter receipt {issue}"
    if receipt.waiting:
        return _waiting(f"{message}, {receipt.waiting} wait: it was stopped and resumes later")
    return DutyResult(OccurrenceState.DONE, message)


def unready_alerts(desk: Desk, kind: str, issue: IssueName, reason: str) -> tuple[NewAlert, ...]:
    """The alert about a send that may not start or resume; a pause has its own alert."""
    frozen = desk.sent(issue)
    if kind != SEND or (frozen and frozen.state is sends.SendState.PAUSED):
        return ()
    return (wording.held(desk, issue, Obstacle(Reason.UNREADY, reason), reason),)


def ended_send(frozen: FrozenSend) -> DutyResult | None:
    """The result of a send that is over; None if it is not."""
    if frozen.state is sends.SendState.CANCELLED:
        message = f"it was cancelled: see newsletter receipt {frozen.issue}"
        return DutyResult(OccurrenceState.SKIPPED, message)
    if frozen.state is sends.SendState.DONE:
        return _SENT
    return None


def _not_sent(desk: Desk, issue: IssueName, obstacle: Obstacle) -> DutyResult:
    """The result of a send whose issue may not go out."""
    if desk.config.schedule.if_unapproved == "skip":
        alert = wording.skipped(desk, issue, obstacle)
        message = f"it is skipped: {obstacle.message}"
        return DutyResult(OccurrenceState.SKIPPED, message, alerts=(alert,))
    if obstacle.reason is Reason.ERRORS:
        alert = wording.held(desk, issue, obstacle, "findings")
        return DutyResult(OccurrenceState.WAITING, obstacle.message, RETRY_LATER, alerts=(alert,))
    return _waiting(obstacle.message, wording.held(desk, issue, obstacle))


def _waiting(message: str, *alerts: NewAlert) -> DutyResult:
    """The result of a send that waits for a person."""
    return DutyResult(OccurrenceState.WAITING, message, RETRY_AT_NEXT_TICK, alerts=alerts)


def _obstacle(desk: Desk, issue: IssueName) -> Obstacle | None:
    """As ``rules.obstacle``; an issue that does not exist is an obstacle, too."""
    try:
        return rules.obstacle(desk, issue)
    except ContentError as error:
        return Obstacle(Reason.BROKEN, str(error))


_SENT = DutyResult(OccurrenceState.DONE, "it was sent already")

DUTIES: dict[str, Duty] = {GATHER: gather, REMIND: remind, DEADLINE: deadline, SEND: send}
