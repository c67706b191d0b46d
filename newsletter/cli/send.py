"""test, send, pause, resume, cancel."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import (
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
    typer.Option("--take-over", help="Send although this database looks like a copy."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (test, send, pause, resume, cancel):
        app.command()(command)


def test(
    issue: IssueArgument = None,
    to: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Another address than the editor's.")
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
        print(f"{test_of} {test_mail.describe_destination(desk, address)}.")


def send(
    issue: IssueArgument = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be sent, and send nothing.")
    ] = False,
    missing: Annotated[
        bool,
        typer.Option("--missing", help="After a send: the same bytes to readers who missed it."),
    ] = False,
    yes: Yes = False,
    take_over: TakeOver = False,
    as_json: AsJson = False,
) -> None:
    """Send the approved issue to the list now; run again, it resumes where it stopped."""
    from newsletter.app.send import plan as send_plan
    from newsletter.app.send import receipts

    desk = context.desk()
    name = send_plan.issue_to_send(desk, issue)
    plan = send_plan.plan(desk, name, to_missing=missing, take_over=take_over)
    if plan.findings:
        note(findings_text(plan.findings))
    if dry_run:
        _print_plan(desk, plan, as_json)
        return
    readers, provider = counted(plan.readers, "reader"), desk.config.provider.type
    if plan.to_missing and not plan.readers:
        note(f"Nobody misses {name}: everyone who may be mailed has it or is in doubt.")
        _finish(desk, receipts.receipt(desk, name), as_json)
        return
    if plan.to_missing:
        ask(f"Send {name} again, to {readers} who missed it, through {provider}?", yes)
    elif plan.frozen is None:
        for question in plan.questions:
            note(question) if yes else ask(question, yes)
        ask(f"Send {name} to {readers} through {provider}?", yes)
    elif plan.frozen.state == "done":
        note(f"Issue {name} was already sent; nobody gets it twice.")
    else:
        started = plan.frozen.created_at.astimezone(desk.config.zone)
        note(f"Resuming the send of {name}, started {started:%a %Y-%m-%d %H:%M %Z}.")
    _deliver(desk, plan, as_json)


def pause(issue: SentIssue = None) -> None:
    """Stop a running send after the open requests."""
    from newsletter.app.send import pause_cancel, receipts

    desk = context.desk()
    name = receipts.requested_issue(desk, issue)
    pause_cancel.pause(desk, name)
    print(f"The send of {name} is paused. Resume it with: newsletter resume {name}")


def resume(issue: SentIssue = None, take_over: TakeOver = False, as_json: AsJson = False) -> None:
    """Resume a send that was paused or interrupted; the same as send."""
    from newsletter.app.send import plan as send_plan
    from newsletter.app.send import receipts

    desk = context.desk()
    name = receipts.requested_issue(desk, issue)
    desk.require_sent(name)  # it never starts a send
    _deliver(desk, send_plan.plan(desk, name, take_over=take_over), as_json)


def cancel(issue: SentIssue = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """End a send for good, and recall what the provider has not released."""
    from newsletter.app.send import pause_cancel, receipts
    from newsletter.app.send import send as sending
    from newsletter.cli.receipt import print_receipt

    desk = context.desk()
    name = receipts.requested_issue(desk, issue)
    desk.require_sent(name)
    ask(f"End the send of {name}? Readers who wait will not get it.", yes)
    left_out = pause_cancel.cancel(desk, name)
    note(f"Cancelled the send of {name}; {counted(left_out, 'waiting reader')} left out.")
    receipt = sending.recall(desk, name)
    if receipt.accepted:
        note(f"{counted(receipt.accepted, 'reader')} had been handed over and cannot be recalled.")
    print_receipt(desk, receipt, as_json)


def _deliver(desk: Desk, plan: Plan, as_json: bool) -> None:
    from newsletter.app.send import send as sending
    from newsletter.app.send.delivery import SendObserver
    from newsletter.cli import progress

    if desk.config.delivery.doubt == "resend":
        note('[delivery] doubt = "resend": without an answer, a reader may get the issue twice.')
    stop, zone = threading.Event(), desk.config.zone
    with progress.sending(plan.readers) as report, progress.until_stopped(stop):
        receipt = sending.send(desk, plan, SendObserver(report, _print_wait(zone), stop))
    if receipt.send_at and receipt.send_at > desk.clock():
        release = receipt.send_at.astimezone(zone)
        note(f"The provider releases the last mails at {release:%H:%M %Z}.")
    _finish(desk, receipt, as_json)


def _finish(desk: Desk, receipt: Receipt, as_json: bool) -> None:
    """Print the receipt; exit status 1 while readers wait or are in doubt."""
    from newsletter.cli.receipt import print_receipt

    print_receipt(desk, receipt, as_json)
    if receipt.in_doubt or receipt.waiting:
        raise typer.Exit(1)


def _print_plan(desk: Desk, plan: Plan, as_json: bool) -> None:
    frozen, built = plan.frozen, plan.built
    subject = frozen.send.subject if frozen else built.rendered.subject if built else ""
    document = {
        "issue": str(plan.issue),
        "subject": subject,
        "hash": frozen.send.hash if frozen else built.rendered.hash if built else "",
        "provider": desk.config.provider.type,
        "readers": plan.readers,
        "state": frozen.state.value if frozen else "not started",
        "missing": plan.to_missing,
        "questions": list(plan.questions),
        "findings": [asdict(finding) for finding in plan.findings],
    }
    if as_json:
        emit(document)
        return
    for question in plan.questions:
        print(question)
    if frozen and not plan.to_missing:
        print(f"The send of {plan.issue} was already started; its state is {frozen.state}.")
        return
    readers = counted(plan.readers, "reader") + (" who missed it" if plan.to_missing else "")
    print(
        f"Would send {plan.issue} “{subject}” to {readers} through {desk.config.provider.type}. "
        f"Nothing was sent."
    )


def _print_wait(zone: ZoneInfo) -> Callable[[datetime, str], None]:
    def print_wait(moment: datetime, why: str) -> None:
        reason = f": {why}." if why else " for the provider, or for another process."
        note(f"Waiting until {moment.astimezone(zone):%H:%M:%S %Z}{reason}")

    return print_wait
