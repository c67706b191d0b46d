"""What no route needs to think of: requests that are too large, and people who go in the middle."""

from __future__ import annotations

from contextlib import suppress

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

MOST = 4_000_000  # bytes of a body; those of a provider's reports are far below


class Limits:
    """Says 413 to what calls itself larger than anything that is taken here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and _length(scope) > MOST:
            answer = PlainTextResponse("The request is too large.\n", 413)
            await answer(scope, receive, send)
            return
        with suppress(ClientDisconnect):  # nobody is there to be answered
            await self._app(scope, receive, send)


def _length(scope: Scope) -> int:
    said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0
