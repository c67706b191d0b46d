"""The outbox writes every mail to an .eml file, so that you can try things without a service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from newsletter import message
from newsletter.config import ProviderOptions
from newsletter.errors import NewsletterError
from newsletter.issues import write_atomically
from newsletter.model import Answer, Outcome, Recipient, Send


class OutboxProvider:
    """Writes ``<path>/<issue>/<delivery>-<address>.eml``. A repeated mail gets the same name.

    Tests and alerts go to ``tests/`` and ``alerts/``.
    """

    class Options(ProviderOptions):
        """The keys of ``[provider]`` with ``type = "outbox"``."""

        path: str = "outbox"  # a folder, relative to newsletter.toml

    def __init__(self, options: Options, folder: Path) -> None:
        self.batch_size = options.batch_size or 500
        self._root = folder / options.path

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Write the batch's files. A disk error pauses the send."""
        try:
            message.check(send)
        except ValueError as error:
            reason = f"Nothing can be written: {error}. Fix it and build the issue again."
            return Outcome.all(batch, Answer.NOT_SENT, reason, pause=reason)
        outcome = Outcome.all(batch, Answer.NOT_SENT)
        answers, reasons = dict(outcome.answers), dict(outcome.reasons)
        for number, recipient in enumerate(batch):
            try:
                content = message.mail(send, recipient, datetime.now(UTC))
                write_atomically(self._path(send, recipient), content)
            except ValueError as error:
                answers[recipient.delivery] = Answer.REJECTED
                reasons[recipient.delivery] = str(error)
            except NewsletterError as error:
                reasons |= {waiting.delivery: str(error) for waiting in batch[number:]}
                return Outcome(answers, reasons, pause=str(error))
            else:
                answers[recipient.delivery] = Answer.ACCEPTED
        return Outcome(answers, reasons)

    def _path(self, send: Send, recipient: Recipient) -> Path:
        address = _safe(recipient.email)
        if send.alert:
            return self._root / "alerts" / f"{_safe(send.alert)}-{address}.eml"
        if send.test:
            return self._root / "tests" / f"{_safe(send.about)}-{address}.eml"
        return self._root / _safe(send.about) / f"{recipient.delivery:06}-{address}.eml"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9@._+-]", "_", text)[:100].lstrip(".") or "_"
