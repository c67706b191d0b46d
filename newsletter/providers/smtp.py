"""Any mail server over SMTP. It reports no events: bounces are not seen here."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

from pydantic import Field

from newsletter.config import ProviderOptions, secret
from newsletter.errors import ConfigError, ProviderError
from newsletter.model import Answer, Event, Outcome, Recipient, Send
from newsletter.providers import _message
from newsletter.providers._smtp_connection import Connection, Refused, Server, Verdict

BUDGET = 60.0  # seconds after which no further mail of a batch is begun
DEADLINE = 75.0  # seconds after which nothing is waited for: a lease lasts 90

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class SmtpProvider:
    """Hands over one mail after the other; the connection stays open between batches."""

    class Options(ProviderOptions):
        """``port`` is the usual one of ``security`` unless it is given."""

        host: str = Field(min_length=1)
        port: int | None = Field(None, ge=1, le=65535)
        security: Literal["starttls", "tls", "none"] = "starttls"
        user: str | None = None

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        port = options.port or _PORTS[options.security]
        self.batch_size = options.batch_size or 50
        self._server = Server(options.host, port, options.security, options.user)
        self._password = secret("SMTP_PASSWORD") if options.user else None
        self._connection: Connection | None = None
        self._alone = threading.Lock()  # mails of two threads must not mix on one connection
        if options.user and not self._password:
            raise ConfigError(
                "[provider] names a user, but SMTP_PASSWORD is not set. Put the password into "
                "that environment variable, or name a file with it in SMTP_PASSWORD_FILE."
            )

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Hand over as many mails of the batch as a minute allows; the rest is NOT_SENT."""
        started = time.monotonic()
        try:
            _message.check(send)
            sender = _message.wire_address(parseaddr(send.sender)[1])
        except ValueError as error:
            reason = f"Nothing can be sent: {error}. Mend it and build the issue again."
            return Outcome.all(batch, Answer.NOT_SENT, reason, pause=reason)
        with self._alone:
            try:
                connection = self._connected(started + DEADLINE)
            except Refused as refused:
                return _outcome(batch, {}, refused.verdict)
            verdicts: dict[int, Verdict] = {}
            for recipient in batch:
                if time.monotonic() - started > BUDGET:
                    break
                verdict = _hand_over(connection, sender, send, recipient)
                verdicts[recipient.delivery] = verdict
                if verdict.last:
                    self.close()
                    break
            return _outcome(batch, verdicts, Verdict(Answer.NOT_SENT, "its turn did not come"))

    def events(self, headers: Mapping[str, str], body: bytes) -> list[Event]:  # noqa: ARG002
        """Raises ProviderError: mail servers report nothing."""
        raise ProviderError(
            "SMTP reports no events. Requests to /events are for [provider] sendgrid only."
        )

    def close(self) -> None:
        """Close the connection that was kept open; the next batch opens a new one."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _connected(self, deadline: float) -> Connection:
        """The kept connection where it still answers, else a new one; raises Refused."""
        if self._connection and not self._connection.healthy(deadline):
            self.close()
        if not self._connection:
            self._connection = Connection(self._server, self._password, deadline)
        return self._connection


def _hand_over(connection: Connection, sender: str, send: Send, recipient: Recipient) -> Verdict:
    try:
        address = _message.wire_address(recipient.email)
        content = _message.mail(send, recipient, datetime.now(UTC))
    except ValueError as error:
        return Verdict(Answer.REJECTED, str(error))
    return connection.deliver(sender, address, content)


def _outcome(
    batch: Sequence[Recipient], verdicts: Mapping[int, Verdict], others: Verdict
) -> Outcome:
    """Everyone's answer, and the longest wait that any of them asks for."""
    given = {person.delivery: verdicts.get(person.delivery, others) for person in batch}
    waits = [verdict.retry_after for verdict in given.values() if verdict.retry_after]
    pauses = [verdict.pause for verdict in given.values() if verdict.pause]
    return Outcome(
        {delivery: verdict.answer for delivery, verdict in given.items()},
        {delivery: verdict.reason for delivery, verdict in given.items() if verdict.reason},
        retry_after=max(waits, default=None),
        pause=pauses[0] if pauses else None,
    )
