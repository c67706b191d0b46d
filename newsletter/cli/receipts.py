"""receipt, resolve; and how a receipt is printed, however many readers it has."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.common import (
    AsJson,
    SentIssue,
    context,
    counted,
    emit,
    note,
    receipt_json,
    receipt_text,
)

if TYPE_CHECKING:
    from newsletter.app import Desk
    from newsletter.model import IssueName, Receipt

STATES = ("accepted", "excluded", "rejected", "in_doubt", "waiting")
EXPLAINED = ("rejected", "excluded")
SHOWN = 20  # addresses a list for people; --json has all


class Verdict(StrEnum):
    """What a person says of a batch in doubt."""

    SENT = "sent"
    RESEND = "resend"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (receipt, resolve):
        app.command()(command)


def receipt(
    issue: SentIssue = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="DIR", help="Write the mail that was sent there."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who got the issue; without ISSUE the last one that was sent."""
    from newsletter.app.send import receipts

    desk = context.desk()
    day = receipts.meant(desk, issue)
    if save:
        note(f"The mail that was sent is in {receipts.save(desk, day, save)}.")
    report(desk, receipts.receipt(desk, day), as_json)


def resolve(
    verdict: Annotated[
        Verdict, typer.Option("--as", help="They count as sent, or go out once more.")
    ],
    batch: Annotated[
        int | None,
        typer.Argument(metavar="BATCH", help="The batch in doubt, as the receipt names it."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that are in doubt.")] = False,
    issue: Annotated[
        str | None,
        typer.Option("--issue", metavar="ISSUE", help="Without it the last one sent."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide about a batch in doubt, or about all of them."""
    from newsletter.app.send import receipts
    from newsletter.errors import UsageError

    desk = context.desk()
    day = receipts.meant(desk, issue)
    if every == (batch is not None):
        raise UsageError("Name one batch in doubt, or say --all. See: newsletter receipt")
    settled = receipts.resolve(desk, day, batch, sent=verdict is Verdict.SENT)
    numbers, count = list(settled), sum(settled.values())
    if as_json:
        emit({"issue": day, "batches": numbers, "as": verdict.value, "readers": count})
        return
    which = f"batch {batch}" if batch is not None else counted(len(numbers), "batch", "batches")
    if not numbers:
        print(f"No batch of {day} waits for that. See: newsletter receipt {day}")
    elif verdict is Verdict.SENT:
        print(f"{counted(count, 'reader')} of {which} count as sent.")
    else:
        print(f"{counted(count, 'reader')} of {which} wait again: newsletter send {day}")


def report(desk: Desk, found: Receipt, as_json: bool) -> None:
    """The receipt, and what a person must do about it."""
    from newsletter.app.send import receipts

    day = found.issue
    if as_json:
        _write_json(desk, day)
    else:
        print(receipt_text(found))
        for state in EXPLAINED:
            _print_some(desk, day, state, getattr(found, state))
    held = receipts.held(desk, day)
    for number, count, why in held[:SHOWN]:
        reason = f" ({why})" if why else ""
        note(
            f"Batch {number} is in doubt: {counted(count, 'reader')} may have it or not{reason}. "
            f"Look in the provider's log, then say: newsletter resolve {number} --as sent "
            f"(or --as resend) --issue {found.issue}"
        )
    if len(held) > SHOWN:
        note(f"… and {len(held) - SHOWN} more batches; resolve takes --all.")
    if (others := found.in_doubt - sum(count for _, count, _ in held)) > 0:
        do = "cancel" if found.state == "cancelled" else "send"
        more = counted(others, "reader is", "readers are")
        note(f"{more} in doubt, and not for a person yet; go on with: newsletter {do} {day}")
    if found.waiting and found.state == "cancelled":
        waiting = counted(found.waiting, "reader was", "readers were")
        note(f"{waiting} being handed over. See what became of it: newsletter cancel {day}")
    elif found.waiting:
        waiting = counted(found.waiting, "reader waits", "readers wait")
        if receipts.under_way(desk, day):
            waiting += ", and the send is under way; should it break off"
        note(f"{waiting}; go on with: newsletter send {found.issue}")


def _print_some(desk: Desk, day: IssueName, state: str, count: int) -> None:
    from newsletter.app.send import receipts

    with receipts.addresses(desk, day, state) as found:
        for _, (address, reason) in zip(range(SHOWN), found, strict=False):
            print(f"  {address}: {reason}")
    if count > SHOWN:
        print(f"  … and {count - SHOWN:,} more {state}: newsletter receipt {day} --json")


def _write_json(desk: Desk, day: IssueName) -> None:
    """One document, written address by address: a list may have a million."""
    from newsletter.app.send import receipts

    write = sys.stdout.write
    with receipts.opened(desk, day) as (found, addresses):
        head = json.dumps(receipt_json(found), ensure_ascii=False, indent=1, default=str)
        write(head.removesuffix("\n}") + ',\n "addresses": {')
        for number, state in enumerate(STATES):
            write(f'{"," if number else ""}\n  "{state}": [')
            comma = ""
            for address, reason in addresses(state):
                entry = {"address": address, "reason": reason} if state in EXPLAINED else address
                write(comma + "\n   " + json.dumps(entry, ensure_ascii=False))
                comma = ","
            write("]")
    write("\n }\n}\n")
