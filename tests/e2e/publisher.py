"""A made-up publisher's web server on loopback: pages by path, and what was asked for."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Publisher:
    """What it serves; a page is its text, or a status. Answers carry an ETag."""

    port: int
    pages: dict[str, str | bytes | int] = field(default_factory=dict)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    no_head: set[str] = field(default_factory=set)
    deaf: set[str] = field(default_factory=set)  # to HEAD: it says nothing
    rude: set[str] = field(default_factory=set)  # to HEAD: it hangs up
    methods: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    body_bytes: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"


@contextmanager
def publisher(pages: Mapping[str, str | bytes | int] | None = None) -> Iterator[Publisher]:
    """A publisher with these pages, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    site = Publisher(server.server_address[1], dict(pages or {}))
    server.site = site  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        site: Publisher = self.server.site
        site.asked.append(self.path)
        site.methods.append(self.command)
        if self.command == "HEAD" and self.path in site.no_head:
            self.send_error(405)
            return
        if self.command == "HEAD" and self.path in site.deaf | site.rude:
            self.close_connection = True
            if self.path in site.deaf:
                self.rfile.read(1)  # until the other side has enough
            else:
                reset = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            return
        page = site.pages.get(self.path, site.pages.get(urlsplit(self.path).path, 404))
        if isinstance(page, int):
            status, body = page, b""
        else:
            status, body = 200, page.encode() if isinstance(page, str) else page
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and self.headers.get("If-None-Match") == tag:
            status, body = 304, b""
        site.statuses.append(status)
        site.body_bytes += len(body)
        self.send_response(status)
        if status in (200, 304):
            self.send_header("ETag", tag)
        for name, value in site.headers.get(urlsplit(self.path).path, {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
