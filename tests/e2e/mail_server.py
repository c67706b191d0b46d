"""A mail server on loopback: plain, STARTTLS or TLS, with or without a login."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any, Literal

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.patient import PATIENCE

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class ReceivedMail:
    """One mail as a server took it over SMTP; ``content`` has CRLF line ends."""

    sender: str
    recipient: str
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        message = message_from_bytes(self.content, policy=SMTPUTF8)
        assert isinstance(message, EmailMessage)
        return message


class MailServer:
    """``mails`` is what it took. ``script`` maps ("RCPT" or "DATA", address), or ("MAIL", the
    number of the command, from 1), to the answer: a line such as "550 5.1.1 no such user",
    "drop" to end the connection without an answer, or "hang" to say nothing any more; for DATA
    both with the mail taken, and "lose" is a drop without. With ``once`` each entry counts once.
    ``to_all`` answers every RCPT that ``script`` does not; "{}" in it is the address. ``asked``
    are the addresses of all RCPT commands, ``goodbyes`` counts QUIT.
    """

    def __init__(self, pipelining: bool = False) -> None:
        self.mails: list[ReceivedMail] = []
        self.script: dict[tuple[str, str | int], str] = {}
        self.once = False
        self.to_all = ""
        self.asked: list[str] = []
        self.goodbyes = 0
        self.logins: list[str] = []
        self.connections = 0
        self.most_connections: int | None = None  # it drops every further one at once
        self.open: list[Any] = []
        self._pipelining = pipelining
        self._mail_commands = 0
        self.port = 0

    def drop_all(self) -> None:
        """End every connection, as after a restart or a long silence."""
        for smtp in self.open:
            smtp.loop.call_soon_threadsafe(smtp.transport.abort)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        if self.most_connections is not None and self.connections > self.most_connections:
            server.transport.abort()
        session.host_name = hostname
        return ["250-PIPELINING", *responses] if self._pipelining else responses

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self._mail_commands += 1
        envelope.mail_from = address
        return await self._scripted(server, ("MAIL", self._mail_commands)) or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.asked.append(address)
        answer = await self._scripted(server, ("RCPT", address)) or self.to_all.format(address)
        if not answer:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        answer = self.script.get(("DATA", address))
        if answer in (None, "drop", "hang"):
            content = bytes(envelope.original_content)
            self.mails.append(ReceivedMail(envelope.mail_from, address, content))
        return await self._scripted(server, ("DATA", address)) or "250 OK"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.goodbyes += 1
        return "221 Bye"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        """Takes one user and one password."""
        self.logins.append(data.login.decode())
        right = (data.login, data.password) == (b"desk", b"correct horse")
        return AuthResult(success=right, handled=False)

    async def _scripted(self, server: Any, key: tuple[str, str | int]) -> str | None:
        answer = self.script.pop(key, None) if self.once else self.script.get(key)
        if answer in ("drop", "lose"):
            server.transport.abort()
        if answer == "hang":
            await asyncio.sleep(3600)
        return answer


class _Controller(Controller):
    """aiosmtpd's, on a port that the system chose."""

    def __init__(self, handler: MailServer, ssl_context: ssl.SSLContext | None, **more: Any):
        self._socket = socket.create_server(("127.0.0.1", 0))
        super().__init__(
            handler,
            hostname="127.0.0.1",
            port=int(self._socket.getsockname()[1]),
            server_hostname="mail.example.test",
            **more,
        )
        self._context = ssl_context

    def factory(self) -> Any:
        self.handler.connections += 1
        with warnings.catch_warnings():  # a login without STARTTLS is meant so here
            warnings.simplefilter("ignore")
            smtp = SMTP(self.handler, **self.SMTP_kwargs)
        self.handler.open.append(smtp)
        return smtp

    def _create_server(self) -> Any:
        return self.loop.create_server(self._factory_invoker, sock=self._socket, ssl=self._context)

    def _trigger_server(self) -> None:
        """The first client will do; a connection of our own would only be counted."""
        self._factory_invoked.set()
        self.smtpd = True


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority's file for SSL_CERT_FILE, and a server's context for 127.0.0.1."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    path = folder / "authority.pem"
    ca.cert_pem.write_to_path(str(path))
    return path, context


@contextlib.contextmanager
def mail_server(
    context: ssl.SSLContext | None = None,
    security: Security = "none",
    *,
    login: bool = False,
    smtputf8: bool = True,
    pipelining: bool = False,
) -> Iterator[MailServer]:
    """A mail server; "starttls" and "tls" need a ``context`` from ``authority``."""
    server = MailServer(pipelining)
    more: dict[str, Any] = {"enable_SMTPUTF8": smtputf8}
    if security == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    if login:
        more |= {"authenticator": server.login, "auth_required": True}
        more |= {"auth_require_tls": security == "starttls"}
    controller = _Controller(server, context if security == "tls" else None, **more)
    server.port = controller.port
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextlib.contextmanager
def line_server(*answers: str | None, heard: list[bytes] | None = None) -> Iterator[int]:
    """A server that says these lines, the first as a greeting, each next one to a line that it
    was sent, "" for nothing, and None to hang up; yields its port. For what a real mail server
    never says. ``heard`` gets every line that it was sent.
    """
    lines = [] if heard is None else heard
    with _listening(_say, answers, lines) as port:
        yield port


@contextlib.contextmanager
def dripping_server() -> Iterator[int]:
    """A server that greets, and then says one byte at a time of an answer without end."""
    with _listening(_drip) as port:
        yield port


@contextlib.contextmanager
def injecting_server(context: ssl.SSLContext) -> Iterator[int]:
    """STARTTLS, with a word of somebody in between behind the go-ahead for it."""
    with _listening(_inject, context) as port:
        yield port


@contextlib.contextmanager
def _listening(serve: Callable[..., None], *arguments: object) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, *arguments), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


def _say(listener: socket.socket, answers: tuple[str | None, ...], heard: list[bytes]) -> None:
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for number, answer in enumerate(answers):
                if number:
                    heard.append(lines.readline())
                    if not heard[-1]:
                        return
                if answer is None:
                    return
                connection.sendall(answer.encode() + b"\r\n" * bool(answer))
            while (line := lines.readline()) and not line.lower().startswith(b"quit"):
                heard.append(line)


def _drip(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 hello\r\n")
            while True:
                for byte in b"250-more\r\n":
                    connection.sendall(bytes([byte]))
                    time.sleep(0.01)


def _inject(listener: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"220 hello\r\n")
            connection.recv(4096)
            connection.sendall(b"250-hello\r\n250 STARTTLS\r\n")
            connection.recv(4096)
            connection.sendall(b"220 go on\r\n250 a false one\r\n")
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(4096)
                secure.sendall(b"250 hello\r\n")
                secure.recv(4096)
                secure.sendall(b"451 the real one\r\n")
                while secure.recv(4096):
                    pass


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
