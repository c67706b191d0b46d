"""Receipts: who got an issue, and how a person resolves batches in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter.app.desk import Desk
from newsletter.errors import UsageError
from newsletter.issues import parse_issue, write_atomically
from newsletter.model import IssueName, Receipt
from newsletter.store import doubt, receipts, sends
from newsletter.store.sends import DeliveryState, SendState

Addresses = Callable[[str], Iterator[tuple[str, str | None]]]


def receipt(desk: Desk, issue: IssueName) -> Receipt:
    """How many readers are in each state. Raises NotReadyError if the issue was never sent."""
    return desk.read(receipts.receipt, desk.require_sent(issue))


@contextmanager
def open_receipt(desk: Desk, issue: IssueName) -> Iterator[tuple[Receipt, Addresses]]:
    """The receipt, and a function that yields the addresses in a state, as ``addresses`` does.

    Both show the same moment. Raises NotReadyError if the issue was never sent.
    """
    frozen = desk.require_sent(issue)
    with desk.reading() as connection:
        frozen = sends.find(connection, desk.name, issue) or frozen
        send_id = frozen.send.id
        yield (
            receipts.receipt(connection, frozen),
            lambda state: receipts.addresses(connection, send_id, DeliveryState(state)),
        )


@contextmanager
def addresses(
    desk: Desk, issue: IssueName, state: str
) -> Iterator[Iterator[tuple[str, str | None]]]:
    """The addresses in this state of the receipt, each with the reason if there is one.

    Raises NotReadyError if the issue was never sent.
    """
    frozen = desk.require_sent(issue)
    with desk.reading() as connection:
        yield receipts.addresses(connection, frozen.send.id, DeliveryState(state))


def held_batches(desk: Desk, issue: IssueName) -> list[tuple[int, int, str]]:
    """The issue's batches in doubt: number, how many readers, reason."""
    frozen = desk.sent(issue)
    return desk.read(doubt.held_batches, frozen.send.id) if frozen else []


def is_under_way(desk: Desk, issue: IssueName) -> bool:
    """Whether a process is sending the issue now."""
    frozen = desk.sent(issue)
    return frozen is not None and desk.read(doubt.is_in_progress, frozen.send.id, desk.clock())


def resolve(desk: Desk, issue: IssueName, batch: int | None, *, sent: bool) -> dict[int, int]:
    """Record a person's decision about a batch in doubt, or with None about all of them.

    ``sent``: the readers have the mail; otherwise it is sent again. Returns batch → readers. Raises
    UsageError if that batch is not in doubt, NotReadyError if the issue was never sent.
    """
    send_id, now = desk.require_sent(issue).send.id, desk.clock()
    with desk.writing() as connection:
        if batch is None:
            settled = doubt.resolve_all(connection, send_id, sent=sent, now=now)
        else:
            count = doubt.resolve(connection, send_id, batch, sent=sent, now=now)
            if count is None:
                raise UsageError(
                    f"Issue {issue} has no batch {batch} in doubt. "
                    f"See its batches: newsletter receipt {issue}"
                )
            settled = {batch: count}
        if settled and not sent:  # the ledger reopens a send that was done; a paused one stays so
            sends.set_state(
                connection, send_id, SendState.SENDING, now, only_from=SendState.CANCELLED
            )
    return settled


def requested_issue(desk: Desk, name: str | None) -> IssueName:
    """The issue of that name, or the last that was sent. It needs no folder.

    Raises UsageError if the name is not valid.
    """
    return parse_issue(name) if name else latest_sent(desk) or desk.next_issue()


def latest_sent(desk: Desk) -> IssueName | None:
    """The newest issue that was sent or is being sent; None if there is none."""
    return next(reversed(desk.read(sends.states, desk.name)), None)


def save_mail(desk: Desk, issue: IssueName, folder: Path) -> Path:
    """Write the mail as it was sent to ``email.html`` and ``email.txt`` in the folder.

    Raises NotReadyError if the issue was never sent.
    """
    send = desk.require_sent(issue).send
    for file, text in (("email.html", send.html), ("email.txt", send.text)):
        write_atomically(folder / file, text.encode())
    return folder
