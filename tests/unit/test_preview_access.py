"""Who the preview answers: a browser on this machine that was given the token of this start."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.web.preview.access import ACTIONS, AccessGuard

TOKEN, HERE = "the-token-of-this-start", "http://127.0.0.1:8025"
COOKIE = {"Cookie": f"preview-8025={TOKEN}"}
reached: list[str] = []


def page(request: Request) -> Response:
    reached.append(f"{request.method} {request.url.path}")
    more = {"Content-Security-Policy": "its own"} if request.url.path == "/strict" else {}
    return PlainTextResponse("the page", headers=more)


PAGES = [Route("/{path:path}", page, methods=["GET", "POST", "PUT", "DELETE"])]


def ask(path: str, method: str = "GET", host: str = HERE, **headers: str) -> httpx.Response:
    """What the guard answers; ``reached`` has the request where the page itself has answered."""
    reached.clear()

    async def visit() -> httpx.Response:
        app: Any = AccessGuard(Starlette(routes=PAGES), TOKEN)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=host) as browser:
            return await browser.request(method, path, headers=headers)

    return asyncio.run(visit())


def test_the_address_that_was_printed_opens_it_and_leaves_a_cookie() -> None:
    answer = ask(f"/?token={TOKEN}")
    assert (answer.status_code, answer.text) == (200, "the page")
    kept = answer.headers["Set-Cookie"]
    assert kept.startswith(f"preview-8025={TOKEN};")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(kept.split("; "))


def test_afterwards_the_cookie_is_enough_and_is_not_given_again() -> None:
    for path in ("/", "/desktop", f"/?token={TOKEN}x"):
        answer = ask(path, **COOKIE)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert ask("/", host="http://localhost:8025", **COOKIE).status_code == 200


@pytest.mark.parametrize(
    ("path", "cookie"),
    [
        ("/", ""),
        ("/?token=", ""),
        ("/?token=another", ""),
        (f"/?token={TOKEN[:-1]}", ""),
        (f"/?token={TOKEN.upper()}", ""),
        ("/?token=%ED%95%9C", ""),
        (f"/?other={TOKEN}", ""),
        ("/", f"preview-8026={TOKEN}"),  # of a preview on another port
        ("/", f"preview={TOKEN}"),
        ("/", "preview-8025="),
        ("/", "preview-8025=another"),
    ],
)
def test_nobody_else_sees_anything(path: str, cookie: str) -> None:
    answer = ask(path, Cookie=cookie)
    assert answer.status_code == 403
    assert reached == []
    assert "Set-Cookie" not in answer.headers
    assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com", "evil.example.com:8025", "127.0.0.1", "127.0.0.1:8026", "localhost",
        "localhost:80", "127.0.0.1.evil.example.com:8025", "0.0.0.0:8025", "[::1]:8025", "",
    ],
)  # fmt: skip
def test_another_host_is_refused_whatever_it_knows(host: str) -> None:
    answer = ask(f"/?token={TOKEN}", Host=host, **COOKIE)
    assert answer.status_code == 400
    assert reached == []
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("action", ["/test", "/approve", "/unapprove"])
def test_what_does_something_is_posted_by_the_page_itself(action: str) -> None:
    assert action in ACTIONS
    for host in (HERE, "http://localhost:8025"):
        assert ask(action, "POST", host, Origin=host, **COOKIE).status_code == 200
    assert reached == [f"POST {action}"]


@pytest.mark.parametrize("action", ["/test", "/approve", "/unapprove"])
@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example.com", "http://127.0.0.1:8026", "https://127.0.0.1:8025",
     "http://localhost:8025", "http://127.0.0.1:8025.evil.example.com", "127.0.0.1:8025"],
)  # fmt: skip
def test_another_page_can_do_nothing(action: str, origin: str | None) -> None:
    headers = COOKIE | ({"Origin": origin} if origin else {})
    answer = ask(f"{action}?token={TOKEN}", "POST", **headers)
    assert answer.status_code == 403
    assert reached == []


def test_the_right_origin_alone_does_nothing_either() -> None:
    assert ask("/approve", "POST", Origin=HERE).status_code == 403
    assert reached == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET"), ("PUT", "/", "GET"), ("DELETE", "/desktop", "GET"),
        ("POST", "/test/", "GET"), ("GET", "/test", "POST"), ("GET", "/approve", "POST"),
        ("GET", "/unapprove", "POST"), ("PUT", "/approve", "POST"), ("HEAD", "/approve", "POST"),
    ],
)  # fmt: skip
def test_each_address_knows_one_method(method: str, path: str, allowed: str) -> None:
    answer = ask(f"{path}?token={TOKEN}", method, Origin=HERE, **COOKIE)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert reached == []


def test_every_answer_has_the_strictest_headers_where_the_page_has_none_of_its_own() -> None:
    for answer in (ask("/", **COOKIE), ask("/"), ask("/", Host="evil"), ask("/", "PUT")):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert ask("/strict", **COOKIE).headers["Content-Security-Policy"] == "its own"
