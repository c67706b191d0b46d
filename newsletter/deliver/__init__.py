"""Hand a frozen send to the provider: claim → commit → submit → record, until nothing waits.

Safe to kill at any moment and safe to run again, in several processes at once. What may have
gone out without an answer is in doubt: it is recalled, held for a person, or (only if the
newsroom says so) sent again.
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
    """The same bytes to an editor, outside the ledger; raises ProviderError if not accepted."""
    for recipient, why in _refused(provider, send, recipients):
        raise ProviderError(
            f"The test to {recipient.email} was not accepted: {why}. "
            f"Nothing was sent to any reader. Mend that, then: newsletter test {send.issue}"
        )


def submit_alert(provider: Provider, send: Send, recipient: Recipient) -> None:
    """A word to the editor, outside the ledger; raises ProviderError if not surely accepted."""
    for _, why in _refused(provider, send, [recipient]):
        raise ProviderError(f"The mail to {recipient.email} was not accepted: {why}.")


def _refused(
    provider: Provider, send: Send, recipients: Sequence[Recipient]
) -> Iterator[tuple[Recipient, str]]:
    outcome = submit(provider, send, recipients)
    for recipient in recipients:
        if outcome.answers.get(recipient.delivery) is not Answer.ACCEPTED:
            said = outcome.reasons.get(recipient.delivery, "no reason given")
            yield recipient, (outcome.pause or said).rstrip(".")
