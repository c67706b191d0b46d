"""Hand a frozen send to the provider: claim, commit, submit, record, until nothing waits.

A run may be killed at any moment and started again, and several processes may run at once. A mail
that may have gone out without an answer is in doubt: it is recalled, held for a person, or sent
again if the newsroom has chosen that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from newsletter.deliver.job import Job
from newsletter.deliver.runner import run
from newsletter.deliver.submission import submit
from newsletter.errors import ProviderError
from newsletter.model import Answer, Recipient, Send
from newsletter.providers import Provider
from newsletter.store.ledger import LEASE

__all__ = ["LEASE", "Job", "run", "submit_alert", "submit_test"]


def submit_test(provider: Provider, send: Send, recipients: Sequence[Recipient]) -> None:
    """Send the same bytes to an editor, outside the ledger.

    Raises ProviderError if the provider does not accept it for every recipient.
    """
    for recipient, reason in _refusals(provider, send, recipients):
        raise ProviderError(
            f"The test to {recipient.email} was not accepted: {reason}. "
            f"Nothing was sent to any reader. Fix that, then run: newsletter test {send.issue}"
        )


def submit_alert(provider: Provider, send: Send, recipient: Recipient) -> None:
    """Send an alert to the editor, outside the ledger.

    Raises ProviderError unless the provider accepts it.
    """
    for _, reason in _refusals(provider, send, [recipient]):
        raise ProviderError(f"The mail to {recipient.email} was not accepted: {reason}.")


def _refusals(
    provider: Provider, send: Send, recipients: Sequence[Recipient]
) -> Iterator[tuple[Recipient, str]]:
    outcome = submit(provider, send, recipients)
    for recipient in recipients:
        if outcome.answers.get(recipient.delivery) is not Answer.ACCEPTED:
            reason = outcome.reasons.get(recipient.delivery, "no reason given")
            yield recipient, (outcome.pause or reason).rstrip(".")
