"""Who may talk to the preview: a browser on this machine that was given its address."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACTIONS = ("/test", "/approve", "/unapprove")  # what may be posted to, from the preview's own page

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


class Guard:
    """Lets through what names this machine as its host and has the token of the start.

    What does something must come from the page itself: browsers say so in the Origin header.

    The token comes once in the address, and lives in a cookie from then on. Answers get the
    strictest headers where the application sets none.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's start and end."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            request = Request(scope)
            headers = dict(_HEADERS)
            answer = self.refusal(request)
            if answer is None and self.knows(request.query_params.get("token")):
                # No redirect: a browser would not send a strict cookie along with one.
                kept = f"{_cookie(request)}={self.token}; HttpOnly; Path=/; SameSite=Strict"
                headers["Set-Cookie"] = kept
            await (answer or self.app)(scope, receive, _with_headers(send, headers))

    def refusal(self, request: Request) -> Response | None:
        """What is answered in place of the page; None where the page may be shown."""
        port, host = _port(request), request.headers.get("host")
        if host not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            return _plain(
                f"The preview answers only to http://127.0.0.1:{port}/. Open that address.", 400
            )
        wanted = "POST" if request.url.path in ACTIONS else "GET"
        if request.method != wanted:
            answer = _plain(f"The preview answers here only to {wanted}.", 405)
            answer.headers["Allow"] = wanted
            return answer
        if wanted == "POST" and request.headers.get("origin") != f"http://{host}":
            return _plain("That did not come from the preview's own page.", 403)
        given = (request.query_params.get("token"), request.cookies.get(_cookie(request)))
        if not any(self.knows(token) for token in given):
            return _plain(
                "This page belongs to whoever started the preview. Open the whole address that "
                "the preview printed when it started, with ?token= and what follows.",
                403,
            )
        return None

    def knows(self, given: str | None) -> bool:
        """Whether that is the token of this start."""
        return given is not None and secrets.compare_digest(given.encode(), self.token.encode())


def _port(request: Request) -> int:
    server: tuple[str, int] = request.scope.get("server") or ("", 0)
    return server[1]


def _cookie(request: Request) -> str:
    """Cookies do not know ports: each preview on this machine needs its own name."""
    return f"preview-{_port(request)}"


def _plain(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status)


def _with_headers(send: Send, more: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in more.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
