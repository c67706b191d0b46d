"""A SendGrid-shaped server on loopback: takes what SendGrid takes, and misbehaves when told."""

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
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from tests.e2e import sendgrid_rules
from tests.patient import PATIENCE

KEY = "SG.a-key-for-tests.0123456789"


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
    """429, with the moment at which the limit ends (counted from the answer), or without it."""
    headers = {} if seconds is None else {"X-RateLimit-Reset": f"+{seconds}"}
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
    """``bodies`` are the accepted requests; ``requests`` counts all for a mail; ``script`` maps
    the number of one (the first is 1) to a Step; ``bad`` holds addresses that are always refused.

    ``cancelled`` are the batches that it drops at their moment, at most ten at once. ``asides``
    are Steps for the next requests that are not about a mail. ``pace``: seconds before it answers
    one about a mail.
    """

    def __init__(self, data: Path | None, tls: ssl.SSLContext | None = None) -> None:
        known = data is not None and (data / sendgrid_rules.SPECIFICATION).exists()
        self.validator = sendgrid_rules.schema(data) if known and data else None
        self.bodies: list[dict[str, Any]] = []
        self.violations: list[sendgrid_rules.Violation] = []
        self.script: dict[int, Step] = {}
        self.bad: set[str] = set()
        self.cancelled: set[str] = set()
        self.asides: list[Step] = []
        self.pace = 0.0
        self.ids = 0
        self.requests = 0
        self.connections = 0
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self._http = _Server(self)
        self.port = int(self._http.server_address[1])
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        if tls:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def mails(self) -> list[PersonalMail]:
        """What every recipient of every accepted request gets, in the order of the requests."""
        kept = (body for body in self.bodies if body.get("batch_id") not in self.cancelled)
        return [mail for body in kept for mail in _personal(body)]

    def aside(self, path: str, raw: bytes) -> tuple[Step, Any]:
        """The answer to a request for a batch id, or to cancel one."""
        if self.asides and not self.asides[0].taken:
            return self.asides.pop(0), None
        if path == "/v3/mail/batch":
            self.ids += 1
            step, answer = Step(201), {"batch_id": f"batch-{self.ids:04}"}
        elif path == "/v3/user/scheduled_sends":
            step, answer = self._cancel(json.loads(raw)["batch_id"]), None
        else:
            step, answer = refused(404), None
        return (self.asides.pop(0) if self.asides else step), answer

    def _cancel(self, batch: str) -> Step:
        moments = [b["send_at"] for b in self.bodies if b.get("batch_id") == batch]
        if any(moment < time.time() + 600 for moment in moments):
            return refused(400, "the batch goes out in less than ten minutes")
        if batch in self.cancelled:
            return refused(400, "a status for this batch id exists")
        if len(self.cancelled) >= 10:
            return refused(400, "no more than ten batches can be cancelled")
        self.cancelled.add(batch)
        return Step(201)

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
def sendgrid_server(
    data: Path | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[SendgridServer]:
    """A server shaped like SendGrid. ``data``: the folder with the official specification;
    ``tls``: from ``authority``.
    """
    server = SendgridServer(data, tls)
    try:
        yield server
    finally:
        if not server.ended.is_set():
            server.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, desk: SendgridServer) -> None:
        self.desk = desk
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

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


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.desk = self.server.desk
        self.desk.connections += 1

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        batch = self.path.rpartition("/")[2]
        known = self.path.startswith("/v3/user/scheduled_sends/") and batch in self.desk.cancelled
        answer = [{"batch_id": batch, "status": "cancel"}] if known else []
        self._answer(Step(200), answer)

    def do_POST(self) -> None:
        if self.path != "/v3/mail/send":
            self._aside()
            return
        with self.desk.lock:
            self.desk.requests += 1
            step = self.desk.script.get(self.desk.requests)
        length = int(self.headers["Content-Length"])
        if step and step.then == "reset" and not step.taken:
            self.rfile.read(length // 2)
            self._reset()
            return
        raw = self.rfile.read(length)
        with self.desk.lock:
            step = self._judged(step, raw)
        time.sleep(self.desk.pace)
        getattr(self, f"_{step.then}")(step)

    def _aside(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(refused(401))
            return
        with self.desk.lock:
            step, answer = self.desk.aside(self.path, raw)
        if step.then == "answer":
            self._answer(step, answer)
        else:
            getattr(self, f"_{step.then}")(step)

    def _judged(self, step: Step | None, raw: bytes) -> Step:
        key = self.headers["Authorization"]
        if key != f"Bearer {KEY}":
            return refused(401, f"wrong: {key}")
        if step and not step.taken:
            return step
        judged = self.desk.judge(raw)
        return step if step and judged.status == 202 else judged

    def _answer(self, step: Step, answer: Any = None) -> None:
        body = b"" if step.status < 300 else json.dumps({"errors": step.errors}).encode()
        if answer is not None and step.status < 300:
            body = json.dumps(answer).encode()
        self.send_response(step.status)
        for name, value in step.headers.items():
            if value.startswith("+"):
                value = str(round(time.time() + float(value[1:])))
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _half(self, step: Step) -> None:
        self.wfile.write(b"HTTP/1.1 202 Accepted\r\nX-Mess")
        self.close_connection = True

    def _hang(self, step: Step) -> None:
        self.desk.ended.wait(PATIENCE)
        self.close_connection = True

    def _reset(self, step: Step | None = None) -> None:
        linger = struct.pack("ii", 1, 0)  # close() then sends RST
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.rfile.close()
        self.connection.close()


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
