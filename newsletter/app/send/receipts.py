"""Who got an issue, and a person's word about those of whom nobody knows."""

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
    """Who got the issue, in numbers. Raises NotReadyError where it was never sent."""
    return desk.read(receipts.receipt, desk.require_sent(issue))


@contextmanager
def open_receipt(desk: Desk, issue: IssueName) -> Iterator[tuple[Receipt, Addresses]]:
    """The receipt and who is in each of its states, all of the same moment.

    Raises NotReadyError where it was never sent.
    """
    frozen = desk.require_sent(issue)
    with desk.reading() as connection:
        frozen = sends.find(connection, desk.name, issue) or frozen
        number = frozen.send.id
        yield (
            receipts.receipt(connection, frozen),
            lambda state: receipts.addresses(connection, number, DeliveryState(state)),
        )


@contextmanager
def addresses(
    desk: Desk, issue: IssueName, state: str
) -> Iterator[Iterator[tuple[str, str | None]]]:
    """The addresses that are ``state`` in the receipt, each with the reason, one by one."""
    frozen = desk.require_sent(issue)
    with desk.reading() as connection:
        yield receipts.addresses(connection, frozen.send.id, DeliveryState(state))


def held_batches(desk: Desk, issue: IssueName) -> list[tuple[int, int, str]]:
    """The batches of the issue that are in doubt: number, readers, why."""
    frozen = desk.sent(issue)
    return desk.read(doubt.held, frozen.send.id) if frozen else []


def is_under_way(desk: Desk, issue: IssueName) -> bool:
    """Whether somebody is at work on the send of the issue."""
    frozen = desk.sent(issue)
    return frozen is not None and desk.read(doubt.in_hand, frozen.send.id, desk.clock())


def resolve(desk: Desk, issue: IssueName, batch: int | None, *, sent: bool) -> dict[int, int]:
    """A person's word on a batch in doubt, or with None on all of them; the readers of each.

    Raises UsageError where that batch is not in doubt, NotReadyError where nothing was sent.
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
                    f"See which it has: newsletter receipt {issue}"
                )
            settled = {batch: count}
        if settled and not sent:  # one that was done goes on by itself, one paused stays so
            cancelled = SendState.CANCELLED
            sends.set_state(connection, send_id, SendState.SENDING, now, only_from=cancelled)
    return settled


def requested_issue(desk: Desk, given: str | None) -> IssueName:
    """The issue that is meant: the one named, or the last that was sent. Its folder may be gone.

    Raises UsageError for what is no name.
    """
    return parse_issue(given) if given else latest_sent(desk) or desk.next_issue()


def latest_sent(desk: Desk) -> IssueName | None:
    """The newest issue that was sent, or is being sent."""
    return next(reversed(desk.read(sends.issues, desk.name)), None)


def save_mail(desk: Desk, issue: IssueName, folder: Path) -> Path:
    """Write the frozen mail, as it went out, into the folder: email.html, email.txt."""
    send = desk.require_sent(issue).send
    for name, text in (("email.html", send.html), ("email.txt", send.text)):
        write_atomically(folder / name, text.encode())
    return folder
