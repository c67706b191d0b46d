"""One open connection to a mail server, which delivers one mail at a time."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import replace

from newsletter.model import Answer
from newsletter.providers.smtp.client import Server, connect, hang_up
from newsletter.providers.smtp.mail_result import LATER, SOON, MailResult, describe, quoted

TIMEOUT = 30.0  # seconds for one reply; the reply to a whole mail may take until the deadline
IDLE = 60.0  # seconds; a connection that was unused for longer is replaced

_Judge = Callable[[int, bytes], MailResult]


class Connection:
    """An open, authenticated connection, for one thread at a time."""

    def __init__(self, server: Server, password: str | None, deadline: float) -> None:
        """Raises NoConnection if the server cannot be reached or refuses us."""
        self.server = server
        self.deadline = deadline  # of time.monotonic(); bounds every wait
        self.used = 0  # mails
        self.spent = False  # cannot be used any more
        self._client = connect(server, password, self._step_timeout)
        self._last_use = time.monotonic()
        weakref.finalize(self, hang_up, self._client)

    def healthy(self, deadline: float) -> bool:
        """Whether the connection still answers. Call this before a batch on an old connection."""
        self.deadline = deadline
        if time.monotonic() - self._last_use > IDLE:
            return False
        try:
            self._send(b"NOOP\r\n")
            return self._reply()[0] == 250
        except OSError:
            return False

    def close(self) -> None:
        """Close the connection, with QUIT if it still works. Never raises."""
        if self.spent:
            self._client.close()
        else:
            hang_up(self._client)

    def deliver(self, sender: str, address: str, mail: bytes) -> MailResult:
        """Hand over one mail. Never raises.

        ``mail`` has CRLF line ends, the last line too.
        """
        self.used += 1
        result = self._deliver(sender, address, mail)
        self.spent = self.spent or result.last
        self._last_use = time.monotonic()
        return result

    def _deliver(self, sender: str, address: str, mail: bytes) -> MailResult:
        try:
            refusal = self._envelope(sender, address)
        except OSError as error:
            return self._broken(error)
        if refusal:
            return refusal
        if self._client.unread:
            reason = f"{self.server} answered before it was asked"
            return MailResult(Answer.NOT_SENT, reason, SOON, last=True)
        try:
            return self._content(mail)
        except OSError as error:
            if self._client.untouched:
                return self._broken(error)
            # The last byte may have arrived although no reply did: never send the mail again.
            reason = f"{self.server} gave no answer to the whole mail: {describe(error)}"
            return MailResult(Answer.UNKNOWN, reason, SOON, last=True)

    def _envelope(self, sender: str, address: str) -> MailResult | None:
        """Send MAIL, RCPT and DATA. Returns the result if the server refuses one of them.

        If the server supports pipelining (RFC 2920), all three are sent at once.
        """
        options = ""
        if not (sender + address).isascii():
            if not self._client.has_extn("smtputf8"):
                return self._no_smtputf8(sender)
            options = " SMTPUTF8 BODY=8BITMIME"
        steps: tuple[tuple[str, _Judge], ...] = (
            (f"MAIL FROM:<{sender}>{options}\r\n", self._sender_refused),
            (f"RCPT TO:<{address}>\r\n", self._address_refused),
            ("DATA\r\n", self._mail_refused),
        )
        ahead = self._client.has_extn("pipelining")
        if ahead:
            self._send("".join(line for line, _ in steps).encode())
        for number, (line, judge) in enumerate(steps, 1):
            if not ahead:
                self._send(line.encode())
            code, reply = self._reply()
            if code != 354 if number == len(steps) else code // 100 != 2:
                return self._settled(judge(code, reply), len(steps) - number if ahead else 0)
        return None

    def _settled(self, refusal: MailResult, unread: int) -> MailResult:
        """The refusal, after the connection was made ready for another mail.

        ``unread``: how many replies to pipelined commands are still to be read.
        """
        if refusal.last:  # every refusal of MAIL is; its later replies are not read
            return refusal
        try:
            code = 0
            for _ in range(unread):
                code, _ = self._reply()
            if code == 354:  # the server waits for a mail without a recipient: send an empty one
                self._send(b".\r\n")
                self._reply()
            self._send(b"RSET\r\n")
            ready = self._reply()[0] == 250
        except OSError:
            ready = False
        return replace(refusal, last=not ready)

    def _content(self, mail: bytes) -> MailResult:
        if b"\r\n." in mail:
            mail = mail.replace(b"\r\n.", b"\r\n..")
        self._send((b"." if mail.startswith(b".") else b"") + mail + b".\r\n")
        code, reply = self._reply(self._remaining())
        if code // 100 == 2:
            return MailResult(Answer.ACCEPTED)
        if code // 100 in (4, 5):
            return self._mail_refused(code, reply)
        reason = f"{self.server} answered the whole mail with {quoted(code, reply)}"
        return MailResult(Answer.UNKNOWN, reason, SOON, last=True)

    def _broken(self, error: OSError) -> MailResult:
        reason = f"{self.server} broke off before the mail was sent: {describe(error)}"
        return MailResult(Answer.NOT_SENT, reason, SOON, last=True)

    def _address_refused(self, code: int, reply: bytes) -> MailResult:
        return self._refusal(code, reply, "the address")

    def _mail_refused(self, code: int, reply: bytes) -> MailResult:
        return self._refusal(code, reply, "the mail")

    def _refusal(self, code: int, reply: bytes, refused: str) -> MailResult:
        reason = f"{self.server} refused {refused}: {quoted(code, reply)}"
        if code in (530, 535, 538):
            return self._paused(reason, "Check user in [provider], and SMTP_PASSWORD.")
        if code // 100 == 5:
            return MailResult(Answer.REJECTED, reason, reply=quoted(code, reply))
        if code // 100 == 4:
            return MailResult(Answer.NOT_SENT, reason, LATER, last=code == 421)
        return MailResult(Answer.NOT_SENT, reason, SOON, last=True)

    def _sender_refused(self, code: int, reply: bytes) -> MailResult:
        reason = f"{self.server} refused the sender: {quoted(code, reply)}"
        if code // 100 == 5:
            return self._paused(reason, "Check from in [newsletter], and user in [provider].")
        return MailResult(Answer.NOT_SENT, reason, LATER if code // 100 == 4 else SOON, last=True)

    def _no_smtputf8(self, sender: str) -> MailResult:
        reason = f"{self.server} accepts only ASCII addresses"
        if not sender.isascii():
            return self._paused(reason, "Use an ASCII address as from in [newsletter].")
        return MailResult(Answer.REJECTED, reason)

    def _paused(self, reason: str, remedy: str) -> MailResult:
        return MailResult(Answer.NOT_SENT, reason, pause=f"{reason}. {remedy}", last=True)

    def _send(self, lines: bytes) -> None:
        self._client.timeout = self._step_timeout()
        self._client.send(lines)

    def _reply(self, timeout: float | None = None) -> tuple[int, bytes]:
        self._client.timeout = timeout or self._step_timeout()
        return self._client.getreply()

    def _step_timeout(self) -> float:
        return min(TIMEOUT, self._remaining())

    def _remaining(self) -> float:
        return max(1.0, self.deadline - time.monotonic())
