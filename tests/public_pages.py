"""The public pages of a newsletter: one request without a socket between, or a real server."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from newsletter.app import Desk
from newsletter.web.public.server import OPTIONS, create_app
from tests.patient import PATIENCE


def visit(desk: Desk, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    """What the newsletter answers; ``path`` may be a whole address out of a mail."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(desk))  # type: ignore[arg-type]
        base = desk.config.newsletter.base_url or "http://127.0.0.1"
        async with httpx.AsyncClient(transport=transport, base_url=base) as browser:
            return await browser.request(method, path, **more)

    return asyncio.run(ask())


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The public pages behind a real server, until the block ends; where it answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(desk), **OPTIONS))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
