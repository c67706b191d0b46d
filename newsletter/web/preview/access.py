"""Who may use the preview: a browser on this machine that has the token of this start."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACTIONS = (
    "/test",
    "/approve",
    "/unapprove",
)  # for POST, from our own page

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


class AccessGuard:
    """Passes on requests with this machine as Host and the token of this start.

    A POST must come from the preview's own page (Origin header). The token comes once in the
    address and then in a cookie. Responses get strict headers unless the application sets its own.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI), or pass on the application's start and end."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            request = Request(scope)
            headers = dict(_HEADERS)
            refusal = self.refusal(request)
            if refusal is None and self.is_token(request.query_params.get("token")):
                # No redirect: a browser would not send a strict cookie along with one.
                cookie = f"{_cookie(request)}={self.token}; HttpOnly; Path=/; SameSite=Strict"
                headers["Set-Cookie"] = cookie
            await (refusal or self.app)(scope, receive, _with_headers(send, headers))

    def refusal(self, request: Request) -> Response | None:
        """The response to a request that may not pass; None if it may."""
        port, host = _port(request), request.headers.get("host")
        if host not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            return _plain(
                f"The preview answers only to http://127.0.0.1:{port}/. Open that address.", 400
            )
        method = "POST" if request.url.path in ACTIONS else "GET"
        if request.method != method:
            response = _plain(f"This address answers only to {method}.", 405)
            response.headers["Allow"] = method
            return response
        if method == "POST" and request.headers.get("origin") != f"http://{host}":
            return _plain("This request did not come from the preview's own page.", 403)
        tokens = (request.query_params.get("token"), request.cookies.get(_cookie(request)))
        if not any(self.is_token(token) for token in tokens):
            return _plain(
                "Only the person who started the preview can see it. Open the complete address "
                "that it printed, including ?token=.",
                403,
            )
        return None

    def is_token(self, text: str | None) -> bool:
        """Whether it is the token of this start, compared in constant time."""
        return text is not None and secrets.compare_digest(text.encode(), self.token.encode())


def _port(request: Request) -> int:
    server: tuple[str, int] = request.scope.get("server") or ("", 0)
    return server[1]


def _cookie(request: Request) -> str:
    """The cookie's name. Cookies ignore ports, so each preview on this machine has its own."""
    return f"preview-{_port(request)}"


def _plain(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status)


def _with_headers(send: Send, extra: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in extra.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
