"""Any mail server, over SMTP. It reports no events; failures come back by mail."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field

from newsletter import message
from newsletter.config import ProviderOptions, secret
from newsletter.errors import ConfigError
from newsletter.http.certificates import ssl_context
from newsletter.model import Answer, Outcome, Recipient, Send
from newsletter.providers.smtp.client import Server
from newsletter.providers.smtp.connection import Connection
from newsletter.providers.smtp.pace import Pace
from newsletter.providers.smtp.pool import Pool
from newsletter.providers.smtp.refusals import Refusals
from newsletter.providers.smtp.verdict import Refused, Verdict

BUDGET = 60.0  # seconds after which no further mail of a batch starts
DEADLINE = 75.0  # seconds after which waiting ends: a lease lasts 90
BATCH = 50  # mails; fewer at a slow rate, so that a batch takes half the budget

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class SmtpProvider:
    """Sends one mail after the other over a few connections that stay open.

    ``workers`` threads may call ``submit`` at once, each with its own connection.
    """

    processes: int | None = 1  # one process counts the rate and the connections

    class Options(ProviderOptions):
        """The keys of ``[provider]`` with ``type = "smtp"``."""

        host: str = Field(min_length=1)
        port: int | None = Field(None, ge=1, le=65535)  # default by security
        security: Literal["starttls", "tls", "none"] = "starttls"
        user: str | None = None
        connections: int = Field(2, ge=1, le=20, strict=True)
        per_second: float | None = Field(None, ge=0.01, allow_inf_nan=False, strict=True)  # in all
        per_connection: int | None = Field(None, ge=1, strict=True)

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        port = options.port or _PORTS[options.security]
        password = secret("SMTP_PASSWORD") if options.user else None
        if options.user and not password:
            raise ConfigError(
                "[provider] names a user, but SMTP_PASSWORD is not set. Set that environment "
                "variable to the password, or SMTP_PASSWORD_FILE to a file with it."
            )
        if options.security != "none":
            ssl_context("smtp")  # a fault in it must not look like the server's
        self.workers = options.connections
        self.batch_size = options.batch_size or BATCH
        if options.per_second:
            fitting = int(options.per_second / self.workers * BUDGET / 2)
            self.batch_size = max(1, min(self.batch_size, fitting))
        self._server = Server(options.host, port, options.security, options.user)
        self._pool = Pool(self._server, password, self.workers, options.per_connection)
        self._pace = Pace(options.per_second)
        self._refusals = Refusals()
        self._stop = threading.Event()

    def stop_on(self, event: threading.Event) -> None:
        """Start no further mail once it is set: at a slow rate a batch takes half a minute."""
        self._stop = event

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Send as many mails of the batch as a minute allows; the rest is NOT_SENT."""
        started = time.monotonic()
        try:
            letter = message.letter(send)
        except ValueError as error:
            reason = f"Nothing can be sent: {error}. Fix it and build the issue again."
            return Outcome.all(batch, Answer.NOT_SENT, reason, pause=reason)
        with self._refusals.batch():
            verdicts, others = self._hand_over(letter, batch, started)
            settled = {
                person.delivery: self._refusals.settled(
                    self._server, person.email, verdicts[person.delivery]
                )
                for person in batch
                if person.delivery in verdicts
            }
        return _outcome(batch, settled, others)

    def _hand_over(
        self, letter: message.Letter, batch: Sequence[Recipient], started: float
    ) -> tuple[dict[int, Verdict], Verdict]:
        """The verdicts by delivery, and the verdict for all that were not tried."""
        verdicts: dict[int, Verdict] = {}
        later = Verdict(Answer.NOT_SENT, "its turn did not come")
        try:
            with self._pool.line(started + DEADLINE) as ready:
                for recipient in batch:
                    if self._stop.is_set():
                        break
                    if away := self._pace.wait(started + BUDGET, self._stop):
                        return verdicts, replace(later, retry_after=max(1.0, away))
                    if stop := self._refusals.stop(self._server):
                        return verdicts, stop
                    connection = ready()
                    if (
                        time.monotonic() > started + BUDGET
                    ):  # checked last, because the steps above take time
                        break
                    verdict = _one(connection, letter, recipient)
                    verdicts[recipient.delivery] = verdict
                    self._refusals.record(recipient.email, verdict)
                    if verdict.last:
                        break
        except Refused as refused:
            return verdicts, refused.verdict
        return verdicts, later

    def close(self) -> None:
        """Close the open connections; the next batch opens new ones."""
        self._pool.close()


def _one(connection: Connection, letter: message.Letter, recipient: Recipient) -> Verdict:
    try:
        address = message.wire_address(recipient.email)
        content = letter.mail(recipient, datetime.now(UTC))
    except ValueError as error:
        return Verdict(Answer.REJECTED, str(error))
    return connection.deliver(letter.sender, address, content)


def _outcome(
    batch: Sequence[Recipient], verdicts: Mapping[int, Verdict], others: Verdict
) -> Outcome:
    """All answers, with the longest wait that any of them asks for."""
    verdict_of = {person.delivery: verdicts.get(person.delivery, others) for person in batch}
    waits = [verdict.retry_after for verdict in verdict_of.values() if verdict.retry_after]
    pauses = [verdict.pause for verdict in verdict_of.values() if verdict.pause]
    return Outcome(
        {delivery: verdict.answer for delivery, verdict in verdict_of.items()},
        {delivery: verdict.reason for delivery, verdict in verdict_of.items() if verdict.reason},
        retry_after=max(waits, default=None),
        pause=pauses[0] if pauses else None,
    )
