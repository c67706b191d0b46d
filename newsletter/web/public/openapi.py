"""The OpenAPI 3.1 description of the public addresses that are for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from newsletter import __version__

PATH = "/openapi.json"
EVENTS = "/events/{name}"


def routes(providers: Callable[[], Iterable[str]], *other_paths: str) -> list[Route]:
    """The route of the description of the application that contains it.

    ``providers`` returns the names of the providers whose events are accepted. ``other_paths`` are
    served outside the application's routes.
    """

    async def openapi(request: Request) -> Response:
        return JSONResponse(document(request.app.routes, providers(), other_paths))

    return [Route(PATH, openapi)]


def document(
    routes: Iterable[BaseRoute], providers: Iterable[str], other_paths: Iterable[str] = ()
) -> dict[str, Any]:
    """The description of those routes and paths that are for programs."""
    paths = {route.path for route in routes if isinstance(route, Route)} | {*other_paths}
    described = {path: item for path, item in _PATHS.items() if path in paths}
    if EVENTS in paths:
        described |= {EVENTS.format(name=name): _events(name) for name in providers}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Newsletter Desk",
            "version": __version__,
            "description": "Events from email providers, and the health of the service.",
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


_WRONG_HOST = _text("No newsletter of this server has that host.")
_STRING = {"type": "string"}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event. It may have further keys of the provider.",
    "properties": {
        "event": {**_STRING, "description": "processed, delivered, bounce, open, click, …"},
        "timestamp": {"type": "number", "description": "Seconds since 1970."},
        "email": _STRING,
        "sg_event_id": {**_STRING, "description": "Events with the same id count once."},
        "nb_newsletter": _STRING,
        "nb_issue": _STRING,
        "nb_send": _STRING,
        "nb_batch": _STRING,
        "nb_delivery": {**_STRING, "description": "Without it the event is about an address."},
        "type": {**_STRING, "description": "For a bounce: bounce or blocked."},
        "reason": _STRING,
        "url": {**_STRING, "description": "For a click: the link."},
        "useragent": _STRING,
        "sg_machine_open": {"type": "boolean"},
    },
    "required": ["event", "timestamp"],
}
_SENDGRID: dict[str, Any] = {
    "operationId": "takeEvents",
    "summary": "Receive the events of SendGrid's signed Event Webhook",
    "parameters": [
        _header(
            "X-Twilio-Email-Event-Webhook-Signature",
            "ECDSA (P-256, SHA-256) over the timestamp and the raw body, base64 of DER.",
        ),
        _header("X-Twilio-Email-Event-Webhook-Timestamp", "The timestamp that is signed."),
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
        "summary": f"Receive the events of {name}'s webhook",
        "requestBody": {"required": True, "content": {"*/*": {}}},
    }
    responses = {
        "200": _text("The events are stored. Repeated events change nothing."),
        "403": _text("The request is not from the provider, or is not a list of events."),
        "413": _text("The request is too large."),
        "421": _WRONG_HOST,
        "503": _text("The events could not be stored. Repeat the request."),
    }
    return {"post": {**(_SENDGRID if name == "sendgrid" else described), "responses": responses}}


_PATHS: dict[str, Any] = {
    "/healthz": {
        "get": {
            "operationId": "health",
            "summary": "The health of the service",
            "responses": {
                "200": _json("The service is healthy.", {"type": "object"}),
                "503": _json("The service is not healthy, and why.", {"type": "object"}),
            },
        }
    },
    PATH: {
        "get": {
            "operationId": "describe",
            "summary": "This description",
            "responses": {
                "200": _json("The description.", {"type": "object"}),
                "421": _WRONG_HOST,
            },
        }
    },
}
