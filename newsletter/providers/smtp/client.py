"""smtplib's client with a time limit for each whole step.

smtplib's own limit starts again with every byte, so a server that trickles bytes could hold us
beyond the lease of a batch.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from newsletter.http.certificates import ssl_context
from newsletter.providers.smtp.mail_result import NoConnection, describe

_LINE = 8192  # bytes of a line of a reply, at most
_LINES = 100  # of one reply, at most


@dataclass(frozen=True)
class Server:
    """Where to connect, and as whom. The password is not part of it."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Client(smtplib.SMTP):
    """Each command and each reply completes within ``timeout``, or OSError is raised."""

    untouched = True  # no byte of the last command can have left this machine
    _buffer = b""  # received but not read yet
    _source: socket.socket | None = None  # from which the buffer was received

    @property
    def unread(self) -> bool:
        """Whether the server sent something before it was asked."""
        return bool(self._buffer)

    def send(self, s: bytes | str) -> None:  # type: ignore[override]
        """Raises OSError if not all of it could be sent."""
        rest = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        self.untouched = not isinstance(self.sock, ssl.SSLSocket)  # TLS may send a part unnoticed
        with self._bounded() as left:
            while rest:
                rest = rest[left().send(rest) :]
                self.untouched = False

    def getreply(self) -> tuple[int, bytes]:
        """Code and text of one reply; code -1 if it is malformed. Raises OSError."""
        lines: list[bytes] = []
        with self._bounded() as left:
            while len(lines) < _LINES:
                line = self._line(left)
                lines.append(line[4:].strip())
                code = int(line[:3]) if line[:3].isdigit() else -1
                if code < 0 or line[3:4] != b"-":
                    return code, b"\n".join(lines)
            raise smtplib.SMTPServerDisconnected("the answer has no end")

    def _line(self, left: Callable[[], socket.socket]) -> bytes:
        if self.sock is not self._source:  # anything received before TLS may be forged
            self._source, self._buffer = self.sock, b""
        while b"\n" not in self._buffer:
            piece = left().recv(_LINE)
            self._buffer += piece
            if not piece or len(self._buffer) > _LINE:
                fault = "the answer has no end" if piece else "the connection was closed"
                raise smtplib.SMTPServerDisconnected(fault)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[Callable[[], socket.socket]]:
        """A function that returns the socket with the remaining time; closes it on failure."""
        end = time.monotonic() + self.timeout

        def left() -> socket.socket:
            if self.sock is None:
                raise smtplib.SMTPServerDisconnected("the connection was closed")
            self.sock.settimeout(max(0.001, end - time.monotonic()))
            return self.sock

        try:
            yield left
        except OSError:
            self.close()
            raise

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """One time limit for all addresses of the host; smtplib has one for each."""
        end = time.monotonic() + timeout
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for number, (*_, address) in enumerate(addresses, 1):
            share = (end - time.monotonic()) / (len(addresses) - number + 1)
            try:
                return socket.create_connection((str(address[0]), port), max(0.001, share))
            except OSError:
                if number == len(addresses):
                    raise
        raise OSError("the host has no address")


class _TlsClient(smtplib.SMTP_SSL, Client):
    """The same, over TLS from the first byte."""


def connect(server: Server, password: str | None, seconds_left: Callable[[], float]) -> Client:
    """A client that is connected and logged in. ``seconds_left`` limits the next step.

    Raises NoConnection if the server cannot be reached or refuses us.
    """
    try:
        context = None if server.security == "none" else ssl_context("smtp")
        if server.security == "tls":
            client: Client = _TlsClient(
                server.host, server.port, _own_name(), timeout=seconds_left(), context=context
            )
        else:
            client = Client(server.host, server.port, _own_name(), timeout=seconds_left())
    except (OSError, ValueError) as error:
        raise _refused(server, error) from error
    try:
        if server.security == "starttls":
            client.timeout = seconds_left()
            client.starttls(context=context)
        client.timeout = seconds_left()
        client.ehlo_or_helo_if_needed()
        if server.user:
            client.timeout = seconds_left()
            client.login(server.user, password or "")
    except (OSError, ValueError) as error:
        hang_up(client)
        raise _refused(server, error) from error
    return client


@lru_cache(maxsize=1)
def _own_name() -> str:
    """Our name in EHLO, looked up once, because a name server may be slow."""
    return str(smtplib.SMTP().local_hostname)


def hang_up(client: Client) -> None:
    """Send QUIT and close. Never raises, and waits at most a second."""
    with contextlib.suppress(OSError, ValueError):
        if client.sock:
            client.timeout = 1.0
            client.quit()
    client.close()


def _refused(server: Server, error: Exception) -> NoConnection:
    """Why there is no connection, and whether waiting may help or a person must act."""
    reply = describe(error)
    where = f"The mail server {server}"
    if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 == 5:
        remedy = "Check user in [provider], and SMTP_PASSWORD."
        reason = f"{where} refused the user or the password: {reply}. {remedy}"
        return NoConnection(reason, pause=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "Check host in [provider]. For a private certificate authority, set SSL_CERT_FILE."
        return NoConnection(f"{where} has no valid certificate: {reply}. {remedy}", pause=True)
    no_login_method = type(error) is smtplib.SMTPException
    if no_login_method or isinstance(error, smtplib.SMTPNotSupportedError | ValueError):
        remedy = "Check security, user and SMTP_PASSWORD against what the server offers."
        return NoConnection(f"{where} cannot be used like this: {reply}. {remedy}", pause=True)
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code // 100 == 5:
        remedy = "Ask its operator, or check host and port in [provider]."
        return NoConnection(f"{where} refuses to serve us: {reply}. {remedy}", pause=True)
    return NoConnection(f"{where} cannot be reached: {reply}", pause=False)
