"""Posting to a secret address, on a real server: what is taken, refused, and who is told."""

from __future__ import annotations

import logging
import time

import pytest

from newsletter.errors import FetchError
from newsletter.http.webhooks import post_json
from tests.e2e.servers import closed_port
from tests.e2e.webhook_server import webhook
from tests.patient import PATIENCE


def test_the_document_arrives_and_no_log_names_the_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook() as hook:
        post_json(hook.url, {"text": "안녕 “you”"}, "The webhook")
        assert hook.posts == [{"text": "안녕 “you”"}]
    assert "a-secret-path" not in caplog.text


@pytest.mark.parametrize("status", [301, 307, 400, 404, 410, 500])
def test_every_answer_but_2xx_is_an_error_and_redirects_are_not_followed(status: int) -> None:
    with webhook() as hook:
        hook.status = status
        with pytest.raises(FetchError, match=f"^The webhook answered {status}") as caught:
            post_json(hook.url, {}, "The webhook")
        assert "a-secret-path" not in str(caught.value)
        assert hook.asked == [("POST", "/services/a-secret-path")]


def test_a_server_that_never_comes_to_an_end_is_left() -> None:
    with webhook() as hook:
        hook.drip = True
        begun = time.monotonic()
        with pytest.raises(FetchError, match=r"did not answer within 0\.5 seconds"):
            post_json(hook.url, {}, "The webhook", timeout=0.5)
        assert time.monotonic() - begun < PATIENCE
        hook.drip = False


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://127.0.0.1/x-secret",
        "http://",
        "https://x-secret.invalid/x",
        "http://[x",
    ],
)
def test_what_is_no_address_is_said_without_it(url: str) -> None:
    with pytest.raises(FetchError, match=r"^The webhook ") as caught:
        post_json(url, {}, "The webhook")
    assert "secret" not in str(caught.value)


def test_nobody_there() -> None:
    with pytest.raises(FetchError, match=r"^The webhook cannot be reached: "):
        post_json(f"http://127.0.0.1:{closed_port()}/", {}, "The webhook")
