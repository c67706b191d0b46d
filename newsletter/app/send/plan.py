"""From an approved issue to every reader, once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.issue.build import Built, compose, require_no_errors
from newsletter.app.issue.recheck import look_again
from newsletter.app.send import clone_guard, receipts
from newsletter.app.send.delivery import Watch, deliver, doubt_policy
from newsletter.errors import NotReadyError
from newsletter.issues import parse_issue
from newsletter.model import CorrectionDate, Doubt, Finding, Receipt
from newsletter.render import said
from newsletter.sanitize import canonical
from newsletter.store import Connection, approvals, archive, missing, readers, sends
from newsletter.store.sends import DeliveryState, Frozen, State

CHANGED = 0.3  # a list that grew or shrank by more is asked about
SMALL = 20  # readers; a smaller list changes by much every week


@dataclass(frozen=True)
class Plan:
    """What a send would do now. ``frozen``: it was started already, and only goes on.

    ``missing``: it goes on to those who did not get it. ``questions``: a person must say yes.
    """

    issue: date
    built: Built | None
    frozen: Frozen | None
    readers: int
    findings: tuple[Finding, ...] = ()  # warnings of the last look at the stories
    questions: tuple[str, ...] = ()
    missing: bool = False


def meant(desk: Desk, given: str | None) -> date:
    """The issue to be sent: the one named, or the next one due. One whose send was started needs
    its folder no more. Raises UsageError for what is no name, ContentError without a folder.
    """
    if given and desk.sent(day := parse_issue(given)):
        return day
    return desk.issue(given)


def plan(
    desk: Desk,
    issue: date,
    *,
    approved: bool = False,
    to_missing: bool = False,
    take_over: bool = False,
) -> Plan:
    """What sending the issue now means. Raises NotReadyError where it must not start.

    The stories of a send that has not started are looked at once more at their sources.
    ``approved`` is for a timetable that sends without a person; ``take_over`` says that a person
    knows this database to be the right one.
    """
    name, newsletter = issue.isoformat(), desk.config.newsletter
    with desk.database.begin() as connection:
        frozen = sends.find(connection, desk.name, name)
        if frozen is None:
            correction_mail.refuse_undone(connection, desk.name, issue)
        approval = approvals.find(connection, desk.name, name)
        of = _corrected(desk, connection, issue)
        count = (
            readers.count(connection, newsletter.list)
            if of is None
            else readers.count_of(connection, newsletter.list, of)
        )
        other = sends.under_another_name(connection, desk.name, name, newsletter.list)
        last = sends.last_size(connection, desk.name, newsletter.list)
    clone_guard.look(desk, name, take_over=take_over)
    if frozen:
        return _go_on(desk, issue, frozen, to_missing)
    if to_missing:
        raise NotReadyError(
            f"Issue {issue} was not sent yet, so nobody misses it. Send it: newsletter send {issue}"
        )
    if other:
        raise NotReadyError(
            f"The list {newsletter.list!r} was already sent an issue of {issue}, under "
            f"the name {other!r}. Give [newsletter] name back that name, or choose another list."
        )
    built = compose(desk, issue)
    require_no_errors(built, "sent")
    automatic = approved or desk.config.schedule.approval == "automatic"
    if approval is None and not automatic:
        raise NotReadyError(
            f"Issue {issue} is not approved. Look at it with `newsletter preview {issue}`, then: "
            f"newsletter approve {issue}"
        )
    if approval and approval.hash != built.rendered.hash and not automatic:
        raise NotReadyError(
            f"Issue {issue} has changed since {approval.by} approved it. Look at it again: "
            f"newsletter build {issue}, then newsletter approve {issue}"
        )
    if not count:
        raise NotReadyError(
            f"Nobody who got the issue of {built.issue.corrects} may be mailed any more."
            if of is not None
            else f"The list {newsletter.list!r} has no active subscribers. "
            f"Add some with: newsletter subscribers import FILE"
        )
    findings = look_again(desk, built)
    require_no_errors(replace(built, findings=findings), "sent")
    questions = () if of is not None else _questions(newsletter.list, count, last)
    return Plan(issue, built, None, count, findings, questions)


def send(desk: Desk, planned: Plan, watch: Watch | None = None) -> Receipt:
    """Freeze what is planned, and deliver it; or go on with a send that was started."""
    watch = watch or Watch()
    provider = desk.provider  # a missing key is said before anything is frozen
    policy = doubt_policy(desk)
    frozen = planned.frozen or _freeze(desk, planned, provider.batch_size, policy)
    watch.checkpoint("frozen")
    if planned.missing:
        with desk.database.begin() as connection:
            missing.go_on(connection, frozen, provider.batch_size, desk.clock())
    if not planned.missing and frozen.state is State.DONE:
        return receipts.receipt(desk, planned.issue)
    deliver(desk, frozen, watch)
    return _receipt(desk, planned.issue, watch)


def take_back(desk: Desk, issue: date, watch: Watch | None = None) -> Receipt:
    """Of a cancelled send, take back what the provider has not let go yet, and wait for what is
    in another process's hands. Anybody may do that: it does not make this the one that sends.
    """
    frozen = desk.require_sent(issue)
    watch = watch or Watch()
    deliver(desk, frozen, watch, sign=False)
    return _receipt(desk, issue, watch)


def _receipt(desk: Desk, issue: date, watch: Watch) -> Receipt:
    """At the end. Whoever looked on hears it as well: a million readers are counted only once."""
    found = receipts.receipt(desk, issue)
    if watch.report:
        watch.report({state.value: getattr(found, state) for state in DeliveryState})
    return found


def _corrected(desk: Desk, connection: Connection, issue: date) -> int | None:
    """The number of the send that the mail corrects; None for an issue."""
    if not isinstance(issue, CorrectionDate):
        return None
    found = sends.find(connection, desk.name, issue.corrected.isoformat())
    if found is None:
        raise NotReadyError(
            f"Issue {issue.corrected} was not sent, so there is nothing to correct. Write its "
            f"folder anew, or send it: newsletter send {issue.corrected}"
        )
    return found.send.id


def _go_on(desk: Desk, issue: date, frozen: Frozen, to_missing: bool) -> Plan:
    """The plan of a send that was started already."""
    if to_missing and isinstance(issue, CorrectionDate):
        raise NotReadyError(
            f"A correction goes only to those who got what it corrects. Go on with what is left "
            f"of it: newsletter send {issue}"
        )
    if not to_missing:
        if frozen.state is State.CANCELLED:
            raise NotReadyError(
                f"The send of {issue} was cancelled. See who got it: newsletter receipt {issue}; "
                f"to send it to those who did not: newsletter send {issue} --missing"
            )
        return Plan(issue, None, frozen, frozen.eligible)
    if frozen.state in {State.SENDING, State.PAUSED}:
        raise NotReadyError(
            f"The send of {issue} is not finished. First go on with it: newsletter send {issue}"
        )
    with desk.database.read() as connection:
        count = missing.count(connection, frozen)
    return Plan(issue, None, frozen, count, missing=True)


def _questions(list_: str, count: int, last: tuple[str, int] | None) -> tuple[str, ...]:
    """What a person is to confirm about the list."""
    if not last or max(count, last[1]) < SMALL or abs(count - last[1]) <= CHANGED * last[1]:
        return ()
    grown = "more" if count > last[1] else "fewer"
    return (
        f"The list {list_!r} has {count:,} readers now; issue {last[0]} went to {last[1]:,}. "
        f"That is {abs(count - last[1]) / max(last[1], 1):.0%} {grown}. Is it right?",
    )


def _freeze(desk: Desk, planned: Plan, batch_size: int, policy: Doubt) -> Frozen:
    built = planned.built
    if built is None:  # a plan has one of the two
        raise NotReadyError("Nothing was planned. Run the command again.")
    newsletter, now = desk.config.newsletter, desk.clock()
    articles = [
        (story.article.id, canonical(story.article.url) if story.article.url else None)
        for story in built.issue.stories
    ]
    name = planned.issue.isoformat()
    with desk.database.begin() as connection:
        sends.take_turns(connection, newsletter.list)
        found = sends.find(connection, desk.name, name)
        if found is None:  # another process may have been quicker
            correction_mail.refuse_undone(connection, desk.name, planned.issue)
            sends.freeze(
                connection,
                built.rendered,
                newsletter=desk.name,
                issue=name,
                list_name=newsletter.list,
                sender=newsletter.sender,
                reply_to=newsletter.reply_to,
                articles=articles,
                provider=desk.config.provider.type,
                batch_size=batch_size,
                send_at=now + desk.config.delivery.ahead if policy is Doubt.RECALL else None,
                now=now,
                corrects=_corrected(desk, connection, planned.issue),
            )
            found = sends.find(connection, desk.name, name)
            if found and not built.issue.corrects:
                text = said(built.issue, desk.config)
                archive.keep(connection, found.send.id, text, newsletter.language)
    if found is None:
        raise NotReadyError(f"Issue {name} could not be frozen. Run the command again.")
    return found
