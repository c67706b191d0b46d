"""Limits for every route: bodies that are too large, and clients that disconnect."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_BYTES = 4_000_000  # of a body; providers post far less


class BodyLimit:
    """Answers 413 to a request that announces a larger body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] == "http" and _content_length(scope) > MAX_BYTES:
            response = PlainTextResponse("The request is too large.\n", 413)
            await response(scope, receive, send)
            return
        with suppress(ClientDisconnect):  # nobody is left to be answered
            await self._app(scope, receive, send)


def _content_length(scope: Scope) -> int:
    header = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(header) if header.isdigit() else 0
