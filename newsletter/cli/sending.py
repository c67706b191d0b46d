"""test, send, pause, resume, cancel."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.common import (
    AsJson,
    IssueArgument,
    SentIssue,
    Yes,
    ask,
    context,
    counted,
    emit,
    findings_text,
    note,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from newsletter.app import Desk
    from newsletter.app.send.plan import Plan
    from newsletter.model import Receipt

TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over", help="This database is the right one, although it looks like a copy."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (test, send, pause, resume, cancel):
        app.command()(command)


def test(
    issue: IssueArgument = None,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Somebody else than the editor.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send the exact mail to the editor only; its subject is marked as a test."""
    from newsletter.app.approval import test_mail

    desk = context.desk()
    address, built = test_mail.send_test(desk, desk.issue(issue), to)
    if as_json:
        emit({"issue": built.issue.name, "to": address, "hash": built.rendered.hash})
    else:
        test_of = f"A test of {built.issue.name} (hash {built.rendered.hash[:12]})"
        print(f"{test_of} {test_mail.went(desk, address)}.")


def send(
    issue: IssueArgument = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="After a send: the same bytes to those who did not get it."),
    ] = False,
    yes: Yes = False,
    take_over: TakeOver = False,
    as_json: AsJson = False,
) -> None:
    """Send the approved issue to the list now; run it again to go on where it stopped."""
    from newsletter.app.send import plan as send_plan
    from newsletter.app.send import receipts

    desk = context.desk()
    day = send_plan.meant(desk, issue)
    planned = send_plan.plan(desk, day, to_missing=missing, take_over=take_over)
    if planned.findings:
        note(findings_text(planned.findings))
    if dry_run:
        _show_plan(desk, planned, as_json)
        return
    readers, through = counted(planned.readers, "reader"), desk.config.provider.type
    if planned.missing and not planned.readers:
        note(f"Nobody misses {day}: whoever may be mailed has it, or is in doubt.")
        _close(desk, receipts.receipt(desk, day), as_json)
        return
    if planned.missing:
        ask(f"Send {day} once more, to {readers} who did not get it, through {through}?", yes)
    elif planned.frozen is None:
        for question in planned.questions:
            note(question) if yes else ask(question, yes)
        ask(f"Send {day} to {readers} through {through}?", yes)
    elif planned.frozen.state == "done":
        note(f"Issue {day} was sent already; nobody gets it twice.")
    else:
        begun = planned.frozen.created_at.astimezone(desk.config.zone)
        note(f"The send of {day} was started at {begun:%a %Y-%m-%d %H:%M %Z}; going on.")
    _run(desk, planned, as_json)


def pause(issue: SentIssue = None) -> None:
    """Stop a send that is on its way; what is under way is answered first."""
    from newsletter.app.send import pause_cancel, receipts

    desk = context.desk()
    day = receipts.meant(desk, issue)
    pause_cancel.pause(desk, day)
    print(f"The send of {day} is paused. Go on with: newsletter resume {day}")


def resume(issue: SentIssue = None, take_over: TakeOver = False, as_json: AsJson = False) -> None:
    """Go on with a send that was paused or broke off; the same as send."""
    from newsletter.app.send import plan as send_plan
    from newsletter.app.send import receipts

    desk = context.desk()
    day = receipts.meant(desk, issue)
    desk.require_sent(day)  # it begins no send
    _run(desk, send_plan.plan(desk, day, take_over=take_over), as_json)


def cancel(issue: SentIssue = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """End a send for good; what the provider has not let go yet is taken back."""
    from newsletter.app.send import pause_cancel, receipts
    from newsletter.app.send import send as sending
    from newsletter.cli.receipts import report

    desk = context.desk()
    day = receipts.meant(desk, issue)
    desk.require_sent(day)
    ask(f"End the send of {day}? Whoever waits does not get it.", yes)
    left_out = pause_cancel.cancel(desk, day)
    note(f"The send of {day} is cancelled; {counted(left_out, 'reader')} who waited are left out.")
    found = sending.take_back(desk, day)
    if found.accepted:
        note(
            f"{counted(found.accepted, 'reader')} had been handed over and could not be taken back."
        )
    report(desk, found, as_json)


def _run(desk: Desk, planned: Plan, as_json: bool) -> None:
    from newsletter.app.send import send as sending
    from newsletter.app.send.delivery import Watch
    from newsletter.cli import progress

    if desk.config.delivery.doubt == "resend":
        note('[delivery] doubt = "resend": where no answer comes, a reader may get it twice.')
    stop, zone = threading.Event(), desk.config.zone
    with progress.sending(planned.readers) as report, progress.until_stopped(stop):
        found = sending.send(desk, planned, Watch(report, _waiting(zone), stop))
    if found.send_at and found.send_at > desk.clock():
        note(f"The provider lets the last mails go at {found.send_at.astimezone(zone):%H:%M %Z}.")
    _close(desk, found, as_json)


def _close(desk: Desk, found: Receipt, as_json: bool) -> None:
    """The receipt; exit status 1 while anybody waits or is in doubt."""
    from newsletter.cli import receipts

    receipts.report(desk, found, as_json)
    if found.in_doubt or found.waiting:
        raise typer.Exit(1)


def _show_plan(desk: Desk, planned: Plan, as_json: bool) -> None:
    frozen, built = planned.frozen, planned.built
    subject = frozen.send.subject if frozen else built.rendered.subject if built else ""
    plan = {
        "issue": str(planned.issue),
        "subject": subject,
        "hash": frozen.send.hash if frozen else built.rendered.hash if built else "",
        "provider": desk.config.provider.type,
        "readers": planned.readers,
        "state": frozen.state.value if frozen else "not started",
        "missing": planned.missing,
        "questions": list(planned.questions),
        "findings": [asdict(finding) for finding in planned.findings],
    }
    if as_json:
        emit(plan)
        return
    for question in planned.questions:
        print(question)
    if frozen and not planned.missing:
        print(f"The send of {planned.issue} was started already; its state is {frozen.state}.")
        return
    who = counted(planned.readers, "reader") + (" who did not get it" if planned.missing else "")
    print(
        f"Would send {planned.issue} “{subject}” to {who} "
        f"through {desk.config.provider.type}. Nothing was sent."
    )


def _waiting(zone: ZoneInfo) -> Callable[[datetime, str], None]:
    def said(moment: datetime, why: str) -> None:
        for_what = f": {why}." if why else " for the provider, or another process."
        note(f"Waiting until {moment.astimezone(zone):%H:%M:%S %Z}{for_what}")

    return said
