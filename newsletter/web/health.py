"""``/healthz``, for what watches the service on this machine; nobody is waited for."""

from __future__ import annotations

import json
import re
import selectors
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from newsletter.web.listening import listen

_MOST = 4096  # bytes of a request
_OPEN = 16  # connections at once; of more, the oldest is closed
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}

Health = Callable[[], tuple[bool, object]]  # whether all is well, and the document that says more


class Listener:
    """Answers on 127.0.0.1: 200 while all is well, else 503; the body says why, as JSON."""

    def __init__(self, port: int, health: Health) -> None:
        """Raises UsageError where it cannot listen there."""
        self._health = health
        self._connections: deque[socket.socket] = deque()
        self._socket = listen("127.0.0.1", port, option="--health")
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def attach(self, selector: selectors.BaseSelector) -> None:
        """Have connections answered from that selector's loop."""
        self._selector = selector
        selector.register(self._socket, selectors.EVENT_READ, self._accept)

    def close(self) -> None:
        """Let go of every socket."""
        self._socket.close()
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            connection, _ = self._socket.accept()
            connection.setblocking(False)
            self._connections.append(connection)
            self._selector.register(
                connection, selectors.EVENT_READ, lambda: self._answer(connection)
            )
        while len(self._connections) > _OPEN:
            self._leave(self._connections[0])

    def _answer(self, connection: socket.socket) -> None:
        """A request for a page this small comes in one piece; whatever is cut is no request."""
        with suppress(OSError):
            request = connection.recv(_MOST).decode("latin-1")
            status, document = self._answer_to(request)
            body = json.dumps(document, ensure_ascii=False).encode() + b"\n"
            phrase = _PHRASES.get(status, "Service Unavailable")
            head = (
                f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n"
                f"X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
            )
            connection.send(head.encode() + (b"" if request.startswith("HEAD ") else body))
        self._leave(connection)

    def _answer_to(self, request: str) -> tuple[int, object]:
        line = re.match(r"([A-Z]+) (\S+) HTTP/1\.[01]\r\n", request)
        host = re.search(r"\r\nHost: *([^\r\n:]*)", request, re.IGNORECASE)
        if not line or (host and host[1] not in ("127.0.0.1", "localhost")):
            return 400, {"reason": "Ask for http://127.0.0.1/healthz on this port."}
        if line[2].partition("?")[0] != "/healthz":
            return 404, {"reason": "There is only /healthz here."}
        if line[1] not in ("GET", "HEAD"):
            return 405, {"reason": "Only GET and HEAD are answered here."}
        well, document = self._health()
        return (200 if well else 503), document

    def _leave(self, connection: socket.socket) -> None:
        if connection in self._connections:  # not yet left, to make room
            self._selector.unregister(connection)
            self._connections.remove(connection)
            connection.close()
