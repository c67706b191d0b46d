"""What a provider reports about mails: taken, and kept before it is answered."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.app import Desk
from newsletter.app.feedback import provider_events
from newsletter.errors import NewsletterError, ProviderError
from newsletter.web.public import openapi

MOST = 4_000_000  # bytes of a request; SendGrid's own are far below

log = logging.getLogger(__name__)


def routes(current: Callable[[], Desk]) -> list[Route]:
    """Where each provider reports to."""

    async def events(request: Request) -> Response:
        """200 once it is kept; the provider repeats whatever got anything else."""
        name = request.path_params["name"]
        if name not in provider_events.endpoints(current()):
            raise HTTPException(404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("The request is too large.\n", 413)
        try:
            taken = await run_in_threadpool(
                provider_events.receive, current(), name, request.headers, body
            )
        except ProviderError as error:
            log.warning("%s", error)
            return PlainTextResponse("This is not a request of the provider's.\n", 403)
        except NewsletterError as error:
            log.error("%s", error)  # noqa: TRY400 - the message says it all
            return PlainTextResponse("Not now.\n", 503)
        if taken.settled:
            log.info("%d readers of whom was nothing known have the mail", taken.settled)
        return PlainTextResponse("Kept.\n")

    return [Route(openapi.EVENTS, events, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """The whole body; None where it is larger than any of a provider's."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST:
            return None
    return bytes(body)
