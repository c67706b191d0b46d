"""What sending an issue would do now, and whether it may start."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsletter.app.approval import rules
from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.issue.build import Built, compose
from newsletter.app.issue.recheck import recheck_issue
from newsletter.app.send import clone_guard
from newsletter.errors import NotReadyError
from newsletter.issues import parse_issue
from newsletter.model import Finding, IssueName
from newsletter.store import Connection, approvals, mailable, send_missing, sends
from newsletter.store.sends import Frozen, SendState

CHANGED = 0.3  # a list that grew or shrank by more is asked about
SMALL = 20  # readers; a smaller list changes by much every week


@dataclass(frozen=True)
class Plan:
    """What a send would do now. ``frozen``: it was started already, and only goes on.

    ``missing``: it goes on to those who did not get it. ``questions``: a person must say yes.
    """

    issue: IssueName
    built: Built | None
    frozen: Frozen | None
    readers: int
    findings: tuple[Finding, ...] = ()  # warnings of the last look at the stories
    questions: tuple[str, ...] = ()
    to_missing: bool = False


def issue_to_send(desk: Desk, given: str | None) -> IssueName:
    """The issue to be sent: the one named, or the next one due. One whose send was started needs
    its folder no more. Raises UsageError for what is no name, ContentError without a folder.
    """
    if given and desk.sent(day := parse_issue(given)):
        return day
    return desk.issue(given)


def plan(
    desk: Desk,
    issue: IssueName,
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
    newsletter = desk.config.newsletter
    with desk.reading() as connection:
        frozen = sends.find(connection, desk.name, issue)
        if frozen is None:
            correction_mail.refuse_withdrawn(connection, desk.name, issue)
        approval = approvals.find(connection, desk.name, issue)
        of = corrected_send(desk, connection, issue)
        count = mailable.count(connection, newsletter.list, of)
        other = sends.under_another_name(connection, desk.name, issue, newsletter.list)
        last = sends.last_size(connection, desk.name, newsletter.list)
    clone_guard.check(desk, issue, take_over=take_over)
    if frozen:
        return _go_on(desk, issue, frozen, to_missing)
    if to_missing:
        raise NotReadyError(
            f"Issue {issue} was not sent yet, so nobody misses it. Send it: newsletter send {issue}"
        )
    rules.raise_for(rules.other_name_obstacle(issue, newsletter.list, other))
    built = compose(desk, issue)
    required = desk.config.schedule.approval == "required" and not approved
    rules.raise_for(rules.judge(built, approval, approval_required=required))
    rules.raise_for(rules.empty_list_obstacle(built, newsletter.list, count))
    findings = recheck_issue(desk, built)
    rules.raise_for(rules.error_obstacle(replace(built, findings=findings), "sent"))
    questions = () if of is not None else _questions(newsletter.list, count, last)
    return Plan(issue, built, None, count, findings, questions)


def corrected_send(desk: Desk, connection: Connection, issue: IssueName) -> int | None:
    """The number of the send that the mail corrects; None for an issue."""
    if not issue.is_correction:
        return None
    found = sends.find(connection, desk.name, issue.corrected)
    if found is None:
        raise NotReadyError(
            f"Issue {issue.corrected} was not sent, so there is nothing to correct. Write its "
            f"folder anew, or send it: newsletter send {issue.corrected}"
        )
    return found.send.id


def _go_on(desk: Desk, issue: IssueName, frozen: Frozen, to_missing: bool) -> Plan:
    """The plan of a send that was started already."""
    if to_missing and issue.is_correction:
        raise NotReadyError(
            f"A correction goes only to those who got what it corrects. Go on with what is left "
            f"of it: newsletter send {issue}"
        )
    if not to_missing:
        if frozen.state is SendState.CANCELLED:
            raise NotReadyError(
                f"The send of {issue} was cancelled. See who got it: newsletter receipt {issue}; "
                f"to send it to those who did not: newsletter send {issue} --missing"
            )
        return Plan(issue, None, frozen, frozen.eligible)
    if frozen.state in {SendState.SENDING, SendState.PAUSED}:
        raise NotReadyError(
            f"The send of {issue} is not finished. First go on with it: newsletter send {issue}"
        )
    count = desk.read(send_missing.count, frozen)
    return Plan(issue, None, frozen, count, to_missing=True)


def _questions(list_: str, count: int, last: tuple[IssueName, int] | None) -> tuple[str, ...]:
    """What a person is to confirm about the list."""
    if not last or max(count, last[1]) < SMALL or abs(count - last[1]) <= CHANGED * last[1]:
        return ()
    grown = "more" if count > last[1] else "fewer"
    return (
        f"The list {list_!r} has {count:,} readers now; issue {last[0]} went to {last[1]:,}. "
        f"That is {abs(count - last[1]) / max(last[1], 1):.0%} {grown}. Is it right?",
    )
