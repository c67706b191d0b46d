"""The security headers of every public response. A response's own headers take precedence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src {pictures}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# For personal pages and pages that change something: never cached, never indexed.
PRIVATE = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": _POLICY.format(pictures="'self'"),
}
ALWAYS = {
    # An issue's pictures may be on another host.
    "Content-Security-Policy": _POLICY.format(pictures="'self' https:"),
    "Referrer-Policy": "no-referrer",  # page addresses contain readers' keys
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class Headers:
    """Adds headers to each response, unless it has a header of that name."""

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str],
        changing: Callable[[], Mapping[str, str]] = lambda: {},  # asked at each response
    ) -> None:
        self._app = app
        self._fixed, self._changing = _encoded(headers), changing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                extra = (*self._fixed, *_encoded(self._changing()))
                message["headers"] = [
                    *message["headers"],
                    *(h for h in extra if h[0] not in present),
                ]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), text.encode()) for name, text in headers.items()]
