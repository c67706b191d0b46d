"""Receive a provider's events. They are stored before the request is answered."""

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

MAX_BYTES = 4_000_000  # of a request; SendGrid's are far smaller

log = logging.getLogger(__name__)


def routes(current: Callable[[], Desk]) -> list[Route]:
    """The route to which each provider posts its events."""

    async def events(request: Request) -> Response:
        """200 once the events are stored. The provider repeats a request with another status."""
        name = request.path_params["name"]
        if name not in provider_events.endpoints(current()):
            raise HTTPException(404)
        body = await _body(request)
        if body is None:
            return PlainTextResponse("The request is too large.\n", 413)
        try:
            counts = await run_in_threadpool(
                provider_events.receive, current(), name, request.headers, body
            )
        except ProviderError as error:
            log.warning("%s", error)
            return PlainTextResponse("The request is not from the provider.\n", 403)
        except NewsletterError as error:
            log.error("%s", error)  # noqa: TRY400 - the message needs no traceback
            return PlainTextResponse("The events could not be stored. Try again later.\n", 503)
        if counts.settled:
            log.info("Events show that %d readers in doubt have the mail", counts.settled)
        return PlainTextResponse("Stored.\n")

    return [Route(openapi.EVENTS, events, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """The whole body; None if it is larger than MAX_BYTES."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)
