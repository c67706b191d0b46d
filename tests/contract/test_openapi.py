"""What is served for programs is as its own description says, whatever they send."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.app import Desk, open_desk
from newsletter.web.public import server
from tests.e2e.servers import KEY
from tests.e2e.signed_events import Signer
from tests.newsroom import CONFIG

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def at_home(app: ASGIApp) -> ASGIApp:
    """The application, asked by the host of its newsletter."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        others = [each for each in scope["headers"] if each[0] != b"host"]
        await app({**scope, "headers": [*others, (b"host", b"news.example.com")]}, receive, send)

    return asked


class Signed:
    """The application behind a provider that signs whatever comes."""

    def __init__(self, app: ASGIApp, signer: Signer) -> None:
        self._app, self._signer = app, signer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        signed = self._signer.headers(body)
        kept = [h for h in scope["headers"] if not h[0].startswith(b"x-twilio")]
        scope["headers"] = [*kept, *((k.lower().encode(), v.encode()) for k, v in signed.items())]

        async def whole() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, whole, send)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("public")
    (folder / "newsletter.toml").write_text(CONFIG + '[provider]\ntype = "sendgrid"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENDGRID_API_KEY", KEY)
        patch.setenv("SENDGRID_EVENT_PUBLIC_KEY", SIGNER.public())
        opened = open_desk(folder)
        yield opened
        opened.close()


SIGNER = Signer()


def try_all(app: ASGIApp) -> list[tuple[str, int]]:
    """Ask in every way that the description allows, and does not; where, and the status."""
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", app, headers={"Host": "news.example.com"}
    )
    modes = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]
    answers = []
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in modes:

            @QUICK
            @given(case=operation.as_strategy(generation_mode=mode))
            def ask(case: schemathesis.Case) -> None:
                answer = case.call_and_validate(checks=CHECKS)
                answers.append((case.operation.path, answer.status_code))

            with contextlib.suppress(Unsatisfiable):  # nothing can be wrong where nothing is asked
                ask()
    return answers


def test_what_anybody_sends_is_answered_as_described(desk: Desk) -> None:
    answers = try_all(at_home(server.create_app(desk)))
    assert {status for path, status in answers if path.startswith("/events")} == {403}


def test_what_the_provider_signs_is_answered_as_described(desk: Desk) -> None:
    answers = try_all(at_home(Signed(server.create_app(desk), SIGNER)))
    assert {status for path, status in answers if path.startswith("/events")} == {200, 403}


async def described(app: ASGIApp) -> dict[str, Any]:
    door = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1") as client:
        found: dict[str, Any] = (await client.get("/openapi.json")).json()
        return found


def test_the_description_names_what_is_served(desk: Desk) -> None:
    found = asyncio.run(described(server.create_app(desk)))
    assert set(found["paths"]) == {"/events/sendgrid", "/healthz", "/openapi.json"}
