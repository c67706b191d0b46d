"""Real servers on loopback in the place of SendGrid and of a newsroom's mail server.

Each is a context manager, listens on a port that the system chose, keeps what it was given, and
can be told to misbehave.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.e2e import sendgrid_rules

KEY = "SG.a-key-for-tests.0123456789"

# --- SendGrid ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """What the server does with one request instead of taking it.

    ``taken``: the mail counts as accepted although the answer does not say so.
    """

    status: int = 202
    errors: tuple[Mapping[str, Any], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: bool = False
    then: Literal["answer", "hang", "reset", "half"] = "answer"


def refused(status: int, message: str = "made up for a test", **headers: str) -> Step:
    """Any status; 401 and 403 for the key, 413 for the size, 500 and 503 for faults."""
    return Step(status, ({"field": None, "message": message},), headers)


def rate_limited(seconds: float | None) -> Step:
    """429, with the moment at which the limit ends, or (None) without it."""
    headers = {} if seconds is None else {"X-RateLimit-Reset": str(int(time.time() + seconds))}
    return Step(429, ({"field": None, "message": "too many requests"},), headers)


def bad_address(*numbers: int) -> Step:
    """400 that names the addresses of these personalizations."""
    message = "Does not contain a valid address."
    fields = [f"personalizations.{number}.to.0.email" for number in numbers]
    return Step(400, tuple({"field": name, "message": message} for name in fields))


def redirect(location: str) -> Step:
    """307 to another address."""
    return Step(307, (), {"Location": location})


def hang() -> Step:
    """Take the mail and never answer."""
    return Step(taken=True, then="hang")


def reset(*, taken: bool = False) -> Step:
    """Reset the connection: in the middle of the request, or once the mail is taken."""
    return Step(taken=taken, then="reset")


def half_answer() -> Step:
    """Take the mail and break off in the middle of the answer."""
    return Step(taken=True, then="half")


@dataclass(frozen=True)
class PersonalMail:
    """One mail as its recipient gets it from SendGrid."""

    email: str
    name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    custom_args: Mapping[str, str]


class SendgridServer:
    """``bodies`` are the accepted requests; ``requests`` counts all; ``script`` maps the number
    of a request (the first is 1) to a Step; ``bad`` holds addresses that are always refused.
    """

    def __init__(self, data: Path | None) -> None:
        known = data is not None and (data / sendgrid_rules.SPECIFICATION).exists()
        self.validator = sendgrid_rules.schema(data) if known and data else None
        self.bodies: list[dict[str, Any]] = []
        self.violations: list[sendgrid_rules.Violation] = []
        self.script: dict[int, Step] = {}
        self.bad: set[str] = set()
        self.requests = 0
        self.connections = 0
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _handler(self))
        self.port = int(self._http.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def mails(self) -> list[PersonalMail]:
        """What every recipient of every accepted request gets, in the order of the requests."""
        return [mail for body in self.bodies for mail in _personal(body)]

    def close(self) -> None:
        """End at once, with every open connection."""
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()
        self._thread.join()

    def judge(self, raw: bytes) -> Step:
        """Look at a body as SendGrid would, and keep it where nothing is wrong with it."""
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        found = sendgrid_rules.violations(body, len(raw), self.validator)
        if found:
            self.violations += found
            return Step(400, tuple({"field": field, "message": said} for field, said in found))
        entries = enumerate(body["personalizations"])
        bad = [number for number, entry in entries if entry["to"][0]["email"] in self.bad]
        if bad:
            return bad_address(*bad)
        self.bodies.append(body)
        return Step(headers={"X-Message-Id": f"message-{len(self.bodies)}"})


@contextlib.contextmanager
def sendgrid_server(data: Path | None = None) -> Iterator[SendgridServer]:
    """A server shaped like SendGrid. ``data``: the folder with the official specification."""
    server = SendgridServer(data)
    try:
        yield server
    finally:
        if not server.ended.is_set():
            server.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections break on purpose here."""


def _handler(server: SendgridServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            server.connections += 1

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_POST(self) -> None:
            with server.lock:
                server.requests += 1
                step = server.script.get(server.requests)
            length = int(self.headers["Content-Length"])
            if step and step.then == "reset" and not step.taken:
                self.rfile.read(length // 2)
                self._reset()
                return
            raw = self.rfile.read(length)
            with server.lock:
                self._answer(step, raw)

        def _answer(self, step: Step | None, raw: bytes) -> None:
            if self.path != "/v3/mail/send":
                step = refused(404)
            elif self.headers["Authorization"] != f"Bearer {KEY}":
                step = refused(401, f"wrong: {self.headers['Authorization']}")
            elif step is None or step.taken:
                judged = server.judge(raw)
                step = judged if step is None or judged.status != 202 else step
            if step.then == "answer":
                self._reply(step)
            elif step.then == "half":
                self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Mess")
                self.close_connection = True
            elif step.then == "hang":
                server.lock.release()  # let other requests go on meanwhile
                server.ended.wait(30)
                server.lock.acquire()
                self.close_connection = True
            else:
                self._reset()

        def _reply(self, step: Step) -> None:
            body = b"" if step.status == 202 else json.dumps({"errors": step.errors}).encode()
            self.send_response(step.status)
            for name, value in step.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _reset(self) -> None:
            linger = struct.pack("ii", 1, 0)  # close() then sends RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.rfile.close()
            self.connection.close()

    return Handler


def _personal(body: dict[str, Any]) -> Iterator[PersonalMail]:
    text, html = (part["value"] for part in body["content"])
    for entry in body["personalizations"]:
        filled = [_substituted(part, entry["substitutions"]) for part in (text, html)]
        yield PersonalMail(
            email=entry["to"][0]["email"],
            name=entry["to"][0].get("name", ""),
            subject=_substituted(body["subject"], entry["substitutions"]),
            text=filled[0],
            html=filled[1],
            headers=entry["headers"],
            custom_args=entry["custom_args"],
        )


def _substituted(text: str, substitutions: Mapping[str, str]) -> str:
    if not substitutions:
        return text
    keys = "|".join(map(re.escape, substitutions))
    return re.sub(keys, lambda match: substitutions[match.group()], text)


# --- SMTP --------------------------------------------------------------------------------

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
    number of the command, from 1), to the answer: a line such as "550 5.1.1 no such user", or
    "drop" to end the connection without an answer, for DATA with the mail taken.
    """

    def __init__(self) -> None:
        self.mails: list[ReceivedMail] = []
        self.script: dict[tuple[str, str | int], str] = {}
        self.logins: list[str] = []
        self.connections = 0
        self._mail_commands = 0
        self.port = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self._mail_commands += 1
        envelope.mail_from = address
        return self._scripted(server, ("MAIL", self._mail_commands)) or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self._scripted(server, ("RCPT", address))
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        (address,) = envelope.rcpt_tos
        answer = self.script.get(("DATA", address))
        if answer in (None, "drop"):
            content = bytes(envelope.original_content)
            self.mails.append(ReceivedMail(envelope.mail_from, address, content))
        return self._scripted(server, ("DATA", address)) or "250 OK"

    def login(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        """Takes one user and one password."""
        self.logins.append(data.login.decode())
        return AuthResult(success=(data.login, data.password) == (b"desk", b"correct horse"))

    def _scripted(self, server: Any, key: tuple[str, str | int]) -> str | None:
        answer = self.script.get(key)
        if answer == "drop":
            server.transport.abort()
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
        return super().factory()

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
) -> Iterator[MailServer]:
    """A mail server; "starttls" and "tls" need a ``context`` from ``authority``."""
    server = MailServer()
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
def line_server(*answers: str | None) -> Iterator[int]:
    """A server that says these lines, the first as a greeting, each next one to a line that it
    was sent, and None to hang up; yields its port. For what a real mail server never says.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_say, args=(listener, answers), daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _say(listener: socket.socket, answers: tuple[str | None, ...]) -> None:
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            for number, answer in enumerate(answers):
                if number and not lines.readline():
                    return
                if answer is None:
                    return
                connection.sendall(answer.encode() + b"\r\n")
            while lines.readline():
                pass


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
