"""``/healthz``, for what watches the service on this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from newsletter.web.headers import Headers
from newsletter.web.listening import listen
from newsletter.web.public.timeouts import TimeoutProtocol

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Connection": "close"}
_OPTIONS: dict[str, Any] = {"http": TimeoutProtocol, "ws": "none", "lifespan": "off"}
_LOG: dict[str, Any] = {"log_level": "warning", "log_config": None, "access_log": False}


def serve(port: int, health: Callable[[], tuple[bool, object]]) -> int:
    """Answer on 127.0.0.1 from a thread until the process ends; returns the port.

    200 if ``health`` says that all is well, else 503, with its document as JSON. Port 0 is any
    that is free. Raises UsageError if it cannot listen there.
    """

    async def healthz(request: Request) -> JSONResponse:
        if request.headers.get("Host", "").partition(":")[0] not in ("127.0.0.1", "localhost", ""):
            return JSONResponse({"reason": "Ask for http://127.0.0.1/healthz on this port."}, 400)
        well, document = health()
        return JSONResponse(document, 200 if well else 503)

    listening = listen("127.0.0.1", port, option="--health")
    app = Headers(Starlette(routes=[Route("/healthz", healthz)]), _HEADERS)
    server = _Server(uvicorn.Config(app, **_OPTIONS, **_LOG))
    threading.Thread(target=server.run, args=([listening],), name="health", daemon=True).start()
    return int(listening.getsockname()[1])


class _Server(uvicorn.Server):
    async def main_loop(self) -> None:
        """Wait for the end of the process; uvicorn's own loop wakes up ten times a second."""
        await asyncio.Event().wait()
