"""One open connection to a mail server, and what becomes of one mail on it."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from dataclasses import replace

from newsletter.model import Answer
from newsletter.providers.smtp.client import Server, hang_up, opened
from newsletter.providers.smtp.verdict import LATER, SOON, Verdict, describe, quoted

TIMEOUT = 30.0  # seconds for one answer of the server; after a whole mail it has until the deadline
IDLE = 60.0  # seconds after which an unused connection is not trusted any more

_Judge = Callable[[int, bytes], Verdict]


class Connection:
    """An open, greeted and authenticated connection; ``deadline`` bounds every wait on it.

    For one thread at a time. ``spent``: it is of no more use.
    """

    def __init__(self, server: Server, password: str | None, deadline: float) -> None:
        """Raises Refused where the server cannot be reached or does not want us."""
        self.server = server
        self.deadline = deadline
        self.used = 0  # mails
        self.spent = False
        self._client = opened(server, password, self._patience)
        self._last_use = time.monotonic()
        weakref.finalize(self, hang_up, self._client)

    def healthy(self, deadline: float) -> bool:
        """Whether the kept connection still answers; to be asked before a batch."""
        self.deadline = deadline
        if time.monotonic() - self._last_use > IDLE:
            return False
        try:
            self._say(b"NOOP\r\n")
            return self._reply()[0] == 250
        except OSError:
            return False

    def close(self) -> None:
        """Say goodbye, where there still is somebody to talk to; never raises."""
        if self.spent:
            self._client.close()
        else:
            hang_up(self._client)

    def deliver(self, sender: str, address: str, mail: bytes) -> Verdict:
        """Hand over one mail with CRLF line ends, the last line ended. Never raises."""
        self.used += 1
        verdict = self._deliver(sender, address, mail)
        self.spent = self.spent or verdict.last
        self._last_use = time.monotonic()
        return verdict

    def _deliver(self, sender: str, address: str, mail: bytes) -> Verdict:
        try:
            refusal = self._envelope(sender, address)
        except OSError as error:
            return self._broken(error)
        if refusal:
            return refusal
        if self._client.unread:
            reason = f"{self.server} answered before it was asked"
            return Verdict(Answer.NOT_SENT, reason, SOON, last=True)
        try:
            return self._content(mail)
        except OSError as error:
            if self._client.untouched:
                return self._broken(error)
            # The last byte may have arrived although no answer did: never send it again.
            reason = f"{self.server} gave no answer to the whole mail: {describe(error)}"
            return Verdict(Answer.UNKNOWN, reason, SOON, last=True)

    def _envelope(self, sender: str, address: str) -> Verdict | None:
        """MAIL, RCPT and DATA up to the go-ahead; the verdict where one is refused.

        All three go in one piece where the server allows it (RFC 2920), and are answered apart.
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
            self._say("".join(line for line, _ in steps).encode())
        for number, (line, judge) in enumerate(steps, 1):
            if not ahead:
                self._say(line.encode())
            code, reply = self._reply()
            if code != 354 if number == len(steps) else code // 100 != 2:
                return self._settled(judge(code, reply), len(steps) - number if ahead else 0)
        return None

    def _settled(self, refusal: Verdict, unread: int) -> Verdict:
        """The refusal, once the connection is ready for another mail: after ``unread`` replies."""
        if refusal.last:  # so is every refusal of MAIL; what follows it is not looked at
            return refusal
        try:
            code = 0
            for _ in range(unread):
                code, _ = self._reply()
            if code == 354:  # it wants a mail for nobody: it gets an empty one
                self._say(b".\r\n")
                self._reply()
            self._say(b"RSET\r\n")
            ready = self._reply()[0] == 250
        except OSError:
            ready = False
        return replace(refusal, last=not ready)

    def _content(self, mail: bytes) -> Verdict:
        if b"\r\n." in mail:
            mail = mail.replace(b"\r\n.", b"\r\n..")
        self._say((b"." if mail.startswith(b".") else b"") + mail + b".\r\n")
        code, reply = self._reply(self._remaining())
        if code // 100 == 2:
            return Verdict(Answer.ACCEPTED)
        if code // 100 in (4, 5):
            return self._mail_refused(code, reply)
        reason = f"{self.server} answered the whole mail with {quoted(code, reply)}"
        return Verdict(Answer.UNKNOWN, reason, SOON, last=True)

    def _broken(self, error: OSError) -> Verdict:
        reason = f"{self.server} broke off before the mail was sent: {describe(error)}"
        return Verdict(Answer.NOT_SENT, reason, SOON, last=True)

    def _address_refused(self, code: int, reply: bytes) -> Verdict:
        return self._refusal(code, reply, "the address")

    def _mail_refused(self, code: int, reply: bytes) -> Verdict:
        return self._refusal(code, reply, "the mail")

    def _refusal(self, code: int, reply: bytes, what: str) -> Verdict:
        reason = f"{self.server} refused {what}: {quoted(code, reply)}"
        if code in (530, 535, 538):
            return self._paused(reason, "Check user in [provider], and SMTP_PASSWORD.")
        if code // 100 == 5:
            return Verdict(Answer.REJECTED, reason, reply=quoted(code, reply))
        if code // 100 == 4:
            return Verdict(Answer.NOT_SENT, reason, LATER, last=code == 421)
        return Verdict(Answer.NOT_SENT, reason, SOON, last=True)

    def _sender_refused(self, code: int, reply: bytes) -> Verdict:
        reason = f"{self.server} refused the sender: {quoted(code, reply)}"
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

    def _say(self, lines: bytes) -> None:
        self._client.timeout = self._patience()
        self._client.send(lines)

    def _reply(self, patience: float | None = None) -> tuple[int, bytes]:
        self._client.timeout = patience or self._patience()
        return self._client.getreply()

    def _patience(self) -> float:
        return min(TIMEOUT, self._remaining())

    def _remaining(self) -> float:
        return max(1.0, self.deadline - time.monotonic())
