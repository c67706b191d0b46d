"""The headers of every public answer, in one place. An answer's own come before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src {pictures}; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Of a page that is one reader's, or changes something: kept nowhere, and found by nobody.
PRIVATE = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": _POLICY.format(pictures="'self'"),
}
ALWAYS = {
    # An issue's picture may lie at a host for pictures.
    "Content-Security-Policy": _POLICY.format(pictures="'self' https:"),
    "Referrer-Policy": "no-referrer",  # addresses of pages hold readers' keys
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class Headers:
    """Gives each answer these headers, where it has none of that name.

    ``more`` gives further ones, which may change while it serves.
    """

    def __init__(
        self,
        app: ASGIApp,
        headers: Mapping[str, str],
        more: Callable[[], Mapping[str, str]] = lambda: {},
    ) -> None:
        self._app = app
        self._always, self._more = _encoded(headers), more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                names = {name.lower() for name, _ in own}
                given = [*self._always, *_encoded(self._more())]
                message["headers"] = [*own, *(each for each in given if each[0] not in names)]
            await send(message)

        await self._app(scope, receive, sending)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), text.encode()) for name, text in headers.items()]
