"""The public side: whatever the outside may ask of us, put together. Nothing of editors is here."""

from __future__ import annotations

import uvicorn
from starlette.applications import Starlette

from newsletter.app import Desk
from newsletter.web import approval, openapi, reports
from newsletter.web.current import Current


def create_app(desk: Desk) -> Starlette:
    """The public side as an application."""
    current = Current(desk)
    app = Starlette(routes=[*reports.routes(current), *approval.routes(current), *openapi.routes()])
    app.router.redirect_slashes = False  # behind another server it knows no address to lead to
    return app


def serve(desk: Desk, host: str, port: int) -> None:
    """Answer until Ctrl-C or SIGTERM."""
    uvicorn.run(
        create_app(desk),
        host=host,
        port=port,
        log_level="warning",
        log_config=None,  # what it says goes into our log, as that is written
        server_header=False,
    )
