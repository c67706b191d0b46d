"""Send mails through any mail server, over SMTP.

SMTP reports no events. Mails that cannot be delivered come back to the sender's mailbox.
"""

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
from newsletter.providers.smtp.mail_result import MailResult, NoConnection
from newsletter.providers.smtp.pace import Pace
from newsletter.providers.smtp.pool import Pool
from newsletter.providers.smtp.refusals import Refusals

BUDGET = 60.0  # seconds; after that no further mail of a batch starts
DEADLINE = 75.0  # seconds; after that all waiting ends, because a lease lasts 90
BATCH = 50  # mails; fewer at a slow rate, so that a batch takes half the budget

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class SmtpProvider:
    """Sends one mail after the other over a few connections, which stay open between batches.

    ``workers`` threads may call ``submit`` at once, each with its own connection.
    """

    processes: int | None = 1  # one process counts the rate and the connections

    class Options(ProviderOptions):
        """The keys of ``[provider]`` with ``type = "smtp"``."""

        host: str = Field(min_length=1)
        port: int | None = Field(None, ge=1, le=65535)  # the default depends on security
        security: Literal["starttls", "tls", "none"] = "starttls"
        user: str | None = None
        connections: int = Field(2, ge=1, le=20, strict=True)
        per_second: float | None = Field(None, ge=0.01, allow_inf_nan=False, strict=True)
        """Most mails a second, over all connections together."""
        per_connection: int | None = Field(None, ge=1, strict=True)
        """Most mails on one connection before it is replaced."""

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        """Raises ConfigError if the password is missing or SSL_CERT_FILE cannot be used."""
        port = options.port or _PORTS[options.security]
        password = secret("SMTP_PASSWORD") if options.user else None
        if options.user and not password:
            raise ConfigError(
                "[provider] names a user, but SMTP_PASSWORD is not set. Set that environment "
                "variable to the password, or SMTP_PASSWORD_FILE to a file with it."
            )
        if options.security != "none":
            ssl_context("smtp")  # fails now, so that its fault does not look like the server's
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
        """Start no further mail once the event is set. At a slow rate a batch takes 30 seconds."""
        self._stop = event

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Send as many mails of the batch as fit in a minute. The rest is NOT_SENT."""
        started = time.monotonic()
        try:
            prepared = message.prepare(send)
        except ValueError as error:
            reason = f"Nothing can be sent: {error}. Fix it and build the issue again."
            return Outcome.all(batch, Answer.NOT_SENT, reason, pause=reason)
        with self._refusals.batch():
            results, others = self._hand_over(prepared, batch, started)
            settled = {
                person.delivery: self._refusals.final_result(
                    self._server, person.email, results[person.delivery]
                )
                for person in batch
                if person.delivery in results
            }
        return _outcome(batch, settled, others)

    def _hand_over(
        self, prepared: message.PreparedSend, batch: Sequence[Recipient], started: float
    ) -> tuple[dict[int, MailResult], MailResult]:
        """The results by delivery, and the one result for all mails that were not tried."""
        results: dict[int, MailResult] = {}
        later = MailResult(Answer.NOT_SENT, "its turn did not come")
        try:
            with self._pool.reserve(started + DEADLINE) as ready:
                for recipient in batch:
                    if self._stop.is_set():
                        break
                    if away := self._pace.wait(started + BUDGET, self._stop):
                        return results, replace(later, retry_after=max(1.0, away))
                    if stop := self._refusals.stop(self._server):
                        return results, stop
                    connection = ready()
                    if time.monotonic() > started + BUDGET:  # the steps above take time
                        break
                    result = _deliver(connection, prepared, recipient)
                    results[recipient.delivery] = result
                    self._refusals.record(recipient.email, result)
                    if result.last:
                        break
        except NoConnection as error:
            return results, error.result
        return results, later

    def close(self) -> None:
        """Close the open connections; the next batch opens new ones."""
        self._pool.close()


def _deliver(
    connection: Connection, prepared: message.PreparedSend, recipient: Recipient
) -> MailResult:
    try:
        address = message.wire_address(recipient.email)
        content = prepared.mail(recipient, datetime.now(UTC))
    except ValueError as error:
        return MailResult(Answer.REJECTED, str(error))
    return connection.deliver(prepared.sender, address, content)


def _outcome(
    batch: Sequence[Recipient], results: Mapping[int, MailResult], others: MailResult
) -> Outcome:
    """All results as one outcome, with the longest wait that any of them asks for."""
    result_of = {person.delivery: results.get(person.delivery, others) for person in batch}
    waits = [result.retry_after for result in result_of.values() if result.retry_after]
    pauses = [result.pause for result in result_of.values() if result.pause]
    return Outcome(
        {delivery: result.answer for delivery, result in result_of.items()},
        {delivery: result.reason for delivery, result in result_of.items() if result.reason},
        retry_after=max(waits, default=None),
        pause=pauses[0] if pauses else None,
    )
