"""What sending an issue would do now, and whether the send may start."""

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
from newsletter.store.sends import FrozenSend, SendState

CHANGED_SHARE = 0.3  # a list that grew or shrank by more needs a confirmation
SMALL_LIST = 20  # readers; a smaller list changes a lot every week


@dataclass(frozen=True)
class Plan:
    """What a send would do now."""

    issue: IssueName
    built: Built | None  # the mail to freeze; None if the send was started before
    frozen: FrozenSend | None  # the send to resume, if it was started before
    readers: int
    findings: tuple[Finding, ...] = ()  # warnings of the recheck
    questions: tuple[str, ...] = ()  # a person has to answer each with yes
    to_missing: bool = False  # it goes to readers who did not get the issue when it was sent


def issue_to_send(desk: Desk, name: str | None) -> IssueName:
    """The issue of that name, or the next one due.

    An issue whose send was started does not need its folder. Raises UsageError if the name is not
    valid, ContentError if there is no folder.
    """
    if name and desk.sent(issue := parse_issue(name)):
        return issue
    return desk.issue(name)


def plan(
    desk: Desk,
    issue: IssueName,
    *,
    approved: bool = False,
    to_missing: bool = False,
    take_over: bool = False,
) -> Plan:
    """Plan the send of the issue. Raises NotReadyError or FindingsError if it must not start.

    Before a send starts, the stories are rechecked with their publishers. ``approved``: the
    timetable sends without an approval. ``take_over``: a person has confirmed that this database
    is the right one.
    """
    newsletter = desk.config.newsletter
    with desk.reading() as connection:
        frozen = sends.find(connection, desk.name, issue)
        if frozen is None:
            correction_mail.refuse_withdrawn(connection, desk.name, issue)
        approval = approvals.find(connection, desk.name, issue)
        corrects = corrected_send(desk, connection, issue)
        readers = mailable.count(connection, newsletter.list, corrects)
        other_name = sends.other_newsletter_name(connection, desk.name, issue, newsletter.list)
        last_size = sends.last_audience(connection, desk.name, newsletter.list)
    clone_guard.check(desk, issue, take_over=take_over)
    if frozen:
        return _plan_resume(desk, issue, frozen, to_missing)
    if to_missing:
        raise NotReadyError(
            f"Issue {issue} was not sent yet, so nobody misses it. Send it: newsletter send {issue}"
        )
    rules.raise_for(rules.other_name_obstacle(issue, newsletter.list, other_name))
    built = compose(desk, issue)
    approval_required = desk.config.schedule.approval == "required" and not approved
    rules.raise_for(rules.judge(built, approval, approval_required=approval_required))
    rules.raise_for(rules.empty_list_obstacle(built, newsletter.list, readers))
    findings = recheck_issue(desk, built)
    rules.raise_for(rules.error_obstacle(replace(built, findings=findings), "sent"))
    questions = () if issue.is_correction else _questions(newsletter.list, readers, last_size)
    return Plan(issue, built, None, readers, findings, questions)


def corrected_send(desk: Desk, connection: Connection, issue: IssueName) -> int | None:
    """The number of the send that a correction mail corrects; None for an issue.

    Raises NotReadyError if the corrected issue was not sent.
    """
    if not issue.is_correction:
        return None
    frozen = sends.find(connection, desk.name, issue.corrected)
    if frozen is None:
        raise NotReadyError(
            f"Issue {issue.corrected} was not sent, so there is nothing to correct. Change its "
            f"folder instead, or send it: newsletter send {issue.corrected}"
        )
    return frozen.send.id


def _plan_resume(desk: Desk, issue: IssueName, frozen: FrozenSend, to_missing: bool) -> Plan:
    """The plan of a send that was started before."""
    if to_missing and issue.is_correction:
        raise NotReadyError(
            f"A correction goes only to those who got what it corrects. Resume what is left of "
            f"its send: newsletter send {issue}"
        )
    if not to_missing:
        if frozen.state is SendState.CANCELLED:
            raise NotReadyError(
                f"The send of {issue} was cancelled. See who got it: newsletter receipt {issue}. "
                f"Send it to those who did not: newsletter send {issue} --missing"
            )
        return Plan(issue, None, frozen, frozen.eligible)
    if frozen.state in {SendState.SENDING, SendState.PAUSED}:
        raise NotReadyError(
            f"The send of {issue} is not finished. Resume it first: newsletter send {issue}"
        )
    return Plan(issue, None, frozen, desk.read(send_missing.count, frozen), to_missing=True)


def _questions(list_name: str, readers: int, last: tuple[IssueName, int] | None) -> tuple[str, ...]:
    """The question about a list that changed a lot since the last issue, if it did."""
    if not last:
        return ()
    last_issue, last_readers = last
    change = abs(readers - last_readers)
    if max(readers, last_readers) < SMALL_LIST or change <= CHANGED_SHARE * last_readers:
        return ()
    more = "more" if readers > last_readers else "fewer"
    return (
        f"The list {list_name!r} has {readers:,} readers now; issue {last_issue} went to "
        f"{last_readers:,}. That is {change / max(last_readers, 1):.0%} {more}. Is it right?",
    )
