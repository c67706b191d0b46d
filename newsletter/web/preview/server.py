"""The local preview: an issue as readers will get it, in a browser, new after every save.

It listens on this machine only, and shows nothing without the token of its start (``guard``).
``live`` builds, ``watching`` notices saves, ``answers`` has the pages.
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
from newsletter.web.preview.access import Guard
from newsletter.web.preview.live_issue import Live
from newsletter.web.preview.pages import Answers

HOST = "127.0.0.1"
PORTS_TO_TRY = 20


def create_app(desk: Desk, issue: IssueName, token: str) -> Starlette:
    """The preview as an application; ``app.state.live.close()`` ends its streams."""
    live = Live(desk, issue)
    answers = Answers(live)

    @contextlib.asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        await live.start()
        yield
        await live.end()

    app = Starlette(
        routes=[
            Route("/", answers.page),
            Route("/mail", answers.mail),
            Route("/text", answers.text),
            Route("/source", answers.source),
            Route("/test", answers.test, methods=["POST"]),
            Route("/approve", answers.approve, methods=["POST"]),
            Route("/unapprove", answers.unapprove, methods=["POST"]),
            Route("/state.json", answers.state),
            Route("/events", answers.events),
            Route("/images/{name:path}", answers.picture),
            Route("/pictures/{name:path}", answers.picture),
            Route("/assets/{name}", answers.asset),
        ],
        middleware=[Middleware(Guard, token=token)],
        lifespan=running,
    )
    app.state.live = live
    return app


def serve(desk: Desk, issue: IssueName, port: int, open_browser: bool) -> None:
    """Show the issue until Ctrl-C. ``port`` 0 is any free one; a taken one gives way to the next.

    The address is printed, with the token that it needs.
    """
    token = secrets.token_urlsafe(16)
    app = create_app(desk, issue, token)
    listening = _listen(port)
    address = f"http://{HOST}:{listening.getsockname()[1]}/?token={token}"
    print(f"Preview of {issue}: {address}", flush=True)
    if open_browser:
        # In a thread: a browser within the terminal returns only when it is closed.
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    settings = uvicorn.Config(app, log_level="warning", ws="none", server_header=False)
    with contextlib.suppress(KeyboardInterrupt):
        _Server(settings, app.state.live).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends the event streams before uvicorn waits for them."""

    def __init__(self, settings: uvicorn.Config, live: Live) -> None:
        super().__init__(settings)
        self.live = live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Called once, at the first Ctrl-C."""
        self.live.close()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    """A socket on the port, or on the next free one."""
    candidates = range(port, min(port + PORTS_TO_TRY, 65536)) if port else ()
    for candidate in candidates:
        with contextlib.suppress(UsageError):
            return listen(HOST, candidate, option="--port")
    return listen(HOST, 0, option="--port")
