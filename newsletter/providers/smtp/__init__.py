"""Any mail server over SMTP. It reports no events: what comes back does so by mail."""

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

BUDGET = 60.0  # seconds after which no further mail of a batch is begun
DEADLINE = 75.0  # seconds after which nothing is waited for: a lease lasts 90
BATCH = 50  # mails; fewer where they are to go slowly, so that a batch lasts half a budget

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class SmtpProvider:
    """Hands over one mail after the other, over a few connections that stay open.

    ``submit`` may be called by ``workers`` threads at once; each has a connection of its own.
    """

    processes: int | None = 1  # rate and connections are counted in one process

    class Options(ProviderOptions):
        """``port`` is the usual one of ``security`` unless it is given.

        ``per_second`` counts mails over all connections, ``per_connection`` those of one.
        """

        host: str = Field(min_length=1)
        port: int | None = Field(None, ge=1, le=65535)
        security: Literal["starttls", "tls", "none"] = "starttls"
        user: str | None = None
        connections: int = Field(2, ge=1, le=20, strict=True)
        per_second: float | None = Field(None, ge=0.01, allow_inf_nan=False, strict=True)
        per_connection: int | None = Field(None, ge=1, strict=True)

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        port = options.port or _PORTS[options.security]
        password = secret("SMTP_PASSWORD") if options.user else None
        if options.user and not password:
            raise ConfigError(
                "[provider] names a user, but SMTP_PASSWORD is not set. Put the password into "
                "that environment variable, or name a file with it in SMTP_PASSWORD_FILE."
            )
        if options.security != "none":
            ssl_context("smtp")  # what is wrong with it is said here, and not of the server
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
        """Begin no further mail once it is set: with a slow rate a batch lasts half a minute."""
        self._stop = event

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Hand over as many mails of the batch as a minute allows; the rest is NOT_SENT."""
        started = time.monotonic()
        try:
            letter = message.letter(send)
        except ValueError as error:
            reason = f"Nothing can be sent: {error}. Mend it and build the issue again."
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
        """The verdicts by delivery, and the one for all whose turn did not come."""
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
                    if time.monotonic() > started + BUDGET:  # looked at last: any of it takes time
                        break
                    verdict = _one(connection, letter, recipient)
                    verdicts[recipient.delivery] = verdict
                    self._refusals.saw(recipient.email, verdict)
                    if verdict.last:
                        break
        except Refused as refused:
            return verdicts, refused.verdict
        return verdicts, later

    def close(self) -> None:
        """Close the connections that were kept open; the next batch opens new ones."""
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
    """Everyone's answer, and the longest wait that any of them asks for."""
    verdict_of = {person.delivery: verdicts.get(person.delivery, others) for person in batch}
    waits = [verdict.retry_after for verdict in verdict_of.values() if verdict.retry_after]
    pauses = [verdict.pause for verdict in verdict_of.values() if verdict.pause]
    return Outcome(
        {delivery: verdict.answer for delivery, verdict in verdict_of.items()},
        {delivery: verdict.reason for delivery, verdict in verdict_of.items() if verdict.reason},
        retry_after=max(waits, default=None),
        pause=pauses[0] if pauses else None,
    )
