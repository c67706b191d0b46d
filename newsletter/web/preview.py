"""The local preview: an issue as readers will get it, in a browser, new after every save.

It listens on this machine only, and shows nothing without the token of its start (``guard``).
"""

from __future__ import annotations

import asyncio
import contextlib
import mimetypes
import secrets
import socket
import threading
import webbrowser
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, cast

import uvicorn
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from newsletter import issues, tokens
from newsletter.app import Desk, sending
from newsletter.check.size import CLIPPED, NEAR
from newsletter.model import Level
from newsletter.web import shown
from newsletter.web.guard import Guard
from newsletter.web.live import Good, Live

HOST = "127.0.0.1"
PORTS_TO_TRY = 20

_PAGES = Path(__file__).parent / "pages"
_ASSETS = ("preview.css", "preview.js", "preview.svg")
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# allow-same-origin lets the page keep the place where one reads; without scripts it is harmless.
_MAIL_SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox"
_MAIL_POLICY = (
    f"sandbox {_MAIL_SANDBOX}; default-src 'none'; img-src 'self' https:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def create_app(desk: Desk, issue: date, token: str) -> Starlette:
    """The preview as an application; ``app.state.live.close()`` ends its streams."""
    preview = _Preview(Live(desk, issue))
    app = Starlette(
        routes=[
            Route("/", preview.page, methods=["GET"]),
            Route("/mail", preview.mail, methods=["GET"]),
            Route("/text", preview.text, methods=["GET"]),
            Route("/state.json", preview.state, methods=["GET"]),
            Route("/events", preview.events, methods=["GET"]),
            Route("/images/{name:path}", preview.picture, methods=["GET"]),
            Route("/assets/{name}", preview.asset, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, token=token)],
        lifespan=preview.running,
    )
    app.state.live = preview.live
    return app


def serve(desk: Desk, issue: date, port: int, open_browser: bool) -> None:
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
    configuration = uvicorn.Config(app, log_level="warning", ws="none", server_header=False)
    with contextlib.suppress(KeyboardInterrupt):
        _Server(configuration).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Ends the event streams first, for which uvicorn would wait."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cast(Starlette, self.config.app).state.live.close()
        await super().shutdown(sockets)


def _listen(port: int) -> socket.socket:
    """A socket on the port, or the next free one."""
    candidates = [port + more for more in range(PORTS_TO_TRY)] if port else []
    for candidate in (*candidates, 0):
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, candidate))
            listening.listen()
        except (OSError, OverflowError):
            listening.close()
            if candidate == 0:
                raise
        else:
            return listening
    raise AssertionError("unreachable")


class _Preview:
    """What each address answers."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.pages = Environment(
            loader=FileSystemLoader(_PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    @contextlib.asynccontextmanager
    async def running(self, _: Starlette) -> AsyncIterator[None]:
        """Follow the files while the server runs; the first page waits for the first build."""
        first = asyncio.Event()
        following = asyncio.create_task(self.live.follow(first))
        await first.wait()
        yield
        self.live.close()
        await following
