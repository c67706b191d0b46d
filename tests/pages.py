"""The public pages of a newsletter, without a socket between: ``visit`` is one request."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from newsletter.app import Desk
from newsletter.web.public.server import create_app


def visit(desk: Desk, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    """What the newsletter answers; ``path`` may be a whole address out of a mail."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(desk))  # type: ignore[arg-type]
        base = desk.config.newsletter.base_url or "http://127.0.0.1"
        async with httpx.AsyncClient(transport=transport, base_url=base) as browser:
            return await browser.request(method, path, **more)

    return asyncio.run(ask())
