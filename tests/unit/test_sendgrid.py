from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from newsletter.errors import ConfigError, ProviderError
from newsletter.model import Answer, Consequence, Event, Outcome
from newsletter.providers.sendgrid import SendgridProvider, client, payload
from tests.e2e.servers import (
    KEY,
    SendgridServer,
    Step,
    authority,
    bad_address,
    half_answer,
    hang,
    rate_limited,
    redirect,
    refused,
    reset,
    sendgrid_server,
)
from tests.patient import PATIENCE
from tests.sample_sends import a_recipient, a_send, readers

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Answer


def provider_for(url: str, **options: Any) -> SendgridProvider:
    model = SendgridProvider.Options.model_validate(
        {"type": "sendgrid", "base_url": url, **options}
    )
    return SendgridProvider(model, Path())


@pytest.fixture
def server(shared_data: Path) -> Iterator[SendgridServer]:
    with sendgrid_server(shared_data) as running:
        yield running


@pytest.fixture
def provider(server: SendgridServer, monkeypatch: pytest.MonkeyPatch) -> SendgridProvider:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    return provider_for(server.url)


# --- taking back ---


def test_a_wrong_key_says_nothing_of_what_can_be_taken_back(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    """With the right one it can be, as long as there is time."""
    server.asides = [refused(401)]
    answer = provider.recall("batch-0001")
    assert (answer.confirmed, answer.again) == (False, True)
    server.asides = [refused(403), refused(404)]
    answer = provider.recall("batch-0001")
    assert (answer.confirmed, answer.again) == (False, False)


# --- the request -------------------------------------------------------------------------


def test_the_body_of_a_request(provider: SendgridProvider, server: SendgridServer) -> None:
    batch = [a_recipient(1, name="Kim, Chul-su; Dr."), a_recipient(2, name="")]
    send = a_send()
    outcome = provider.submit(send, batch)
    assert outcome.reference == "message-1"
    assert server.violations == []
    (body,) = server.bodies
    assert body["content"] == [
        {"type": "text/plain", "value": send.text},
        {"type": "text/html", "value": send.html},
    ]
    assert body["from"] == {"email": "briefing@example.com", "name": "Katchup Briefing"}
    assert body["reply_to"] == {"email": "desk@example.com", "name": "The Desk"}
    assert body["categories"] == ["katchup-briefing", "2025-07-07"]
    assert body["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
        "ganalytics": {"enable": False},
    }
    first, second = body["personalizations"]
    assert first["to"] == [{"email": "reader1@example.com", "name": "Kim Chul-su Dr."}]
    assert second["to"] == [{"email": "reader2@example.com"}]
    assert first["substitutions"] == batch[0].tokens
    assert first["custom_args"] == {
        "nb_newsletter": "katchup-briefing",
        "nb_issue": "2025-07-07",
        "nb_send": "7",
        "nb_batch": "3",
        "nb_delivery": "1",
    }


def test_a_full_batch_in_order_on_one_connection(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    batch = readers(1000)
    for _ in range(2):
        assert set(provider.submit(a_send(), batch).answers.values()) == {ACCEPTED}
    assert [mail.email for mail in server.mails()] == [r.email for r in batch] * 2
    assert server.connections == 1
    outcome = provider.submit(a_send(), readers(1001))
    assert outcome.split
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert server.requests == 2


def test_the_events_of_a_test_are_nobody_s(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    provider.submit(a_send(test=True), [a_recipient(1)])
    assert server.violations == []
    arguments = server.mails()[0].custom_args
    assert arguments["nb_test"] == "1"
    assert "nb_delivery" not in arguments


def test_who_would_fail_the_whole_request_is_left_out(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    batch = [
        a_recipient(1),
        a_recipient(2, email="READER1@example.com"),
        a_recipient(3, tokens={"ndx-greeting-text-xdn": "가" * 4000}),
        a_recipient(4, email="철수@example.com"),
        a_recipient(5, unsubscribe_url="https://example.com/\u2028"),
        a_recipient(6, email="kim@한국.test"),
        a_recipient(7, name="half a letter: \ud800"),
    ]
    outcome = provider.submit(a_send(), batch)
    assert list(outcome.answers) == [1, 6, 2, 3, 4, 5, 7]
    assert [outcome.answers[n] for n in range(1, 7)] == [ACCEPTED, *[REJECTED] * 4, ACCEPTED]
    assert outcome.reasons[2] == "the address is twice in this request"
    assert "10,000" in outcome.reasons[3]
    assert "ASCII" in outcome.reasons[4]
    assert "link" in outcome.reasons[5]
    assert outcome.reasons[7] == "the name has a line break or another control character in it"
    assert server.violations == []
    assert [mail.email for mail in server.mails()] == [
        "reader1@example.com",
        "kim@xn--3e0b707e.test",
    ]


def test_nothing_is_posted_when_nobody_is_left(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    assert provider.submit(a_send(), [a_recipient(1, email="x")]).answers == {1: REJECTED}
    assert server.requests == 0


def test_what_is_too_large_is_split_without_posting(
    provider: SendgridProvider, server: SendgridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "MAX_BYTES", 10_000)
    outcome = provider.submit(a_send(), readers(50))
    assert outcome.split
    assert set(outcome.answers.values()) == {NOT_SENT}
    alone = provider.submit(a_send(html="x" * 10_000), readers(1))
    assert not alone.split
    assert alone.pause is not None
    assert "too large" in alone.pause
    assert server.requests == 0


# --- the answers -------------------------------------------------------------------------


def test_a_named_address_is_rejected_and_the_rest_may_go_again(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    server.script = {1: bad_address(1)}
    # The second is left out beforehand: SendGrid counts what it was given.
    batch = [a_recipient(1), a_recipient(2, email="x"), a_recipient(3), a_recipient(4)]
    outcome = provider.submit(a_send(), batch)
    assert outcome.answers == {1: NOT_SENT, 2: REJECTED, 3: REJECTED, 4: NOT_SENT}
    assert "valid address" in outcome.reasons[3]
    assert outcome.pause is None
    assert outcome.retry_after is None


@pytest.mark.parametrize("field", ["personalizations.2.to", "personalizations[2].to[0].email"])
def test_other_spellings_of_the_field(
    provider: SendgridProvider, server: SendgridServer, field: str
) -> None:
    server.script = {1: Step(400, ({"field": field, "message": "no"},))}
    answers = provider.submit(a_send(), readers(3)).answers
    assert list(answers.values()) == [NOT_SENT, NOT_SENT, REJECTED]


@pytest.mark.parametrize(
    "field", [None, "from.email", "personalizations.9.to.0.email", "personalizations.0.headers"]
)
def test_any_other_400_pauses(
    provider: SendgridProvider, server: SendgridServer, field: str | None
) -> None:
    server.script = {1: Step(400, ({"field": field, "message": "The from is wrong."},))}
    outcome = provider.submit(a_send(), readers(3))
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert outcome.pause is not None
    assert "The from is wrong." in outcome.pause


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_pauses_and_says_what_to_check(
    provider: SendgridProvider, server: SendgridServer, status: int
) -> None:
    server.script = {1: refused(status, f"the key {KEY} is wrong")}
    outcome = provider.submit(a_send(), readers(2))
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert outcome.pause is not None
    assert "SENDGRID_API_KEY and its Mail Send permission" in outcome.pause
    assert KEY not in str(outcome)


def test_a_redirect_is_not_followed(provider: SendgridProvider, server: SendgridServer) -> None:
    with sendgrid_server() as other:
        server.script = {1: redirect(other.url + "/v3/mail/send")}
        outcome = provider.submit(a_send(), readers(1))
        assert other.requests == 0
    assert outcome.answers == {1: NOT_SENT}
    assert outcome.pause is not None
    assert "redirect" in outcome.pause


def test_a_certificate_that_nobody_vouches_for_stops_the_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No waiting mends it; a person must hear of it."""
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    _, context = authority(tmp_path)
    with sendgrid_server(tls=context) as server:
        provider = provider_for(server.url)
        for outcome in (provider.submit(a_send(), readers(2)), provider.open_batch(readers(2))):
            assert isinstance(outcome, Outcome)
            assert set(outcome.answers.values()) == {NOT_SENT}
            assert outcome.pause is not None
            assert "CERTIFICATE_VERIFY_FAILED" in outcome.pause
            assert "_ssl.c" not in outcome.pause
            assert "SSL_CERT_FILE" in outcome.pause


def test_413_splits(provider: SendgridProvider, server: SendgridServer) -> None:
    server.script = {1: refused(413), 2: refused(413)}
    outcome = provider.submit(a_send(), readers(2))
    assert outcome.split
    assert outcome.pause is None
    assert provider.submit(a_send(), readers(1)).pause is not None


@pytest.mark.parametrize(
    ("seconds", "least", "most"), [(120, 110, 121), (None, 60, 60), (-500, 1, 1), (1e9, 3600, 3600)]
)
def test_429_waits_for_the_reset(
    provider: SendgridProvider,
    server: SendgridServer,
    seconds: float | None,
    least: float,
    most: float,
) -> None:
    server.script = {1: rate_limited(seconds)}
    outcome = provider.submit(a_send(), readers(2))
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert outcome.retry_after is not None
    assert least <= outcome.retry_after <= most
    assert outcome.pause is None


@pytest.mark.parametrize(
    "step",
    [
        refused(500),
        refused(503),
        refused(408),
        Step(204),
        reset(),
        reset(taken=True),
        half_answer(),
    ],
    ids=["500", "503", "408", "204", "reset in the request", "reset after it", "half an answer"],
)
def test_what_leaves_a_doubt_is_unknown(
    provider: SendgridProvider, server: SendgridServer, step: Step
) -> None:
    server.script = {1: step}
    outcome = provider.submit(a_send(), readers(3))
    assert set(outcome.answers.values()) == {UNKNOWN}
    assert outcome.reasons.keys() == {1, 2, 3}
    assert server.requests == 1  # nothing was posted again
    assert set(provider.submit(a_send(), readers(1)).answers.values()) == {ACCEPTED}


def test_no_answer_in_time_is_unknown(
    provider: SendgridProvider, server: SendgridServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "TIMEOUT", 0.2)
    server.script = {1: hang()}
    started = time.monotonic()
    assert provider.submit(a_send(), readers(1)).answers == {1: UNKNOWN}
    assert time.monotonic() - started < PATIENCE
    assert len(server.mails()) == 1


def test_without_a_connection_nothing_was_sent(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    provider.submit(a_send(), readers(1))
    server.close()
    outcome = provider.submit(a_send(), readers(2))
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert outcome.retry_after == 30
    nowhere = provider_for(f"https://{'x' * 70}.test")
    assert nowhere.submit(a_send(), readers(1)).answers == {1: NOT_SENT}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"errors": "x"}', b'{"errors": [1]}'])
def test_errors_that_cannot_be_read(body: bytes) -> None:
    from newsletter.providers.sendgrid import responses

    assert responses.errors(body, KEY) == []


# --- the key -----------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "  ", "two words", "schlüssel", "SG.a\r\nX: b"])
def test_a_missing_or_broken_key(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SENDGRID_API_KEY", raising=False)
    monkeypatch.delenv("SENDGRID_API_KEY_FILE", raising=False)
    if key is not None:
        monkeypatch.setenv("SENDGRID_API_KEY", key)
    with pytest.raises(ConfigError, match="SENDGRID_API_KEY") as caught:
        provider_for("https://api.sendgrid.com")
    assert not key or not key.strip() or key not in str(caught.value)


def test_the_key_is_in_no_log_and_no_repr(
    provider: SendgridProvider, server: SendgridServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.script = {2: refused(401), 3: refused(500), 4: reset()}
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "httpcore"):
        said = [str(provider.submit(a_send(), readers(1))) for _ in range(4)]
    assert caplog.records
    assert KEY not in "".join([caplog.text, repr(provider), *said, *map(repr, caplog.records)])


def test_the_package_keeps_its_surface(provider: SendgridProvider, server: SendgridServer) -> None:
    client = provider._api.client
    provider.submit(a_send(), readers(1))
    answer = client.mail.send.post(request_body=server.bodies[0], request_headers={"X-Once": "1"})
    assert (answer.status_code, answer.body) == (202, b"")
    assert "X-Once" not in client.request_headers
    assert client.version(4)._build_url({"a": "b"}).endswith("/v3?a=b")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.sendgrid.com",
        "http://localhost.example.com",
        "https://api.sendgrid.com/v3",
        "https://user@api.sendgrid.com",
        "https://",
        "https://api.sendgrid.com:99999",
        "ftp://127.0.0.1",
        "api.sendgrid.com",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        SendgridProvider.Options.model_validate({"type": "sendgrid", "base_url": url})


def test_addresses_and_sizes_that_are_taken() -> None:
    for url in ("https://api.eu.sendgrid.com/", "http://127.0.0.1:8", "http://[::1]:8"):
        model = SendgridProvider.Options(type="sendgrid", base_url=url)
        assert model.base_url == url.rstrip("/")
    with pytest.raises(ValidationError):
        SendgridProvider.Options(type="sendgrid", batch_size=1001)


# --- events ------------------------------------------------------------------------------


def events_in(provider: SendgridProvider, headers: dict[str, str], body: bytes) -> list[Event]:
    """The events in a request, once it is known to be SendGrid's."""
    provider.verify(headers, body)
    return provider.read(body.decode())


def test_the_published_signature_vectors(
    provider: SendgridProvider, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared_data / "sendgrid" / "signature-vector-single.json"
    vector = json.loads(path.read_text(encoding="utf-8"))
    for case in vector["cases"]:
        given = {**vector, **case}
        monkeypatch.setenv("SENDGRID_EVENT_PUBLIC_KEY", given["public_key"])
        headers = {
            vector["headers"]["signature"].lower(): given["signature"],
            vector["headers"]["timestamp"].upper(): given["timestamp"],
        }
        if case["expect"]:
            (event,) = events_in(provider, headers, given["payload"].encode())
            # None of ours, and SendGrid tries the address no more.
            assert (event.kind, event.delivery, event.email) == ("dropped", 0, "hello@world.com")
            assert event.consequence is Consequence.BOUNCED
        else:
            with pytest.raises(ProviderError):
                events_in(provider, headers, given["payload"].encode())


@pytest.fixture
def signed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Signs a body as SendGrid does; gives the headers."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    monkeypatch.setenv("SENDGRID_EVENT_PUBLIC_KEY", base64.b64encode(public).decode())

    def sign(body: bytes) -> dict[str, str]:
        signature = private.sign(b"1751900000" + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": "1751900000",
        }

    return sign


def test_events_are_read_and_foreign_ones_left_out(provider: SendgridProvider, signed: Any) -> None:
    ours = {
        "email": "reader1@example.com",
        "timestamp": 1751900000,
        "event": "delivered",
        "sg_event_id": "abc",
        "nb_delivery": "41",
    }
    without_id = {key: value for key, value in ours.items() if key != "sg_event_id"}
    foreign = [
        {"event": "open", "timestamp": 1, "sg_event_id": "x"},
        {**ours, "nb_delivery": "many"},
        {**ours, "timestamp": None},
        {**ours, "timestamp": 1e30},
        {**ours, "event": None},
    ]
    body = json.dumps([foreign[0], ours, *foreign[1:], without_id], ensure_ascii=False).encode()
    first, second = events_in(provider, signed(body), body)
    assert (first.id, first.kind, first.delivery) == ("abc", "delivered", 41)
    assert first.at == datetime(2025, 7, 7, 14, 53, 20, tzinfo=UTC)
    assert (first.email, first.details) == ("reader1@example.com", {})
    assert second.id == events_in(provider, signed(body), body)[1].id != first.id


@pytest.mark.parametrize("depth", [50, 900, 1_000, 1_020])
def test_what_is_nested_beyond_reason_does_not_take_other_events_along(
    provider: SendgridProvider, signed: Any, depth: int
) -> None:
    ours = {"timestamp": 1751900000, "event": "bounce", "nb_delivery": "41", "reason": "gone"}
    nest = "[" * depth + "]" * depth
    body = f'[{json.dumps(ours)[:-1]}, "more": {nest}, "email": {nest}}}]'.encode()
    (found,) = events_in(provider, signed(body), body)
    assert (found.delivery, found.email, found.details) == (41, "", {"reason": "gone"})


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff\xfe", b"null"])
def test_a_signed_body_that_holds_no_events(
    provider: SendgridProvider, signed: Any, body: bytes
) -> None:
    with pytest.raises(ProviderError):
        events_in(provider, signed(body), body)


@pytest.mark.parametrize("signature", ["", "not base64!", "AAAA", "é", "\udc80"])
def test_broken_signatures(provider: SendgridProvider, signed: Any, signature: str) -> None:
    headers = {**signed(b"[]"), "X-Twilio-Email-Event-Webhook-Signature": signature}
    with pytest.raises(ProviderError, match="signature"):
        events_in(provider, headers, b"[]")


def test_events_need_the_public_key(
    provider: SendgridProvider, signed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = signed(b"[]")
    monkeypatch.setenv("SENDGRID_EVENT_PUBLIC_KEY", "nonsense")
    with pytest.raises(ProviderError, match="not a public key"):
        events_in(provider, headers, b"[]")
    monkeypatch.delenv("SENDGRID_EVENT_PUBLIC_KEY")
    with pytest.raises(ProviderError, match="SENDGRID_EVENT_PUBLIC_KEY is not set"):
        events_in(provider, headers, b"[]")


# --- the server of these tests -----------------------------------------------------------


def test_the_server_refuses_what_sendgrid_refuses(
    provider: SendgridProvider, server: SendgridServer
) -> None:
    provider.submit(a_send(), readers(2))
    (good,) = server.bodies
    first, second = good["personalizations"]
    for bad in (
        {**good, "personalizations": []},
        {**good, "personalizations": [first, first]},
        {**good, "personalizations": [{**first, "to": first["to"] + second["to"]}]},
        {**good, "personalizations": [{**first, "headers": {"Reply-To": "x"}}]},
        {**good, "personalizations": [{**first, "substitutions": {"a": "b" * 10_000}}]},
        {**good, "personalizations": [{**first, "custom_args": {"a": "x@example.com"}}]},
        {**good, "personalizations": [{**first, "to": [{"email": "nobody"}]}]},
        {**good, "content": good["content"][::-1]},
        {**good, "surprise": 1},
        {**good, "subject": 7},
        {**good, "from": {}},
    ):
        assert server.judge(json.dumps(bad).encode()).status == 400, bad
    assert server.judge(b"{").status == 400
    server.bad.add("reader2@example.com")
    assert provider.submit(a_send(), readers(3)).answers == {1: NOT_SENT, 2: REJECTED, 3: NOT_SENT}
