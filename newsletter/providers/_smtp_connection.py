"""One connection to a mail server: how it is opened, and what becomes of one mail on it."""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
import time
import weakref
from dataclasses import dataclass, replace
from typing import Literal

from newsletter.model import Answer

TIMEOUT = 30.0  # seconds for one answer of the server
SOON = 60.0  # seconds to wait after a fault of the connection
LATER = 300.0  # seconds to wait where the server asks for patience


@dataclass(frozen=True)
class Server:
    """Where to connect and as whom. The password is in no repr."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Verdict:
    """What became of one mail; ``last``: this connection is of no more use."""

    answer: Answer
    reason: str = ""
    retry_after: float | None = None
    pause: str | None = None
    last: bool = False


class Refused(Exception):  # noqa: N818 - it is no error but an answer
    """No connection: nothing was sent. ``verdict`` holds for everyone in the batch."""

    def __init__(self, reason: str, *, pause: bool) -> None:
        super().__init__(reason)
        wait = None if pause else SOON
        self.verdict = Verdict(Answer.NOT_SENT, reason, wait, reason if pause else None, True)


class Connection:
    """An open, greeted and authenticated connection; ``deadline`` bounds every wait on it."""

    def __init__(self, server: Server, password: str | None, deadline: float) -> None:
        """Raises Refused where the server cannot be reached or does not want us."""
        self.server = server
        self.deadline = deadline
        context = ssl.create_default_context()
        try:
            if server.security == "tls":
                self._client: smtplib.SMTP = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=self._patience(), context=context
                )
            else:
                self._client = smtplib.SMTP(server.host, server.port, timeout=self._patience())
        except (OSError, ValueError) as error:
            raise _refused(server, error) from error
        weakref.finalize(self, _hang_up, self._client)
        try:
            self._greet(context, password)
        except (OSError, ValueError) as error:
            _hang_up(self._client)
            raise _refused(server, error) from error

    def _greet(self, context: ssl.SSLContext, password: str | None) -> None:
        if self.server.security == "starttls":
            self._wait()
            self._client.starttls(context=context)
        self._wait()
        self._client.ehlo_or_helo_if_needed()
        if self.server.user:
            self._client.login(self.server.user, password or "")

    def healthy(self, deadline: float) -> bool:
        """Whether the kept connection still answers; to be asked before a batch."""
        self.deadline = deadline
        try:
            self._wait()
            return self._client.noop()[0] == 250
        except OSError:
            return False

    def close(self) -> None:
        """Say goodbye; never raises."""
        _hang_up(self._client)

    def deliver(self, sender: str, address: str, mail: bytes) -> Verdict:
        """Hand over one mail. Never raises."""
        try:
            refusal = self._envelope(sender, address)
            if refusal:
                return replace(refusal, last=refusal.last or not self._reset())
        except (OSError, ValueError) as error:
            reason = f"{self.server} broke off before the mail was sent: {_said(error)}"
            return Verdict(Answer.NOT_SENT, reason, SOON, last=True)
        try:
            return self._content(mail)
        except OSError as error:
            # The last byte may have arrived although no answer did: never send it again.
            reason = f"{self.server} gave no answer to the whole mail: {_said(error)}"
            return Verdict(Answer.UNKNOWN, reason, SOON, last=True)

    def _envelope(self, sender: str, address: str) -> Verdict | None:
        """MAIL, RCPT and DATA up to the go-ahead; the verdict where one is refused."""
        options = []
        if not (sender + address).isascii():
            if not self._client.has_extn("smtputf8"):
                return self._no_smtputf8(sender)
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        self._wait()
        code, words = self._client.mail(sender, options)
        if code // 100 != 2:
            return self._sender_refused(code, words)
        self._wait()
        code, words = self._client.rcpt(address)
        if code // 100 != 2:
            return self._refusal(code, words, "the address")
        self._wait()
        code, words = self._client.docmd("DATA")
        return None if code == 354 else self._refusal(code, words, "the mail")

    def _content(self, mail: bytes) -> Verdict:
        self._wait()
        stuffed = re.sub(rb"(?m)^\.", b"..", mail)
        self._client.send(stuffed + b".\r\n")
        code, words = self._client.getreply()
        if code // 100 == 2:
            return Verdict(Answer.ACCEPTED)
        if code // 100 in (4, 5):
            return self._refusal(code, words, "the mail")
        reason = f"{self.server} answered the whole mail with {_text(code, words)}"
        return Verdict(Answer.UNKNOWN, reason, SOON, last=True)

    def _reset(self) -> bool:
        try:
            return self._client.rset()[0] == 250
        except OSError:
            return False

    def _refusal(self, code: int, words: bytes, what: str) -> Verdict:
        reason = f"{self.server} refused {what}: {_text(code, words)}"
        if code in (530, 535, 538):
            return self._paused(reason, "Check user in [provider], and SMTP_PASSWORD.")
        if code // 100 == 5:
            return Verdict(Answer.REJECTED, reason)
        if code // 100 == 4:
            return Verdict(Answer.NOT_SENT, reason, LATER, last=code == 421)
        return Verdict(Answer.NOT_SENT, reason, SOON, last=True)

    def _sender_refused(self, code: int, words: bytes) -> Verdict:
        reason = f"{self.server} refused the sender: {_text(code, words)}"
        if code // 100 == 5:
            return self._paused(reason, "Check from in [newsletter], and user in [provider].")
        return Verdict(Answer.NOT_SENT, reason, LATER if code // 100 == 4 else SOON, last=True)

    def _no_smtputf8(self, sender: str) -> Verdict:
        reason = f"{self.server} takes only addresses of ASCII letters"
        if not sender.isascii():
            return self._paused(reason, "Use an ASCII address as from in [newsletter].")
        return Verdict(Answer.REJECTED, reason)

    def _paused(self, reason: str, remedy: str) -> Verdict:
        return Verdict(Answer.NOT_SENT, reason, pause=f"{reason}. {remedy}", last=True)

    def _patience(self) -> float:
        return max(1.0, min(TIMEOUT, self.deadline - time.monotonic()))

    def _wait(self) -> None:
        if self._client.sock:
            self._client.sock.settimeout(self._patience())


def _hang_up(client: smtplib.SMTP) -> None:
    with contextlib.suppress(OSError, ValueError):
        if client.sock:
            client.sock.settimeout(1.0)
            client.quit()
    client.close()


def _refused(server: Server, error: Exception) -> Refused:
    """Why there is no connection: what waiting may mend, and what a person must."""
    said = _said(error)
    where = f"The mail server {server}"
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 == 5:
        remedy = "Check user in [provider], and SMTP_PASSWORD."
        return Refused(f"{where} refused the user or the password: {said}. {remedy}", pause=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "Check host in [provider]; a server's own authority goes into SSL_CERT_FILE."
        return Refused(f"{where} has no valid certificate: {said}. {remedy}", pause=True)
    no_way = type(error) is smtplib.SMTPException  # smtplib's "no suitable authentication method"
    if no_way or isinstance(error, smtplib.SMTPNotSupportedError | ValueError):
        remedy = "Check security, user and SMTP_PASSWORD against what the server offers."
        return Refused(f"{where} cannot be used so: {said}. {remedy}", pause=True)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code // 100 == 5:
        remedy = "Ask its operator, or check host and port in [provider]."
        return Refused(f"{where} does not serve us: {said}. {remedy}", pause=True)
    return Refused(f"{where} cannot be reached: {said}. It will be tried again.", pause=False)


def _said(error: Exception) -> str:
    """The error in words that cannot hold the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _text(error.smtp_code, error.smtp_error)
    if isinstance(error, UnicodeError):
        return "host, user or password has letters that cannot be used there"
    return _plain(str(error)) or type(error).__name__


def _text(code: int, words: bytes | str) -> str:
    said = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {_plain(said)}".strip() if code > 0 else _plain(said) or "no words"


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())[:300]
