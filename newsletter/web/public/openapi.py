"""What programs may ask of the public side, described as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from newsletter import __version__

PATH = "/openapi.json"
EVENTS = "/events/{name}"


def routes(reporting: Callable[[], Iterable[str]], *besides: str) -> list[Route]:
    """The description, of the application in which this route stands.

    ``reporting``: the names of the providers whose events are taken; ``besides``: paths that are
    answered before it is asked.
    """

    async def openapi(request: Request) -> Response:
        return JSONResponse(document(request.app.routes, reporting(), besides))

    return [Route(PATH, openapi)]


def document(
    served: Iterable[BaseRoute], reporting: Iterable[str], besides: Iterable[str] = ()
) -> dict[str, Any]:
    """The description of those among these routes and paths that are for programs."""
    paths = {route.path for route in served if isinstance(route, Route)} | {*besides}
    described = {path: item for path, item in _PATHS.items() if path in paths}
    if EVENTS in paths:
        described |= {EVENTS.format(name=name): _events(name) for name in reporting}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Newsletter Desk",
            "version": __version__,
            "description": "What a provider reports, and what watches the service.",
        },
        "paths": described,
    }


def _text(description: str) -> dict[str, Any]:
    content = {"text/plain": {"schema": {"type": "string"}}}
    return {"description": description, "content": content}


def _json(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }


_ELSEWHERE = _text("No newsletter of this server has that host.")
_WORDS = {"type": "string"}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event. Others of the provider's keys may be in it.",
    "properties": {
        "event": {**_WORDS, "description": "processed, delivered, bounce, open, click, …"},
        "timestamp": {"type": "number", "description": "Seconds since 1970."},
        "email": _WORDS,
        "sg_event_id": {**_WORDS, "description": "The same event is the same id; it counts once."},
        "nb_newsletter": _WORDS,
        "nb_issue": _WORDS,
        "nb_send": _WORDS,
        "nb_batch": _WORDS,
        "nb_delivery": {**_WORDS, "description": "Without it the event is about an address."},
        "type": {**_WORDS, "description": "Of a bounce: bounce or blocked."},
        "reason": _WORDS,
        "url": {**_WORDS, "description": "Of a click."},
        "useragent": _WORDS,
        "sg_machine_open": {"type": "boolean"},
    },
    "required": ["event", "timestamp"],
}
_SENDGRID: dict[str, Any] = {
    "operationId": "takeEvents",
    "summary": "Take what SendGrid's signed Event Webhook posts",
    "parameters": [
        _header(
            "X-Twilio-Email-Event-Webhook-Signature",
            "ECDSA (P-256, SHA-256) over the timestamp and the raw body, base64 of DER.",
        ),
        _header("X-Twilio-Email-Event-Webhook-Timestamp", "What was signed before the body."),
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": _EVENT}}},
    },
}


def _events(name: str) -> dict[str, Any]:
    """The path for the events of one provider."""
    described = {
        "operationId": f"takeEventsOf_{name}",
        "summary": f"Take what the webhook of {name} posts",
        "requestBody": {"required": True, "content": {"*/*": {}}},
    }
    responses = {
        "200": _text("Kept. What was known already changes nothing."),
        "403": _text("Not a request of the provider's, or no list of events."),
        "413": _text("Larger than any request of the provider's."),
        "421": _ELSEWHERE,
        "503": _text("Not kept: repeat it."),
    }
    return {"post": {**(_SENDGRID if name == "sendgrid" else described), "responses": responses}}


_PATHS: dict[str, Any] = {
    "/healthz": {
        "get": {
            "operationId": "health",
            "summary": "Whether the service is well",
            "responses": {
                "200": _json("It is.", {"type": "object"}),
                "503": _json("It is not, and why.", {"type": "object"}),
            },
        }
    },
    PATH: {
        "get": {
            "operationId": "describe",
            "summary": "This description",
            "responses": {"200": _json("It.", {"type": "object"}), "421": _ELSEWHERE},
        }
    },
}
