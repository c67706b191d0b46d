"""The email service of docs/adding.md on loopback: what it took, and the events that it posts."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from tests.patient import PATIENCE

API_KEY, WEBHOOK_KEY = "pigeon-key", "pigeon-webhook-key"


@dataclass
class Pigeon:
    """``mails``: what it took, in order. ``script``: the status for each request that has one; a
    request is taken whatever its status is, but for those below 500.
    """

    port: int
    mails: list[dict[str, Any]] = field(default_factory=list)
    script: dict[int, int] = field(default_factory=dict)
    requests: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def event(self, mail: int, type_: str, **more: Any) -> dict[str, Any]:
        """What it reports of a mail that it took."""
        taken = self.mails[mail]
        return {
            "id": f"{type_}-{mail}",
            "type": type_,
            "timestamp": 1_900_000_000,
            "recipient": taken["to"],
            "metadata": taken["metadata"],
            **more,
        }


def post(url: str, *events: Any, key: str = WEBHOOK_KEY, body: bytes | None = None) -> int:
    """Post signed events; the status."""
    content = json.dumps({"events": events}).encode() if body is None else body
    signature = hmac.new(key.encode(), content, hashlib.sha256).hexdigest()
    headers = {"X-Pigeon-Signature": signature}
    return httpx.post(url, content=content, headers=headers, timeout=PATIENCE).status_code


@contextmanager
def pigeon() -> Iterator[Pigeon]:
    """The service until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    service = Pigeon(server.server_address[1])
    server.pigeon = service  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        service: Pigeon = self.server.pigeon
        mails = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        service.requests += 1
        status = service.script.get(service.requests, 202)
        if self.headers["Authorization"] != f"Bearer {API_KEY}":
            status = 401
        if status in (202, 503):
            service.mails += mails
        self.send_response(status)
        self.send_header("X-Batch", f"batch-{service.requests}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
