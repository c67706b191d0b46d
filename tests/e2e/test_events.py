"""Signed events at the door of ``serve``: what they settle, and what they must not."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import patient
from tests.e2e.send_processes import ISSUE, edit, got, numbers, running, through_sendgrid, until
from tests.e2e.servers import SendgridServer, closed_port, refused, reset
from tests.newsroom import Newsroom

Post = Callable[..., int]


@contextlib.contextmanager
def serving(room: Newsroom) -> Iterator[Post]:
    """``newsletter serve``, and what posts signed events to it; gives the status."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    room.environment["SENDGRID_EVENT_PUBLIC_KEY"] = base64.b64encode(public).decode()
    port = closed_port()
    url = f"http://127.0.0.1:{port}/events/sendgrid"

    def post(*events: Any, signed: bytes | None = None, raw: bytes | None = None) -> int:
        body = raw if raw is not None else json.dumps(events).encode()
        told = body if signed is None else signed
        signature = private.sign(b"1751900000" + told, ec.ECDSA(hashes.SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": "1751900000",
        }
        return patient.post(url, content=body, headers=headers).status_code

    def up() -> bool:
        try:
            return patient.get(url).status_code == 405
        except httpx.HTTPError:
            return False

    with running(room, "serve", "--port", str(port)):
        until(up)
        yield post


def event(body: dict[str, Any], kind: str, entry: int = 0, **changes: str) -> dict[str, Any]:
    """What SendGrid tells of one recipient in a request that it has taken."""
    person = body["personalizations"][entry]
    told = {"email": person["to"][0]["email"], "timestamp": 1751900000, "event": kind}
    return {**told, "sg_event_id": f"{kind}-{entry}", **person["custom_args"], **changes}


def test_an_event_settles_a_whole_batch_that_was_in_doubt(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    newsroom.prepare(ISSUE, readers=6)
    through_sendgrid(newsroom, server, "hold")
    server.script = {1: reset(taken=True), 2: reset(taken=True)}
    assert numbers(newsroom.json("send", ISSUE, "--yes", status=1)) == {
        "accepted": 2,
        "in_doubt": 4,
    }
    first, second, third = server.bodies

    def now() -> dict[str, int]:
        return numbers(newsroom.json("receipt", ISSUE))

    with serving(newsroom) as post:
        assert post(event(first, "delivered", nb_newsletter="another-letter")) == 200
        assert post(event(first, "delivered", nb_issue="2030-01-14")) == 200
        assert post(event(first, "delivered", nb_send="77")) == 200
        assert post({"event": "delivered", "timestamp": 1}, {"nb_delivery": "9" * 30}) == 200
        genuine = json.dumps([event(first, "delivered")]).encode()
        assert post(event(first, "delivered"), signed=b"something else") == 403
        assert post(raw=genuine + b" " * 4_000_001) == 413
        assert post(raw=b"no json") == 403
        assert now() == {"accepted": 2, "in_doubt": 4}
        assert post(raw=genuine) == 200
        assert now() == {"accepted": 4, "in_doubt": 2}
        late = [event(third, "open"), event(first, "delivered"), event(first, "processed", 1)]
        assert post(*late) == post(*late) == 200
        assert now() == {"accepted": 4, "in_doubt": 2}
        assert post(event(second, "processed", 1), event(second, "bounce")) == 200
        assert now() == {"accepted": 6}
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 6}
    assert len(got(server)) == 6


def test_an_event_of_what_was_taken_back_counts_only_when_the_mail_has_left(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    newsroom.prepare(ISSUE, readers=2)
    through_sendgrid(newsroom, server)
    server.script = {1: reset(taken=True), 2: refused(401)}  # paused with both planned anew
    assert "is paused" in newsroom.run("send", ISSUE, "--yes", status=1).stderr
    assert numbers(newsroom.json("receipt", ISSUE)) == {"waiting": 2}
    (body,) = server.bodies
    with serving(newsroom) as post:
        assert post(event(body, "processed"), event(body, "processed", 1)) == 200
        assert numbers(newsroom.json("receipt", ISSUE)) == {"waiting": 2}
        assert post(event(body, "delivered")) == 200
        assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 1, "waiting": 1}
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": 2}
    (other,) = server.bodies[1:]
    assert [entry["to"] for entry in other["personalizations"]] == [
        body["personalizations"][1]["to"]
    ]


def test_the_door_stays_open_while_the_database_is_busy(
    newsroom: Newsroom, server: SendgridServer
) -> None:
    import sqlite3

    newsroom.prepare(ISSUE, readers=2)
    url = '[database]\nurl = "sqlite:///newsletter.db?timeout=1"\n'
    through_sendgrid(newsroom, server, "hold", url)
    server.script = {1: reset(taken=True)}
    newsroom.run("send", ISSUE, "--yes", status=1)
    (body,) = server.bodies
    with serving(newsroom) as post:
        with contextlib.closing(sqlite3.connect(newsroom.folder / "newsletter.db")) as busy:
            busy.execute("begin immediate")
            assert post(event(body, "delivered")) == 503  # the provider repeats it
            busy.rollback()
        assert edit(newsroom, "select state from deliveries") == [("in_doubt",)] * 2
        assert post(event(body, "delivered")) == 200
    assert numbers(newsroom.json("receipt", ISSUE)) == {"accepted": 2}


def test_events_without_a_key_or_of_another_provider_are_refused(newsroom: Newsroom) -> None:
    with serving(newsroom) as post:
        assert post({"event": "delivered"}) == 403
