"""receipt, resolve; and how a receipt is printed, however many readers it has."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import (
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
WITH_REASON = ("rejected", "excluded")
MAX_PRINTED = 20  # addresses and batches; --json has all


class Decision(StrEnum):
    """A person's decision about a batch in doubt."""

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
        typer.Option("--save", metavar="DIR", help="Write the mail as it was sent into DIR."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say who got the issue; without ISSUE, the last one sent."""
    from newsletter.app.send import receipts

    desk = context.desk()
    name = receipts.requested_issue(desk, issue)
    if save:
        note(f"The mail that was sent is in {receipts.save_mail(desk, name, save)}.")
    print_receipt(desk, receipts.receipt(desk, name), as_json)


def resolve(
    decision: Annotated[
        Decision, typer.Option("--as", help="Count the readers as sent, or send to them again.")
    ],
    batch: Annotated[
        int | None,
        typer.Argument(metavar="BATCH", help="The number of the batch, from the receipt."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every batch in doubt.")] = False,
    issue: Annotated[
        str | None,
        typer.Option("--issue", metavar="ISSUE", help="Default: the last issue sent."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide about a batch in doubt, or about all of them."""
    from newsletter.app.send import receipts
    from newsletter.errors import UsageError

    desk = context.desk()
    name = receipts.requested_issue(desk, issue)
    if all_ == (batch is not None):
        raise UsageError("Name one batch in doubt, or use --all. See: newsletter receipt")
    settled = receipts.resolve(desk, name, batch, sent=decision is Decision.SENT)
    numbers, count = list(settled), sum(settled.values())
    if as_json:
        emit({"issue": name, "batches": numbers, "as": decision.value, "readers": count})
        return
    which = f"batch {batch}" if batch is not None else counted(len(numbers), "batch", "batches")
    if not numbers:
        print(f"No batch of {name} is in doubt. See: newsletter receipt {name}")
    elif decision is Decision.SENT:
        print(f"{counted(count, 'reader')} of {which} count as sent.")
    else:
        print(f"{counted(count, 'reader')} of {which} wait again: newsletter send {name}")


def print_receipt(desk: Desk, receipt_: Receipt, as_json: bool) -> None:
    """The receipt, and what a person must do about it."""
    from newsletter.app.send import receipts

    name = receipt_.issue
    if as_json:
        _write_json(desk, name)
    else:
        print(receipt_text(receipt_))
        for state in WITH_REASON:
            _print_addresses(desk, name, state, getattr(receipt_, state))
    held = receipts.held_batches(desk, name)
    for number, count, why in held[:MAX_PRINTED]:
        reason = f" ({why})" if why else ""
        note(
            f"Batch {number} is in doubt: {counted(count, 'reader')} may or may not have it"
            f"{reason}. Check the provider's log, then run: newsletter resolve {number} --as sent "
            f"(or --as resend) --issue {name}"
        )
    if len(held) > MAX_PRINTED:
        note(f"… and {len(held) - MAX_PRINTED} more batches; resolve takes --all.")
    if (unsettled := receipt_.in_doubt - sum(count for _, count, _ in held)) > 0:
        command = "cancel" if receipt_.state == "cancelled" else "send"
        readers = counted(unsettled, "reader is", "readers are")
        note(f"{readers} in doubt and may still be settled: newsletter {command} {name}")
    if receipt_.waiting and receipt_.state == "cancelled":
        readers = counted(receipt_.waiting, "reader was", "readers were")
        note(f"{readers} being handed over. See the outcome with: newsletter cancel {name}")
    elif receipt_.waiting:
        readers = counted(receipt_.waiting, "reader waits", "readers wait")
        if receipts.is_under_way(desk, name):
            note(f"{readers}; the send is running. If it stops: newsletter send {name}")
        else:
            note(f"{readers}; resume with: newsletter send {name}")


def _print_addresses(desk: Desk, name: IssueName, state: str, count: int) -> None:
    from newsletter.app.send import receipts

    with receipts.addresses(desk, name, state) as addresses:
        for _, (address, reason) in zip(range(MAX_PRINTED), addresses, strict=False):
            print(f"  {address}: {reason}")
    if count > MAX_PRINTED:
        print(f"  … and {count - MAX_PRINTED:,} more {state}: newsletter receipt {name} --json")


def _write_json(desk: Desk, name: IssueName) -> None:
    """One document, written address by address: a list may have a million."""
    from newsletter.app.send import receipts

    write = sys.stdout.write
    with receipts.open_receipt(desk, name) as (receipt_, addresses):
        head = json.dumps(receipt_json(receipt_), ensure_ascii=False, indent=1, default=str)
        write(head.removesuffix("\n}") + ',\n "addresses": {')
        for number, state in enumerate(STATES):
            write(f'{"," if number else ""}\n  "{state}": [')
            comma = ""
            for address, reason in addresses(state):
                with_reason = state in WITH_REASON
                entry = {"address": address, "reason": reason} if with_reason else address
                write(comma + "\n   " + json.dumps(entry, ensure_ascii=False))
                comma = ","
            write("]")
    write("\n }\n}\n")
