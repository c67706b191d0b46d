"""Hand a batch to a provider, and check everything that its adaptor returns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from newsletter import registry
from newsletter.model import Answer, Outcome, Recipient, Send
from newsletter.providers import Provider

MAX_WAIT = 86_400.0  # seconds


def submit(provider: Provider, send: Send, batch: Sequence[Recipient]) -> Outcome:
    """The provider's outcome, with an answer for each delivery of the batch and no other.

    Never raises. If the adaptor fails, returns something other than an Outcome, or omits a
    delivery, the mail may have gone out anyway: the answer is UNKNOWN, with that reason.
    """
    try:
        outcome = provider.submit(send, batch)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - outside code may raise anything
        return Outcome.all(batch, Answer.UNKNOWN, failure(provider, error))
    return checked(outcome, batch)


def failure(provider: object, error: BaseException) -> str:
    """What the adaptor's code raised, and on which of its lines, for a receipt."""
    raised = registry.describe(error, type(provider).__module__)
    return f"the provider's adaptor failed: {raised}"


def checked(outcome: Any, batch: Sequence[Recipient]) -> Outcome:
    """An outcome that the ledger can record, from anything that an adaptor returns."""
    if not isinstance(outcome, Outcome):
        reason = f"the provider's adaptor gave {outcome!r:.100} instead of an Outcome"
        return Outcome.all(batch, Answer.UNKNOWN, reason)
    answers, invalid = _answers(outcome.answers, batch)
    reasons: Any = outcome.reasons if isinstance(outcome.reasons, Mapping) else {}
    texts = {delivery: text for delivery, text in reasons.items() if isinstance(text, str)}
    return Outcome(
        answers,
        texts | invalid,
        reference=outcome.reference if isinstance(outcome.reference, str) else None,
        retry_after=_seconds(outcome.retry_after),
        throttled=outcome.throttled is True,
        pause=outcome.pause if isinstance(outcome.pause, str) else None,
        split=outcome.split is True,
    )


def _answers(
    by_delivery: Any, batch: Sequence[Recipient]
) -> tuple[dict[int, Answer], dict[int, str]]:
    """The answer for each delivery of the batch, and a reason for each without a valid one."""
    answers: dict[int, Answer] = {}
    reasons: dict[int, str] = {}
    if not isinstance(by_delivery, Mapping):
        by_delivery = {}
    for recipient in batch:
        answer = by_delivery.get(recipient.delivery)
        if not isinstance(answer, Answer):
            value = "no answer" if answer is None else f"the answer {answer!r:.100}"
            reasons[recipient.delivery] = f"the provider's adaptor gave {value} for this delivery"
            answer = Answer.UNKNOWN
        answers[recipient.delivery] = answer
    return answers, reasons


def _seconds(value: object) -> float | None:
    """A positive wait, at most MAX_WAIT; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return min(float(value), MAX_WAIT) if value > 0 else None
