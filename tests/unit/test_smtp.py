from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from newsletter.errors import ConfigError
from newsletter.model import Answer
from newsletter.providers import smtp
from newsletter.providers.smtp import SmtpProvider, connection
from newsletter.providers.smtp.client import Client, Server
from newsletter.providers.smtp.connection import Connection
from tests.e2e.servers import (
    MailServer,
    ReceivedMail,
    authority,
    closed_port,
    dripping_server,
    injecting_server,
    line_server,
    mail_server,
)
from tests.patient import PATIENCE
from tests.sample_sends import a_recipient, a_send, readers
from tests.smtp_providers import Build, smtp_providers

ACCEPTED, REJECTED, NOT_SENT, UNKNOWN = Answer


@pytest.fixture
def build() -> Iterator[Build]:
    with smtp_providers() as provider_for:
        yield provider_for


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    with mail_server(pipelining=request.param) as running:
        yield running


def addresses(mails: list[ReceivedMail]) -> list[str]:
    return [mail.recipient for mail in mails]


def test_mails_arrive_byte_for_byte_over_one_connection(server: MailServer, build: Build) -> None:
    provider = build(server.port)
    for _ in range(2):
        assert set(provider.submit(a_send(), readers(3)).answers.values()) == {ACCEPTED}
    assert server.connections == 1
    mail = server.mails[0]
    assert (mail.sender, mail.recipient) == ("briefing@example.com", "reader1@example.com")
    assert mail.content.endswith(b"--\r\n")
    assert mail.message["Subject"] == "The week in Koreatown"


def test_lines_that_begin_with_a_dot(server: MailServer, build: Build) -> None:
    relay = Server("127.0.0.1", server.port, "none", None)
    opened = Connection(relay, None, time.monotonic() + PATIENCE)
    content = b"Subject: x\r\n\r\n.\r\n..two\r\n.three\r\n"
    assert opened.deliver("a@example.com", "b@example.com", content).answer is ACCEPTED
    opened.close()
    assert server.mails[0].content == content


# --- refusals of one mail ----------------------------------------------------------------


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_a_5xx_rejects_that_one(server: MailServer, build: Build, stage: str) -> None:
    server.script = {(stage, "reader2@example.com"): "550 5.1.1 no such user"}
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: REJECTED, 3: ACCEPTED}
    assert "550 5.1.1 no such user" in outcome.reasons[2]
    assert (outcome.pause, outcome.retry_after) == (None, None)
    assert addresses(server.mails) == ["reader1@example.com", "reader3@example.com"]
    assert server.connections == 1


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
def test_a_4xx_waits_and_the_others_go(server: MailServer, build: Build, stage: str) -> None:
    server.script = {(stage, "reader2@example.com"): "451 4.7.1 try again later"}
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: NOT_SENT, 3: ACCEPTED}
    assert "try again later" in outcome.reasons[2]
    assert (outcome.pause, outcome.retry_after) == (None, 300)


def test_421_ends_the_batch(server: MailServer, build: Build) -> None:
    server.script = {("RCPT", "reader2@example.com"): "421 4.7.0 too many mails"}
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: NOT_SENT, 3: NOT_SENT}
    assert outcome.retry_after == 300
    assert outcome.reasons.keys() == {2, 3}


def test_a_refused_sender_pauses(server: MailServer, build: Build) -> None:
    server.script = {("MAIL", 2): "550 5.7.1 not your address"}
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: NOT_SENT, 3: NOT_SENT}
    assert outcome.pause is not None
    assert "not your address" in outcome.pause
    assert "[newsletter]" in outcome.pause


def test_a_server_that_is_busy_at_mail(server: MailServer, build: Build) -> None:
    server.script = {("MAIL", 1): "452 4.3.1 no space"}
    outcome = build(server.port).submit(a_send(), readers(2))
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert (outcome.pause, outcome.retry_after) == (None, 300)


# --- connections that break --------------------------------------------------------------


def test_a_drop_after_the_whole_mail_leaves_that_one_in_doubt(
    server: MailServer, build: Build
) -> None:
    server.script = {("DATA", "reader2@example.com"): "drop"}
    provider = build(server.port)
    outcome = provider.submit(a_send(), readers(4))
    assert outcome.answers == {1: ACCEPTED, 2: UNKNOWN, 3: NOT_SENT, 4: NOT_SENT}
    assert len(server.mails) == 2
    server.script = {}
    assert provider.submit(a_send(), readers(4)[2:]).answers == {3: ACCEPTED, 4: ACCEPTED}
    assert server.connections == 2


@pytest.mark.parametrize("key", [("MAIL", 2), ("RCPT", "reader2@example.com")])
def test_a_drop_before_the_mail_sends_nothing(
    server: MailServer, build: Build, key: tuple[str, str | int]
) -> None:
    server.script = {key: "drop"}
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: NOT_SENT, 3: NOT_SENT}
    assert outcome.retry_after == 60
    assert len(server.mails) == 1


GREETED = ("220 hello", "250 hello")
PIPELINED = ("220 hello", "250-hello\r\n250 PIPELINING")


@pytest.mark.parametrize("greeted", [GREETED, PIPELINED], ids=["one by one", "pipelining"])
@pytest.mark.parametrize(
    ("answers", "answer", "retry_after"),
    [
        (("250 ok", "250 ok", None), NOT_SENT, 60),
        (("250 ok", "250 ok", "550 no mails today", "250 ok"), REJECTED, None),
        (("250 ok", "550 nobody", None), REJECTED, None),
        (("250 ok", "250 ok", "451 not now", "250 ok"), NOT_SENT, 300),
        (("250 ok", "250 ok", "354 go on", None), UNKNOWN, 60),
        (("250 ok", "250 ok", "354 go on", "what?"), UNKNOWN, 60),
        (("250 ok", "250 ok", "354 go on", "354 more"), UNKNOWN, 60),
        (("250 ok", "354 odd"), NOT_SENT, 60),
        (("what?"), NOT_SENT, 60),
        ((None,), NOT_SENT, 60),
        (("421 going down", None), NOT_SENT, 300),
    ],
)
def test_what_each_answer_means(
    build: Build,
    answers: tuple[str | None, ...],
    answer: Answer,
    retry_after: float | None,
    greeted: tuple[str, str],
) -> None:
    with line_server(*greeted, *answers) as port:
        provider = build(port)
        outcome = provider.submit(a_send(), readers(1))
        provider.close()
    assert outcome.answers == {1: answer}
    assert outcome.reasons[1]
    assert outcome.retry_after == retry_after
    assert outcome.pause is None


@pytest.mark.parametrize(
    "answers", [("421 busy",), ("499 odd",), (None,), ("220 hello", None), ("what?",)]
)
def test_a_greeting_that_is_none(build: Build, answers: tuple[str | None, ...]) -> None:
    with line_server(*answers) as port:
        outcome = build(port).submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert outcome.reasons[1]
    assert (outcome.pause, outcome.retry_after) == (None, 60)


def test_an_unanswered_mail_is_in_doubt(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "DEADLINE", 0.2)
    with line_server(*GREETED, "250 ok", "250 ok", "354 go on") as port:
        provider = build(port)
        outcome = provider.submit(a_send(), readers(2))
        provider.close()
    assert outcome.answers == {1: UNKNOWN, 2: NOT_SENT}


def test_a_server_that_is_not_there(build: Build) -> None:
    for provider in (build(closed_port()), build(25, host="mail.invalid")):
        outcome = provider.submit(a_send(), readers(2))
        assert set(outcome.answers.values()) == {NOT_SENT}
        assert (outcome.pause, outcome.retry_after) == (None, 60)
        assert "cannot be reached" in outcome.reasons[2]


@pytest.mark.parametrize(
    ("greeting", "host"),
    [*((f"{code} go away", "127.0.0.1") for code in (500, 554, 599)), ("", "x" * 70)],
)
def test_what_waiting_does_not_mend_pauses(build: Build, greeting: str, host: str) -> None:
    with line_server(greeting) as port:
        outcome = build(port, host=host).submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert outcome.pause is not None


def test_who_is_closed_says_goodbye_and_may_begin_anew(server: MailServer, build: Build) -> None:
    provider = build(server.port)
    for times in (1, 2):
        assert provider.submit(a_send(), readers(2)).answers == {1: ACCEPTED, 2: ACCEPTED}
        assert server.goodbyes == times - 1
        provider.close()
        assert (server.goodbyes, server.connections) == (times, times)


def test_a_connection_that_died_meanwhile_is_opened_anew(server: MailServer, build: Build) -> None:
    provider = build(server.port)
    provider.submit(a_send(), readers(1))
    server.drop_all()
    assert provider.submit(a_send(), readers(1)).answers == {1: ACCEPTED}
    assert server.connections == 2


def test_a_connection_that_was_silent_for_long_is_not_trusted(
    server: MailServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE", -1.0)
    provider = build(server.port)
    for _ in range(2):
        assert provider.submit(a_send(), readers(1)).answers == {1: ACCEPTED}
    assert server.connections == 2


def test_a_hang_after_the_final_dot(
    server: MailServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = {("DATA", "reader2@example.com"): "hang"}
    monkeypatch.setattr(smtp, "DEADLINE", 0.2)
    started = time.monotonic()
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: ACCEPTED, 2: UNKNOWN, 3: NOT_SENT}
    assert "no answer to the whole mail" in outcome.reasons[2]
    assert len(server.mails) == 2
    assert time.monotonic() - started < PATIENCE


def test_a_server_that_drips_does_not_hold_us(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "TIMEOUT", 0.3)
    started = time.monotonic()
    with dripping_server() as port:
        outcome = build(port).submit(a_send(), readers(2))
    assert outcome.answers == {1: NOT_SENT, 2: NOT_SENT}
    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize("reply", ["250-" + "x" * 9000, "\r\n".join(["250-x"] * 200)])
def test_an_answer_without_end(build: Build, reply: str) -> None:
    with line_server("220 hello", reply) as port:
        outcome = build(port).submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert "no end" in outcome.reasons[1]


def test_whether_a_byte_has_left_is_known() -> None:
    client = Client(timeout=0.2)
    client.sock, other = socket.socketpair()
    with other, pytest.raises(TimeoutError):
        client.send(b"x" * 10_000_000)  # nobody reads
    assert not client.untouched
    client.sock, other = socket.socketpair()
    other.close()
    with pytest.raises(OSError, match="pipe"):
        client.send(b"x")
    assert client.untouched


# --- pipelining --------------------------------------------------------------------------


def test_the_envelope_goes_in_one_piece(build: Build) -> None:
    heard: list[bytes] = []
    answers = ("", "", "250 ok\r\n250 ok\r\n354 go on")  # nothing is said before DATA is there
    with line_server(*PIPELINED, *answers, "250 taken", heard=heard) as port:
        provider = build(port)
        outcome = provider.submit(a_send(), readers(1))
        provider.close()
    assert heard[1:4] == [
        b"MAIL FROM:<briefing@example.com>\r\n",
        b"RCPT TO:<reader1@example.com>\r\n",
        b"DATA\r\n",
    ]
    assert outcome.answers == {1: ACCEPTED}


def test_a_refused_address_whose_mail_is_asked_for_gets_a_lone_dot(build: Build) -> None:
    heard: list[bytes] = []
    refused = ("250 ok", "550 nobody", "354 go on", "554 no recipients", "250 reset")
    taken = ("250 ok", "250 ok", "354 go on", "250 taken")
    with line_server(*PIPELINED, *refused, *taken, heard=heard) as port:
        provider = build(port)
        outcome = provider.submit(a_send(), readers(2))
        provider.close()
    assert outcome.answers == {1: REJECTED, 2: ACCEPTED}
    assert "550 nobody" in outcome.reasons[1]
    assert heard[3:7] == [b"DATA\r\n", b".\r\n", b"RSET\r\n", heard[6]]
    assert heard[6].startswith(b"MAIL FROM")


def test_a_refused_sender_sends_not_even_a_dot(build: Build) -> None:
    # An address was taken for a sender that was not: a dot would be an empty mail to a reader.
    heard: list[bytes] = []
    with line_server(*PIPELINED, "550 not you", "250 ok", "354 go on", heard=heard) as port:
        outcome = build(port).submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert outcome.pause is not None
    assert heard[3:] in ([b"DATA\r\n"], [b"DATA\r\n", b""])


def test_a_refusal_counts_although_nothing_more_is_said(build: Build) -> None:
    with line_server(*PIPELINED, "250 ok", "550 nobody", None) as port:
        outcome = build(port).submit(a_send(), readers(2))
    assert outcome.answers == {1: REJECTED, 2: NOT_SENT}


@pytest.mark.parametrize(
    "said", ["354 go on\r\n250 taken", "250 ok\r\n354 go on", "354 go on\r\n421 going down"]
)
def test_an_answer_to_what_was_not_asked_is_never_taken_for_one(build: Build, said: str) -> None:
    heard: list[bytes] = []
    with line_server(*PIPELINED, "250 ok", "250 ok", said, heard=heard) as port:
        outcome = build(port).submit(a_send(), readers(2))
    assert outcome.answers == {1: NOT_SENT, 2: NOT_SENT}
    assert not any(line.startswith(b"Subject:") for line in heard)


def test_an_authority_that_is_not_there_is_said_before_anything_is_sent(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself OpenSSL takes no notice, and trusts nobody."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "gone.pem"))
    with pytest.raises(ConfigError, match=r"^SSL_CERT_FILE names .*gone\.pem"):
        build(25, security="starttls")
    build(25)


def test_words_from_before_tls_are_forgotten(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, context = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    with injecting_server(context) as port:
        outcome = build(port, security="starttls").submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert "refused the sender: 451 the real one" in outcome.reasons[1]


def test_a_batch_ends_by_itself_before_its_lease(
    server: MailServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "BUDGET", -1.0)
    outcome = build(server.port).submit(a_send(), readers(3))
    assert outcome.answers == {1: NOT_SENT, 2: NOT_SENT, 3: NOT_SENT}
    assert (outcome.pause, outcome.retry_after) == (None, None)
    assert server.mails == []


# --- who and where -----------------------------------------------------------------------


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_login_over_tls(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: Any, pipelining: bool
) -> None:
    path, context = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SMTP_PASSWORD", "correct horse")
    with mail_server(context, security, login=True, pipelining=pipelining) as server:
        provider = build(server.port, security=security, user="desk")
        assert provider.submit(a_send(), readers(2)).answers == {1: ACCEPTED, 2: ACCEPTED}
        provider.close()
        assert server.logins == ["desk"]
        monkeypatch.setenv("SMTP_PASSWORD", "wrong pony")
        wrong = build(server.port, security=security, user="desk")
        outcome = wrong.submit(a_send(), readers(2))
    assert set(outcome.answers.values()) == {NOT_SENT}
    assert outcome.pause is not None
    assert "SMTP_PASSWORD" in outcome.pause
    assert "535" in outcome.pause
    assert "pony" not in str(outcome) + repr(wrong)
    assert len(server.mails) == 2


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for(build: Build, tmp_path: Path, security: Any) -> None:
    _, context = authority(tmp_path)
    with mail_server(context, security) as server:
        outcome = build(server.port, security=security).submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert outcome.pause is not None
    assert "certificate" in outcome.pause
    assert server.mails == []


def test_a_server_without_starttls_or_login(
    server: MailServer, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "비밀번호")
    for options in ({"security": "starttls"}, {"user": "desk"}):
        outcome = build(server.port, **options).submit(a_send(), readers(1))
        assert outcome.answers == {1: NOT_SENT}
        assert outcome.pause is not None
        assert "비밀" not in outcome.pause
    assert server.mails == []


def test_a_password_that_cannot_be_sent(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "비밀번호")
    with line_server("220 hello", "250-hello\r\n250 AUTH PLAIN", "535 no") as port:
        provider = build(port, user="desk")
        outcome = provider.submit(a_send(), readers(1))
    assert outcome.answers == {1: NOT_SENT}
    assert outcome.pause is not None


def test_a_server_that_wants_a_login(build: Build) -> None:
    with mail_server(login=True) as server:
        outcome = build(server.port).submit(a_send(), readers(2))
    assert outcome.answers == {1: NOT_SENT, 2: NOT_SENT}
    assert outcome.pause is not None


def test_a_user_without_a_password(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMTP_PASSWORD", raising=False)
    monkeypatch.delenv("SMTP_PASSWORD_FILE", raising=False)
    with pytest.raises(ConfigError, match="SMTP_PASSWORD"):
        build(25, user="desk")


def test_addresses_beyond_ascii(build: Build) -> None:
    batch = [a_recipient(1), a_recipient(2, email="철수@한국.test"), a_recipient(3)]
    with mail_server() as server:
        assert set(build(server.port).submit(a_send(), batch).answers.values()) == {ACCEPTED}
        assert server.mails[1].recipient == "철수@xn--3e0b707e.test"
        assert "To: Reader 2 <철수@".encode() in server.mails[1].content
    with mail_server(smtputf8=False) as server:
        outcome = build(server.port).submit(a_send(), batch)
        assert outcome.answers == {1: ACCEPTED, 2: REJECTED, 3: ACCEPTED}
        assert "ASCII" in outcome.reasons[2]
        sender = a_send(sender="철수@example.com")
        assert build(server.port).submit(sender, readers(1)).pause is not None


def test_the_usual_ports() -> None:
    def port(security: str) -> int:
        given = {"type": "smtp", "host": "mail.test", "security": security}
        return SmtpProvider(SmtpProvider.Options.model_validate(given), Path())._server.port

    assert (port("starttls"), port("tls"), port("none")) == (587, 465, 25)
    with pytest.raises(ValidationError):
        SmtpProvider.Options.model_validate({"type": "smtp", "host": "a", "security": "ssl"})
