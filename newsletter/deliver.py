"""Hand a frozen send to the provider: claim → commit → submit → record, until nothing waits.

Safe to kill at any moment and safe to run again, in several processes at once. What may have
gone out without an answer is held for a person, never repeated.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from newsletter.errors import NotReadyError, ProviderError
from newsletter.model import Answer, Outcome, Recipient, Send
from newsletter.providers import Provider
from newsletter.store import Database, doubt, ledger, sends
from newsletter.store.ledger import Claim, Reader
from newsletter.store.sends import DeliveryState, Frozen, State

PATIENCE = timedelta(minutes=30)  # how long a run waits for a provider that takes nothing
A_MOMENT = timedelta(seconds=0.2)  # at least so long between two looks

Personal = Callable[[Reader], Recipient]
Clock = Callable[[], datetime]
Report = Callable[[dict[str, int]], None]


def run(
    database: Database,
    provider: Provider,
    frozen: Frozen,
    personal: Personal,
    *,
    clock: Clock,
    wait: Callable[[datetime], None],
    report: Report,
) -> None:
    """Deliver all that can be delivered.

    ``personal`` makes a reader's own parts; ``wait`` sleeps until a moment; ``report`` gets the
    number of deliveries in each state after every batch. Raises NotReadyError where the provider
    refuses us, or takes nothing for half an hour.
    """
    send, owner = frozen.send, f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    _set_state(database, send, State.SENDING, clock())
    last_success = clock()
    while True:
        claim, again_at = _take(database, frozen, owner, clock())
        if claim is None and again_at is None:
            break
        if claim is None:
            _give_up_after(last_success, send, clock())
            wait(max(again_at or clock(), clock() + A_MOMENT))
            continue
        outcome = _hand_over(database, provider, send, claim, personal, clock)
        if outcome is None:
            continue
        if Answer.ACCEPTED in outcome.answers.values():
            last_success = clock()
        with database.begin() as connection:
            numbers = doubt.progress(connection, send.id)
        report(numbers)
        if outcome.pause:
            _set_state(database, send, State.PAUSED, clock(), outcome.pause)
            raise NotReadyError(
                f"The send of {send.issue} is paused: {outcome.pause} "
                f"Then go on with: newsletter send {send.issue}"
            )
    _finish(database, send, clock())


def _take(
    database: Database, frozen: Frozen, owner: str, now: datetime
) -> tuple[Claim | None, datetime | None]:
    """The next batch; or when to look again; or neither, when nothing is left to do."""
    send = frozen.send
    with database.begin() as connection:
        ledger.expire(connection, send.id, now)
        state = sends.find(connection, send.newsletter, send.issue)
        if state and state.state is State.PAUSED:
            raise NotReadyError(f"The send of {send.issue} is paused: {state.reason}")
        claim = ledger.claim(connection, send.id, frozen.list_id, owner, now)
        return claim, None if claim else doubt.next_moment(connection, send.id)


def _hand_over(
    database: Database,
    provider: Provider,
    send: Send,
    claim: Claim,
    personal: Personal,
    clock: Clock,
) -> Outcome | None:
    """One request; None where the claim was lost before the first byte."""
    recipients = [personal(reader) for reader in claim.readers]
    with database.begin() as connection:
        if not ledger.start(connection, claim, clock()):
            return None
    try:
        outcome = provider.submit(replace(send, batch=claim.number), recipients)
    except Exception as error:  # noqa: BLE001 - whatever an adaptor does: it may have gone out
        outcome = Outcome.all(recipients, Answer.UNKNOWN, f"the provider's adaptor failed: {error}")
    with database.begin() as connection:
        ledger.record(connection, claim, outcome, clock())
    return outcome


def _give_up_after(last_success: datetime, send: Send, now: datetime) -> None:
    if now - last_success > PATIENCE:
        raise NotReadyError(
            f"The provider has taken nothing of {send.issue} for half an hour; the readers who "
            f"wait are kept. See `newsletter receipt {send.issue}`, then go on with: "
            f"newsletter send {send.issue}"
        )


def _finish(database: Database, send: Send, now: datetime) -> None:
    with database.begin() as connection:
        doubt.hold(connection, send.id, now)
        if not doubt.progress(connection, send.id).get(DeliveryState.WAITING):
            sends.set_state(connection, send.id, State.DONE, now)


def _set_state(
    database: Database, send: Send, state: State, now: datetime, reason: str | None = None
) -> None:
    with database.begin() as connection:
        sends.set_state(connection, send.id, state, now, reason)


def submit_test(provider: Provider, send: Send, recipients: Sequence[Recipient]) -> None:
    """The same bytes to an editor, outside the ledger; raises ProviderError if not accepted."""
    outcome = provider.submit(send, recipients)
    for recipient in recipients:
        if outcome.answers.get(recipient.delivery) is not Answer.ACCEPTED:
            said = outcome.reasons.get(recipient.delivery, "no reason given")
            why = outcome.pause or said
            raise ProviderError(
                f"The test to {recipient.email} was not accepted: {why.rstrip('.')}. "
                f"Nothing was sent to any reader. Mend that, then: newsletter test {send.issue}"
            )
