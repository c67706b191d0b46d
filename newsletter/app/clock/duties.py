"""What is done at each kind of moment: gather, remind, deadline, send."""

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
from newsletter.store.sends import Frozen

SOON = timedelta(seconds=30)  # what waits for a person is tried again at every tick
LATER = timedelta(minutes=5)  # what failed, or asks publishers, is tried again a little later


@dataclass(frozen=True)
class DutyResult:
    """What became of a moment."""

    state: OccurrenceState
    message: str
    wait: timedelta = LATER  # until a moment that is WAITING is tried again
    skips_send: bool = False  # nobody has approved the issue in time, so its send is skipped, too
    alerts: tuple[NewAlert, ...] = ()  # what the editor is told about it


Duty = Callable[[Desk, IssueName, SendObserver], DutyResult]


def gather(desk: Desk, issue: IssueName, observer: SendObserver) -> DutyResult:
    """Gather the articles, draft and build the issue, and send a test to the editor."""
    if desk.sent(issue):
        return DutyResult(
            OccurrenceState.SKIPPED, "the issue was sent early, so nothing is gathered for it"
        )
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
    """Remind the editor of what is still to be done."""
    if desk.sent(issue):
        return _SENT
    obstacle = _obstacle(desk, issue)
    if obstacle is None:
        return DutyResult(OccurrenceState.DONE, "nothing is left to do")
    alert = wording.unapproved(desk, issue, obstacle)
    return DutyResult(OccurrenceState.DONE, f"reminded: {obstacle.message}", alerts=(alert,))


def deadline(desk: Desk, issue: IssueName, _observer: SendObserver) -> DutyResult:
    """Decide about an issue that may not go as it is."""
    if desk.sent(issue):
        return _SENT
    obstacle = _obstacle(desk, issue)
    if obstacle is None:
        return DutyResult(OccurrenceState.DONE, "it goes out at its time")
    policy, why = desk.config.schedule.if_unapproved, obstacle.message
    if policy == "skip":
        alert = wording.skipped(desk, issue, obstacle)
        return DutyResult(
            OccurrenceState.SKIPPED, f"it is not sent: {why}", skips_send=True, alerts=(alert,)
        )
    if policy == "send" and obstacle.can_be_waived:
        alert = wording.unapproved_sent(desk, issue)
        return DutyResult(
            OccurrenceState.DONE, f"it goes out at its time all the same: {why}", alerts=(alert,)
        )
    alert = wording.held(desk, issue, obstacle)
    return DutyResult(OccurrenceState.HELD, f"it is held: {why}", alerts=(alert,))


def send(desk: Desk, issue: IssueName, observer: SendObserver) -> DutyResult:
    """Send the issue, or resume its send; where it may not go, do what ``if_unapproved`` says."""
    frozen = desk.sent(issue)
    if frozen and (outcome := ended_send(frozen)):
        return outcome
    if frozen and frozen.state is sends.SendState.PAUSED:
        reason = frozen.reason or f"resume it with newsletter resume {issue}"
        return DutyResult(OccurrenceState.WAITING, f"it is paused: {reason}", SOON)
    waive = desk.config.schedule.if_unapproved == "send"
    obstacle = None if frozen else rules.obstacle(desk, issue)
    if obstacle and not (waive and obstacle.can_be_waived):
        return _not_sent(desk, issue, obstacle)
    try:
        planned = plan(desk, issue, approved=waive)
    except FindingsError as error:
        return _not_sent(desk, issue, Obstacle(Reason.ERRORS, str(error)))
    if planned.questions:
        question = f"{' '.join(planned.questions)} Say so: newsletter send {issue}"
        alert = wording.held(desk, issue, Obstacle(Reason.QUESTION, question), question)
        return DutyResult(OccurrenceState.WAITING, question, SOON, alerts=(alert,))
    if obstacle:
        with desk.writing() as connection:  # before a crash can keep it from being told
            queue.add(desk, connection, wording.unapproved_sent(desk, issue))
    observer.checkpoint("planned")
    receipt = send_mails(desk, planned, observer)
    message = f"{receipt.accepted} of {receipt.eligible} accepted"
    if receipt.in_doubt:
        message += f", {receipt.in_doubt} in doubt: see newsletter receipt {issue}"
    if receipt.waiting:
        message += f", {receipt.waiting} wait: it was stopped, and goes on later"
        return DutyResult(OccurrenceState.WAITING, message, SOON)
    return DutyResult(OccurrenceState.DONE, message)


def unready_alerts(desk: Desk, kind: str, issue: IssueName, why: str) -> tuple[NewAlert, ...]:
    """The alert about a send that may not start or go on; a pause has told of itself already."""
    frozen = desk.sent(issue)
    if kind != SEND or (frozen and frozen.state is sends.SendState.PAUSED):
        return ()
    return (wording.held(desk, issue, Obstacle(Reason.UNREADY, why), why),)


def ended_send(frozen: Frozen) -> DutyResult | None:
    """What to say of a send that is over, whoever has ended it; None where it is not."""
    if frozen.state is sends.SendState.CANCELLED:
        issue = frozen.issue
        return DutyResult(
            OccurrenceState.SKIPPED, f"it was cancelled: see newsletter receipt {issue}"
        )
    if frozen.state is sends.SendState.DONE:
        return _SENT
    return None


def _not_sent(desk: Desk, issue: IssueName, obstacle: Obstacle) -> DutyResult:
    """What becomes of an issue that may not go at its moment."""
    if desk.config.schedule.if_unapproved == "skip":
        alert = wording.skipped(desk, issue, obstacle)
        return DutyResult(
            OccurrenceState.SKIPPED, f"it is not sent: {obstacle.message}", alerts=(alert,)
        )
    errors = obstacle.reason is Reason.ERRORS
    alert = wording.held(desk, issue, obstacle, "findings" if errors else "approval")
    wait = LATER if errors else SOON
    return DutyResult(OccurrenceState.WAITING, obstacle.message, wait, alerts=(alert,))


def _obstacle(desk: Desk, issue: IssueName) -> Obstacle | None:
    """The same, where an issue that does not exist is an obstacle like any other."""
    try:
        return rules.obstacle(desk, issue)
    except ContentError as error:
        return Obstacle(Reason.BROKEN, str(error))


_SENT = DutyResult(OccurrenceState.DONE, "it was sent already")

DUTIES: dict[str, Duty] = {GATHER: gather, REMIND: remind, DEADLINE: deadline, SEND: send}
