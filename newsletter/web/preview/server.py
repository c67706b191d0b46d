"""The local preview: an issue in a browser as readers will get it, rebuilt after every save.

It listens on this machine only, and ``access`` requires the token of this start. ``file_changes``
notices saves, ``live_issue`` builds, ``pages`` answers.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.errors import UsageError
from newsletter.model import IssueName
from newsletter.web.listening import listen
from newsletter.web.preview.access import AccessGuard
from newsletter.web.preview.live_issue import LiveIssue
from newsletter.web.preview.pages import PreviewPages

HOST = "127.0.0.1"
PORTS_TO_TRY = 20


def create_app(desk: Desk, issue: IssueName, token: str) -> Starlette:
    """The preview as an ASGI application; ``app.state.live.close()`` ends its streams."""
    live = LiveIssue(desk, issue)
    pages = PreviewPages(live)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await live.start()
        yield
        await live.end()

    app = Starlette(
        routes=[
            Route("/", pages.page),
            Route("/mail", pages.mail),
            Route("/text", pages.text),
            Route("/source", pages.source),
            Route("/test", pages.test, methods=["POST"]),
            Route("/approve", pages.approve, methods=["POST"]),
            Route("/unapprove", pages.unapprove, methods=["POST"]),
            Route("/state.json", pages.state),
            Route("/events", pages.events),
            Route("/images/{name:path}", pages.picture),
            Route("/pictures/{name:path}", pages.picture),
            Route("/assets/{name}", pages.asset),
        ],
        middleware=[Middleware(AccessGuard, token=token)],
        lifespan=lifespan,
    )
    app.state.live = live
    return app


def serve(desk: Desk, issue: IssueName, port: int, open_browser: bool) -> None:
    """Serve the preview until Ctrl-C, and print its address with the token.

    A port that is in use gives way to the next free one; 0 is any.
    """
    token = secrets.token_urlsafe(16)
    app = create_app(desk, issue, token)
    listener = _listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/?token={token}"
    print(f"Preview of {issue}: {address}", flush=True)
    if open_browser:
        # In a thread, because a text-mode browser returns only when it is closed.
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    settings = uvicorn.Config(app, log_level="warning", ws="none", server_header=False)
    with contextlib.suppress(KeyboardInterrupt):
        _Server(settings, app.state.live).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends the event streams before uvicorn waits for them."""

    def __init__(self, settings: uvicorn.Config, live: LiveIssue) -> None:
        super().__init__(settings)
        self.live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called at the first Ctrl-C."""
        self.live.close()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    """A socket on that port, or on the next free one."""
    candidates = range(port, min(port + PORTS_TO_TRY, 65536)) if port else ()
    for candidate in candidates:
        with contextlib.suppress(UsageError):
            return listen(HOST, candidate, option="--port")
    return listen(HOST, 0, option="--port")
