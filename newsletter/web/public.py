"""What the outside may ask of us: a provider reports what became of mails, an editor approves."""

from __future__ import annotations

import logging

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.app import Desk, reporting
from newsletter.errors import NewsletterError, ProviderError
from newsletter.web import approval
from newsletter.web.current import Current

MOST = 4_000_000  # bytes of a request; SendGrid's own are far below

log = logging.getLogger(__name__)


def create_app(desk: Desk) -> Starlette:
    """The public side as an application."""
    current = Current(desk)

    async def events(request: Request) -> Response:
        """200 once it is kept; the provider repeats whatever got anything else."""
        body = await _body(request)
        if body is None:
            return PlainTextResponse("The request is too large.\n", 413)
        try:
            settled = await run_in_threadpool(reporting.take, current(), request.headers, body)
        except ProviderError as error:
            log.warning("%s", error)
            return PlainTextResponse("This is not a request of the provider's.\n", 403)
        except NewsletterError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            return PlainTextResponse("Not now.\n", 503)
        if settled:
            log.info("%d readers of whom was nothing known have the mail", settled)
        return PlainTextResponse("Kept.\n")

    app = Starlette(
        routes=[Route("/events/sendgrid", events, methods=["POST"]), *approval.routes(current)]
    )
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


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is larger than any of a provider's."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            return None
    return body
