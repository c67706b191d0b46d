"""A webhook on loopback: what was posted to it, and answers as told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """``posts``: the documents it took. ``status`` is its answer; ``drip``: it comes for ever."""

    port: int
    posts: list[Any] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # method and path
    status: int = 200
    drip: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/a-secret-path"

    @property
    def texts(self) -> list[str]:
        return [post["text"] for post in self.posts]


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A webhook until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    hook = Webhook(server.server_address[1])
    server.hook = hook  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/json"
        hook: Webhook = self.server.hook
        if hook.status < 300 and not hook.drip:
            hook.posts.append(json.loads(body))
        self._answer()

    def _answer(self) -> None:
        hook: Webhook = self.server.hook
        hook.asked.append((self.command, self.path))
        while hook.drip:
            self.wfile.write(b"H")
            time.sleep(0.05)
        self.send_response(hook.status)
        if 300 <= hook.status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
