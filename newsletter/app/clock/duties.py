"""What is done at each kind of moment: gather, remind, deadline, send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from newsletter.app.alerts import queue, wording
from newsletter.app.alerts.queue import Told
from newsletter.app.approval import test_mail
from newsletter.app.approval.rules import Obstacle, obstacle
from newsletter.app.desk import Desk
from newsletter.app.issue import build
from newsletter.app.issue import gather as issue_gather
from newsletter.app.send import plan
from newsletter.app.send.delivery import Watch
from newsletter.errors import ContentError, FindingsError
from newsletter.schedule import DEADLINE, GATHER, REMIND, SEND
from newsletter.store import sends
from newsletter.store.occurrences import State
from newsletter.store.sends import Frozen

SOON = timedelta(seconds=30)  # what waits for a person is looked at every tick
LATER = timedelta(minutes=5)  # what failed, or asks publishers, is tried again a little later


@dataclass(frozen=True)
class Outcome:
    """What became of a moment, in words; ``wait``: how long until one that waits is tried again.

    ``skips_send``: nobody has approved the issue in time, so it is not sent at its moment either.
    ``tells``: what the editor is to hear of it.
    """

    state: State
    message: str
    wait: timedelta = LATER
    skips_send: bool = False
    tells: tuple[Told, ...] = ()


Duty = Callable[[Desk, date, Watch], Outcome]


def gather(desk: Desk, issue: date, watch: Watch) -> Outcome:
    """A draft, and a test to the editor."""
    if _send_of(desk, issue):
        return Outcome(State.SKIPPED, "it was sent before its time, so nothing is gathered for it")
    found = issue_gather.gather(desk, issue)
    watch.checkpoint("gathered")
    built = build.build(desk, issue)
    watch.checkpoint("built")
    said = f"{len(found.gathered.articles)} articles, {len(built.issue.stories)} stories"
    told = (*wording.sources(desk, issue, found.gathered.sources), wording.draft(desk, built))
    if not desk.config.editor.email:
        return Outcome(State.DONE, f"{said}; no [editor] email, so no test was sent", tells=told)
    address, _ = test_mail.send_test(desk, issue)
    return Outcome(State.DONE, f"{said}; a test {test_mail.went(desk, address)}", tells=told)


def remind(desk: Desk, issue: date, _watch: Watch) -> Outcome:
    """Tell the editor where something is still to be done."""
    if _send_of(desk, issue):
        return _SENT
    found = _obstacle(desk, issue)
    if found is None:
        return Outcome(State.DONE, "nothing is left to do")
    told = wording.unapproved(desk, issue, found)
    return Outcome(State.DONE, f"reminded: {found.why}", tells=(told,))


def deadline(desk: Desk, issue: date, _watch: Watch) -> Outcome:
    """Decide about an issue that nobody has approved."""
    if _send_of(desk, issue):
        return _SENT
    found = _obstacle(desk, issue)
    if found is None:
        return Outcome(State.DONE, "it goes out at its time")
    policy, why = desk.config.schedule.if_unapproved, found.why
    if policy == "skip":
        told = wording.skipped(desk, issue, found)
        return Outcome(State.SKIPPED, f"it is not sent: {why}", skips_send=True, tells=(told,))
    if policy == "send":
        told = wording.unapproved_sent(desk, issue)
        return Outcome(State.DONE, f"it goes out at its time all the same: {why}", tells=(told,))
    return Outcome(State.HELD, f"it is held: {why}", tells=(wording.held(desk, issue, found),))


def send(desk: Desk, issue: date, watch: Watch) -> Outcome:
    """Send it, or go on with it; where it may not go, what ``if_unapproved`` says."""
    begun = _send_of(desk, issue)
    if begun and (over := ended(begun)):
        return over
    if begun and begun.state is sends.State.PAUSED:
        reason = begun.reason or f"go on with newsletter resume {issue}"
        return Outcome(State.WAITING, f"it is paused: {reason}", SOON)
    policy = desk.config.schedule.if_unapproved
    found = None if begun else obstacle(desk, issue)
    if found and policy != "send":
        return _not_sent(desk, issue, found, SOON)
    try:
        planned = plan.plan(desk, issue, approved=policy == "send")
    except FindingsError as error:
        return _not_sent(desk, issue, Obstacle(str(error)), LATER, "findings")
    if planned.questions:
        asked = f"{' '.join(planned.questions)} Say so: newsletter send {issue}"
        told = wording.held(desk, issue, Obstacle(asked), asked)
        return Outcome(State.WAITING, asked, SOON, tells=(told,))
    if found:
        with desk.database.begin() as connection:  # who is killed while it goes, has told of it
            queue.tell(desk, connection, wording.unapproved_sent(desk, issue))
    watch.checkpoint("planned")
    receipt = plan.send(desk, planned, watch)
    said = f"{receipt.accepted} of {receipt.eligible} accepted"
    if receipt.in_doubt:
        said += f", {receipt.in_doubt} in doubt: see newsletter receipt {issue}"
    if receipt.waiting:
        said += f", {receipt.waiting} wait: it was stopped, and goes on later"
        return Outcome(State.WAITING, said, SOON)
    return Outcome(State.DONE, said)


def waits(desk: Desk, kind: str, issue: date, why: str) -> tuple[Told, ...]:
    """What is told of a send that must not start, or not go on; that it is paused, was told."""
    begun = _send_of(desk, issue)
    if kind != SEND or (begun and begun.state is sends.State.PAUSED):
        return ()
    return (wording.held(desk, issue, Obstacle(why), why),)


def _not_sent(
    desk: Desk, issue: date, found: Obstacle, wait: timedelta, about: str = "approval"
) -> Outcome:
    """What becomes of an issue at its moment that may not go."""
    if desk.config.schedule.if_unapproved == "skip":
        told = wording.skipped(desk, issue, found)
        return Outcome(State.SKIPPED, f"it is not sent: {found.why}", tells=(told,))
    told = wording.held(desk, issue, found, about)
    return Outcome(State.WAITING, found.why, wait, tells=(told,))


def ended(begun: Frozen) -> Outcome | None:
    """What to say of a send that is over, whoever has ended it; None where it is not."""
    if begun.state is sends.State.CANCELLED:
        issue = begun.send.issue
        return Outcome(State.SKIPPED, f"it was cancelled: see newsletter receipt {issue}")
    if begun.state is sends.State.DONE:
        return Outcome(State.DONE, "it was sent already")
    return None


def _send_of(desk: Desk, issue: date) -> Frozen | None:
    with desk.database.read() as connection:
        return sends.find(connection, desk.name, issue.isoformat())


def _obstacle(desk: Desk, issue: date) -> Obstacle | None:
    """The same, where an issue that does not exist is an obstacle like any other."""
    try:
        return obstacle(desk, issue)
    except ContentError as error:
        return Obstacle(str(error))


_SENT = Outcome(State.DONE, "it was sent already")

DUTIES: dict[str, Duty] = {GATHER: gather, REMIND: remind, DEADLINE: deadline, SEND: send}
