"""Hand a batch to a provider, and take nothing on trust that its adaptor gives back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from newsletter import registry
from newsletter.model import Answer, Outcome, Recipient, Send
from newsletter.providers import Provider

LONGEST_WAIT = 86_400.0  # seconds


def submit(provider: Provider, send: Send, batch: Sequence[Recipient]) -> Outcome:
    """The provider's outcome, with an answer for each delivery of the batch and for no other.

    Never raises. Where the adaptor fails, gives something else than an Outcome, or leaves a
    delivery out, the mail may have gone out all the same: the answer is UNKNOWN, with that reason.
    """
    try:
        outcome = provider.submit(send, batch)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - outside code may raise anything
        return Outcome.all(batch, Answer.UNKNOWN, failure(provider, error))
    return checked(outcome, batch)


def failure(provider: object, error: BaseException) -> str:
    """What the adaptor's code raised, and in which of its lines, for a receipt."""
    raised = registry.raised(error, type(provider).__module__)
    return f"the provider's adaptor failed: {raised}"


def checked(outcome: Any, batch: Sequence[Recipient]) -> Outcome:
    """An outcome that the ledger can record, of whatever the adaptor gave."""
    if not isinstance(outcome, Outcome):
        reason = f"the provider's adaptor gave {outcome!r:.100} instead of an Outcome"
        return Outcome.all(batch, Answer.UNKNOWN, reason)
    answers, invalid = _answers(outcome.answers, batch)
    reasons: Any = outcome.reasons if isinstance(outcome.reasons, Mapping) else {}
    texts = {number: text for number, text in reasons.items() if isinstance(text, str)}
    return Outcome(
        answers,
        texts | invalid,
        reference=outcome.reference if isinstance(outcome.reference, str) else None,
        retry_after=_seconds(outcome.retry_after),
        throttled=outcome.throttled is True,
        pause=outcome.pause if isinstance(outcome.pause, str) else None,
        split=outcome.split is True,
    )


def _answers(given: object, batch: Sequence[Recipient]) -> tuple[dict[int, Answer], dict[int, str]]:
    """The answer for each delivery of the batch, and why those in doubt have no usable one."""
    answers: dict[int, Answer] = {}
    reasons: dict[int, str] = {}
    by_delivery: Mapping[Any, Any] = given if isinstance(given, Mapping) else {}
    for recipient in batch:
        answer = by_delivery.get(recipient.delivery)
        if not isinstance(answer, Answer):
            what = "no answer" if answer is None else f"the answer {answer!r:.100}"
            reasons[recipient.delivery] = f"the provider's adaptor gave {what} for this delivery"
            answer = Answer.UNKNOWN
        answers[recipient.delivery] = answer
    return answers, reasons


def _seconds(value: object) -> float | None:
    """A length of time that can be waited for; None for anything else."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return min(float(value), LONGEST_WAIT) if value > 0 else None
