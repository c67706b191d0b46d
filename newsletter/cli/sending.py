"""test, send, receipt, resolve."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.common import (
    AsJson,
    IssueName,
    Yes,
    ask,
    context,
    counted,
    emit,
    findings_text,
    note,
    receipt_json,
    receipt_text,
)

if TYPE_CHECKING:
    from newsletter.app import Desk
    from newsletter.app.sending import Plan
    from newsletter.model import Receipt


class Verdict(StrEnum):
    """What a person says of a batch in doubt."""

    SENT = "sent"
    RESEND = "resend"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (test, send, receipt, resolve):
        app.command()(command)


def test(
    issue: IssueName = None,
    to: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Instead of [editor].")] = None,
    as_json: AsJson = False,
) -> None:
    """Send the exact mail to the editor only; its subject is marked as a test."""
    from newsletter.app import sending

    desk = context.desk()
    address, built = sending.send_test(desk, desk.issue(issue), to)
    if as_json:
        emit({"issue": built.issue.name, "to": address, "hash": built.rendered.hash})
    else:
        print(f"A test of {built.issue.name} (hash {built.rendered.hash[:12]}) went to {address}.")


def send(
    issue: IssueName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send the approved issue to the list now; run it again to go on where it stopped."""
    from newsletter.app import sending

    desk = context.desk()
    planned = sending.plan(desk, desk.issue(issue))
    if planned.findings:
        note(findings_text(planned.findings))
    if dry_run:
        _show_plan(desk, planned, as_json)
        return
    if planned.frozen is None:
        readers = counted(planned.readers, "reader")
        ask(f"Send {planned.issue} to {readers} through {desk.config.provider.type}?", yes)
    elif planned.frozen.state == "done":
        note(f"Issue {planned.issue} was sent already; nobody gets it twice.")
    else:
        note(f"The send of {planned.issue} was started at {planned.frozen.created_at}; going on.")
    with _progress(planned.readers) as report:
        found = sending.send(desk, planned, report, _waiting)
    _report(desk, found, as_json)
    if found.in_doubt or found.waiting:
        raise typer.Exit(1)


def receipt(issue: IssueName = None, as_json: AsJson = False) -> None:
    """Say who got the issue; without ISSUE the last one that was sent."""
    from newsletter import issues
    from newsletter.app import sending

    desk = context.desk()
    name = issue or sending.latest(desk)
    day = issues.parse_name(name) if name else desk.next_issue()
    _report(desk, sending.receipt(desk, day), as_json)


def resolve(
    batch: Annotated[int, typer.Argument(help="The batch in doubt, as the receipt names it.")],
    verdict: Annotated[
        Verdict, typer.Option("--as", help="It counts as sent, or goes out once more.")
    ],
    issue: Annotated[str | None, typer.Option("--issue", help="Without it the last sent.")] = None,
) -> None:
    """Decide about a batch in doubt."""
    from newsletter.app import sending

    desk = context.desk()
    day = desk.issue(issue or sending.latest(desk))
    count = sending.resolve(desk, day, batch, sent=verdict is Verdict.SENT)
    if verdict is Verdict.SENT:
        print(f"{counted(count, 'reader')} of batch {batch} count as sent.")
    else:
        print(f"{counted(count, 'reader')} of batch {batch} wait again: newsletter send {day}")


def _report(desk: Desk, found: Receipt, as_json: bool) -> None:
    """The receipt, and what a person must do about it."""
    from datetime import date

    from newsletter.app import sending

    if as_json:
        emit(receipt_json(found))
    else:
        print(receipt_text(found))
        for entry in [*found.addresses.get("rejected", ()), *found.addresses.get("excluded", ())]:
            print(f"  {entry['address']}: {entry['reason']}")
    for number, count in sending.held(desk, date.fromisoformat(found.issue)):
        note(
            f"Batch {number} is in doubt: {counted(count, 'reader')} may have it or not. Look in "
            f"the provider's log, then say: newsletter resolve {number} --as sent "
            f"(or --as resend) --issue {found.issue}"
        )
    if found.waiting:
        waiting = counted(found.waiting, "reader waits", "readers wait")
        note(f"{waiting}; go on with: newsletter send {found.issue}")


def _show_plan(desk: Desk, planned: Plan, as_json: bool) -> None:
    frozen, built = planned.frozen, planned.built
    subject = frozen.send.subject if frozen else built.rendered.subject if built else ""
    plan = {
        "issue": planned.issue.isoformat(),
        "subject": subject,
        "hash": frozen.send.hash if frozen else built.rendered.hash if built else "",
        "provider": desk.config.provider.type,
        "readers": planned.readers,
        "state": frozen.state.value if frozen else "not started",
        "findings": [asdict(finding) for finding in planned.findings],
    }
    if as_json:
        emit(plan)
    elif frozen:
        print(f"The send of {planned.issue} was started already; its state is {frozen.state}.")
    else:
        print(
            f"Would send {planned.issue} “{subject}” to {counted(planned.readers, 'reader')} "
            f"through {desk.config.provider.type}. Nothing was sent."
        )


def _waiting(moment: datetime) -> None:
    note(f"Waiting until {moment.astimezone():%H:%M:%S} for the provider, or another process.")


def _progress(total: int) -> AbstractContextManager[Any]:
    """A bar on a terminal, a line for each batch elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(lambda numbers: note(_numbers(numbers)))
    return _Bar(total)


class _Bar:
    """Rich's progress bar, fed with the numbers of the ledger."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = ("Sending", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("send", total=total or None)

    def __enter__(self) -> Any:
        self._progress.start()
        return self.report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, numbers: dict[str, int]) -> None:
        waiting = numbers.get("waiting", 0)
        total = sum(numbers.values())
        self._progress.update(self._task, completed=total - waiting, total=total)


def _numbers(numbers: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in numbers.items())
