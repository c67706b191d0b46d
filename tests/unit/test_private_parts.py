"""The parts of packages that we override although nobody promises them.

pyproject.toml bounds these packages. Where a test fails with a new version, adapt the module that
it names; where all pass, raise the bound.
"""

from __future__ import annotations

import asyncio
import inspect
import smtplib
import socket
from collections.abc import Callable
from typing import Any

import h11
import premailer
import pytest
import uvicorn
from python_http_client.client import Client, Response
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState


def require(condition: object, part: str, module: str) -> None:
    assert condition, f"{part} has changed. newsletter/{module} relies on it: adapt that module."


def parameters(function: Callable[..., object]) -> list[str]:
    return list(inspect.signature(function).parameters)


# premailer: the rules of a style sheet are read once (render/css_inliner.py).

INLINING = "render/css_inliner.py"


def test_premailer_reads_the_rules_of_a_sheet_in_a_method_that_can_be_overridden() -> None:
    read = getattr(premailer.Premailer, "_parse_style_rules", None)
    part = "premailer.Premailer._parse_style_rules(css_body, ruleset_index)"
    require(read and parameters(read) == ["self", "css_body", "ruleset_index"], part, INLINING)
    settings = {"disable_validation": True, "strip_important": False}
    css = "p { color: red !important } a:hover { color: blue }"
    lists = premailer.Premailer("<p>", **settings)._parse_style_rules(css, 3)
    require([type(item) for item in lists] == [list, list], part, INLINING)

    sheets: list[tuple[str, int]] = []

    class Overriding(premailer.Premailer):  # type: ignore[misc]
        def _parse_style_rules(self, css_body: str, ruleset_index: int) -> Any:
            sheets.append((css_body, ruleset_index))
            return tuple(lists)

    style = "<style>em { color: green }</style>"
    html = Overriding(f"<html><head>{style}</head><body><p>x</p></body></html>").transform()
    require(sheets == [("em { color: green }", 0)], part, INLINING)
    require("color:red" in html and "green" not in html, part, INLINING)


@pytest.mark.parametrize(
    "option",
    [
        "allow_network", "strip_important", "disable_validation", "align_floating_images",
        "disable_basic_attributes", "keep_style_tags", "remove_classes", "cssutils_logging_level",
    ],
)  # fmt: skip
def test_premailer_has_the_options_that_we_set(option: str) -> None:
    known = parameters(premailer.Premailer.__init__)
    require(option in known, f"premailer's option {option}", INLINING)


# uvicorn: connections with an end (web/public/timeouts.py), streams that are closed at the first
# Ctrl-C (web/preview/server.py).

TIMEOUTS = "web/public/timeouts.py"
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n"


class Recording(H11Protocol):
    """Notes which methods uvicorn calls, and how the connection stands then."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.calls: list[str] = []
        self.bodies: list[bool] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.calls.append("connection_made")

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.calls.append("data_received")
        open_ = self.cycle is not None and not self.cycle.response_complete
        self.bodies.append(open_ and self.conn.their_state is h11.SEND_BODY)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.calls.append("on_response_complete")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.calls.append("connection_lost")

    def _should_upgrade(self) -> bool:
        self.calls.append("_should_upgrade")
        return False


async def answer(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def post_in_two_parts() -> Recording:
    loop = asyncio.get_running_loop()
    config = uvicorn.Config(answer, ws="none", lifespan="off", log_config=None)
    config.load()
    protocol = Recording(config, ServerState(), {}, loop)
    server = await loop.create_server(lambda: protocol, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(REQUEST)
    async with asyncio.timeout(60):
        while not protocol.bodies:
            await asyncio.sleep(0.01)
        require(len(protocol.connections) == 1, "H11Protocol.connections", TIMEOUTS)
        require(protocol.loop is loop, "H11Protocol.loop", TIMEOUTS)
        writer.write(b"ab")
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        protocol.transport.abort()
        while "connection_lost" not in protocol.calls:
            await asyncio.sleep(0.01)
    writer.close()
    server.close()
    return protocol


def test_uvicorn_calls_the_methods_of_its_protocol_that_we_override() -> None:
    protocol = asyncio.run(post_in_two_parts())
    part = "uvicorn.protocols.http.h11_impl.H11Protocol"
    assert protocol.calls == [
        "connection_made",
        "_should_upgrade",
        "data_received",
        "data_received",
        "on_response_complete",
        "connection_lost",
    ], f"{part} has changed. newsletter/{TIMEOUTS} relies on it: adapt that module."
    require(protocol.bodies == [True, False], f"{part}.cycle or its conn", TIMEOUTS)


def test_uvicorn_ends_a_server_with_a_method_that_can_be_overridden() -> None:
    shutdown = getattr(uvicorn.Server, "shutdown", None)
    good = inspect.iscoroutinefunction(shutdown) and parameters(shutdown) == ["self", "sockets"]
    require(good, "uvicorn.Server.shutdown(sockets)", "web/preview/server.py")


def test_uvicorn_serves_in_a_method_that_can_be_overridden() -> None:
    class Still(uvicorn.Server):
        async def main_loop(self) -> None:
            loops.append(self.started)

    loops = list[bool]()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(Starlette(), log_config=None, lifespan="off", ws="none")
        Still(config).run(sockets=[listening])
    require(loops == [True], "uvicorn.Server.main_loop()", "web/health.py")


# python_http_client: the surface of SendGrid's API on a transport of our own.

SENDGRID = "providers/sendgrid/client.py"


def test_python_http_client_builds_addresses_in_methods_that_can_be_overridden() -> None:
    class Overriding(Client):  # type: ignore[misc]
        def _build_client(self, name: str | None = None) -> Overriding:
            path = [*self._url_path, name] if name else self._url_path
            return Overriding(
                self.host, request_headers=self.request_headers, version=3, url_path=path
            )

    client = Overriding("https://x.example", request_headers={"a": "b"}, version=3, url_path=[])
    inner = client.user.scheduled_sends._("an id")
    part = "python_http_client.Client"
    require(hasattr(Client, "_build_url"), f"{part}._build_url(query_params)", SENDGRID)
    require(type(inner) is Overriding, f"{part}._build_client(name)", SENDGRID)
    require(inner.request_headers == {"a": "b"}, f"{part}.request_headers", SENDGRID)
    require(inner._url_path == ["user", "scheduled_sends", "an id"], f"{part}._url_path", SENDGRID)
    address = "https://x.example/v3/user/scheduled_sends/an id?q=1"
    require(inner._build_url({"q": 1}) == address, f"{part}._build_url(query_params)", SENDGRID)
    require({"get", "post"} <= set(Client.methods), f"{part}.methods", SENDGRID)


def test_python_http_client_reads_an_answer_by_three_methods() -> None:
    class Opened:
        def getcode(self) -> int:
            return 202

        def read(self) -> bytes:
            return b"{}"

        def info(self) -> dict[str, str]:
            return {"X-Message-Id": "1"}

    response = Response(Opened())
    values = (response.status_code, response.body, response.headers)
    good = values == (202, b"{}", {"X-Message-Id": "1"})
    require(good, "python_http_client.Response(response)", SENDGRID)


# smtplib, of Python itself: one time limit for all addresses of a host (providers/smtp/client.py).


@pytest.mark.parametrize("base", [smtplib.SMTP, smtplib.SMTP_SSL])
def test_smtplib_connects_in_a_method_that_can_be_overridden(base: type[smtplib.SMTP]) -> None:
    places: list[tuple[str, int, float]] = []

    class Connecting(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            places.append((host, port, timeout))
            raise ConnectionRefusedError

    client = type("Client", (Connecting,) if base is smtplib.SMTP else (base, Connecting), {})
    with pytest.raises(ConnectionRefusedError):
        client("mail.example", 25, "own.example", timeout=7)
    part = "smtplib.SMTP._get_socket(host, port, timeout)"
    require(places == [("mail.example", 25, 7)], part, "providers/smtp/client.py")
