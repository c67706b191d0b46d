"""What every provider keeps to. A new one joins by a context manager in BUILDERS."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any

import pytest

from newsletter import providers, registry
from newsletter.errors import ProviderError
from newsletter.links.tokens import fill
from newsletter.model import Answer
from newsletter.providers import Provider, Reports, faulty
from tests.e2e.pigeon_server import API_KEY, WEBHOOK_KEY, pigeon
from tests.e2e.servers import KEY, closed_port, mail_server, sendgrid_server
from tests.e2e.test_adding import python
from tests.sample_sends import a_recipient, a_send, readers


@dataclass(frozen=True)
class Got:
    """One mail as its recipient gets it."""

    email: str
    name: str
    subject: str
    text: bytes
    html: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Bench:
    """A provider at work: ``received`` is what came out at its other end."""

    name: str
    provider: Provider
    received: Callable[[], list[Got]]
    gone: Provider  # the same kind, with nothing behind it


def _built(folder: Path, **options: Any) -> Provider:
    model = providers.options(options["type"])
    return providers.build(model.model_validate(options), folder)


@contextlib.contextmanager
def _outbox(folder: Path, data: Path | None) -> Iterator[Bench]:
    (folder / "taken").write_text("a file where the folder should be")

    def received() -> list[Got]:
        files = sorted((folder / "outbox").rglob("*.eml"))
        return [_parsed(file.read_bytes()) for file in files]

    gone = _built(folder, type="outbox", path="taken")
    yield Bench("outbox", _built(folder, type="outbox"), received, gone)


@contextlib.contextmanager
def _smtp(folder: Path, data: Path | None) -> Iterator[Bench]:
    def built(port: int) -> Any:
        return _built(folder, type="smtp", host="127.0.0.1", port=port, security="none")

    with mail_server() as server:
        provider = built(server.port)
        try:
            yield Bench(
                "smtp",
                provider,
                lambda: [_parsed(mail.content) for mail in server.mails],
                built(closed_port()),
            )
        finally:
            provider.close()


@contextlib.contextmanager
def _sendgrid(folder: Path, data: Path | None) -> Iterator[Bench]:
    with sendgrid_server(data) as server:

        def received() -> list[Got]:
            assert server.violations == []
            return [
                Got(m.email, m.name, m.subject, m.text.encode(), m.html.encode(), m.headers)
                for m in server.mails()
            ]

        gone = _built(folder, type="sendgrid", base_url=f"http://127.0.0.1:{closed_port()}")
        provider = _built(folder, type="sendgrid", base_url=server.url)
        yield Bench("sendgrid", provider, received, gone)


@contextlib.contextmanager
def _faulty(folder: Path, data: Path | None) -> Iterator[Bench]:
    (folder / "taken").write_text("a file where the folder should be")

    def received() -> list[Got]:
        return [_parsed(mail) for _, mail in faulty.mails(folder / "mailbox")]

    gone = _built(folder, type="faulty", faults=0.0, path="taken")
    yield Bench("faulty", _built(folder, type="faulty", faults=0.0), received, gone)


@contextlib.contextmanager
def _pigeon(folder: Path, data: Path | None) -> Iterator[Bench]:
    """The class from outside that docs/adding.md tells people to copy."""
    type_ = "pigeon:PigeonProvider"
    (folder / "pigeon.py").write_text(python("A provider").text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, pigeon() as service:
        patch.syspath_prepend(str(folder))
        patch.delitem(sys.modules, "pigeon", raising=False)

        def received() -> list[Got]:
            return [_parsed(mail["content"].encode()) for mail in service.mails]

        patch.setenv("PIGEON_API_KEY", API_KEY)
        patch.setenv("PIGEON_WEBHOOK_KEY", WEBHOOK_KEY)
        gone = _built(folder, type=type_, base_url=f"http://127.0.0.1:{closed_port()}")
        provider = _built(folder, type=type_, base_url=service.url)
        yield Bench("pigeon", provider, received, gone)


BUILDERS = {
    "outbox": _outbox,
    "smtp": _smtp,
    "sendgrid": _sendgrid,
    "faulty": _faulty,
    "pigeon:PigeonProvider": _pigeon,
}


def _parsed(content: bytes) -> Got:
    message = message_from_bytes(content, policy=SMTPUTF8)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    (to,) = message["To"].addresses
    text, html = (part.get_payload(decode=True) for part in message.iter_parts())
    assert isinstance(text, bytes)
    assert isinstance(html, bytes)
    headers = {name: str(value) for name, value in message.items()}
    return Got(to.addr_spec, to.display_name, str(message["Subject"]), text, html, headers)


@pytest.fixture(params=sorted({*registry.names("newsletter.providers"), *BUILDERS}))
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    if request.param not in BUILDERS:
        pytest.fail(f"Add a context manager for {request.param} to BUILDERS in this file.")
    data = request.getfixturevalue("shared_data") if request.param == "sendgrid" else None
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    with BUILDERS[request.param](tmp_path, data) as built:
        yield built


def test_a_batch_is_taken_and_everyone_has_an_answer(bench: Bench) -> None:
    batch = readers(5)
    outcome = bench.provider.submit(a_send(), batch)
    assert outcome.answers == dict.fromkeys([1, 2, 3, 4, 5], Answer.ACCEPTED)
    assert (outcome.pause, outcome.retry_after, outcome.split) == (None, None, False)
    assert [got.email for got in bench.received()] == [reader.email for reader in batch]


def test_an_empty_batch_is_no_fault(bench: Bench) -> None:
    assert bench.provider.submit(a_send(), []).answers == {}
    assert bench.provider.batch_size >= 1


def test_everyone_gets_exactly_the_bytes_with_their_own_parts(bench: Bench) -> None:
    send = a_send(subject="ndx-greeting-text-xdn: 이번 주 소식, “the week”")
    batch = readers(3)
    bench.provider.submit(send, batch)
    for got, reader in zip(bench.received(), batch, strict=True):
        assert got.subject == fill(send.subject, reader.tokens)
        assert got.text == fill(send.text, reader.tokens).encode()
        assert got.html == fill(send.html, reader.tokens).encode()


def test_everyone_has_an_unsubscribe_link_of_their_own(bench: Bench) -> None:
    batch = readers(3)
    bench.provider.submit(a_send(), batch)
    for got, reader in zip(bench.received(), batch, strict=True):
        link = reader.unsubscribe_url
        assert f"<{link}>" in got.headers["List-Unsubscribe"]
        assert got.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert link.encode() in got.text
        assert link.replace("&", "&amp;").encode() in got.html
        for other in batch:
            own = other is reader
            number = f"token-{other.delivery:04}".encode()
            assert (number in got.text, number in got.html) == (own, own)


def test_a_batch_is_what_its_readers_are_one_by_one(bench: Bench) -> None:
    batch = [
        a_recipient(1),
        a_recipient(2, name=""),
        a_recipient(3, name="O'Hara & <Sons>, Inc.; Ltd."),
        a_recipient(4, name="김서연"),
        a_recipient(5, email="no address"),
        a_recipient(6, name="Eve\r\nBcc: all@example.com"),
        a_recipient(7, email="READER7@Example.com"),
        a_recipient(8, name="Zoë " * 9),
        a_recipient(9, unsubscribe_url="https://briefing.example.com/unsubscribe/9?é&<>"),
        a_recipient(10),
    ]
    together = bench.provider.submit(a_send(), batch)
    first = bench.received()
    alone = [bench.provider.submit(a_send(), [reader]) for reader in batch]
    assert {n: a for each in alone for n, a in each.answers.items()} == together.answers
    assert {n: a for each in alone for n, a in each.reasons.items()} == together.reasons
    again = bench.received()[-len(first) :]
    assert [undated(got) for got in again] == [undated(got) for got in first]


def undated(got: Got) -> Got:
    return replace(got, headers={n: v for n, v in got.headers.items() if n != "Date"})


def test_korean_names_arrive(bench: Bench) -> None:
    names = ["김철수", "José Núñez", ""]
    batch = [a_recipient(number, name=name) for number, name in enumerate(names, 1)]
    bench.provider.submit(a_send(sender="카트업 브리핑 <briefing@example.com>"), batch)
    assert [got.name for got in bench.received()] == names


@pytest.mark.parametrize("name", ["Eve\r\nBcc: all@example.com", "Eve\nX-Evil: 1", "Eve\x00"])
def test_a_name_cannot_add_a_header(bench: Bench, name: str) -> None:
    batch = [a_recipient(1), a_recipient(2, name=name), a_recipient(3)]
    outcome = bench.provider.submit(a_send(), batch)
    assert [outcome.answers[n] for n in (1, 2, 3)] == [
        Answer.ACCEPTED,
        Answer.REJECTED,
        Answer.ACCEPTED,
    ]
    assert "name" in outcome.reasons[2]
    assert [got.email for got in bench.received()] == ["reader1@example.com", "reader3@example.com"]
    assert not any({"Bcc", "X-Evil"} & got.headers.keys() for got in bench.received())


def test_a_subject_that_no_mail_may_carry_pauses_the_send(bench: Bench) -> None:
    outcome = bench.provider.submit(a_send(subject="one\r\ntwo"), readers(2))
    assert set(outcome.answers.values()) == {Answer.NOT_SENT}
    assert outcome.pause is not None
    assert "subject" in outcome.pause
    assert bench.received() == []


def test_what_is_no_address_is_rejected_alone(bench: Bench) -> None:
    batch = [a_recipient(1), a_recipient(2, email="no address"), a_recipient(3)]
    outcome = bench.provider.submit(a_send(), batch)
    assert outcome.answers[2] is Answer.REJECTED
    assert len(bench.received()) == 2


def test_with_nothing_behind_it_nothing_is_sent_and_nothing_raised(bench: Bench) -> None:
    outcome = bench.gone.submit(a_send(), readers(3))
    assert outcome.answers == dict.fromkeys([1, 2, 3], Answer.NOT_SENT)
    assert outcome.reasons.keys() == {1, 2, 3}
    assert outcome.retry_after or outcome.pause


def test_a_repeated_batch_adds_no_file_to_the_outbox(bench: Bench) -> None:
    send, batch = a_send(), readers(2)
    for _ in range(2):
        assert set(bench.provider.submit(send, batch).answers.values()) == {Answer.ACCEPTED}
    assert len(bench.received()) == (2 if bench.name == "outbox" else 4)


def test_a_test_differs_in_nothing_but_what_the_subject_says(bench: Bench) -> None:
    send, reader = a_send(subject="[TEST] The week", test=True), a_recipient(0)
    bench.provider.submit(send, [reader])
    (got,) = bench.received()
    assert got.subject == "[TEST] The week"
    assert got.html == fill(send.html, reader.tokens).encode()


def test_an_alert_is_of_no_list_and_asks_for_no_answer(bench: Bench) -> None:
    send = a_send(subject="Held", test=True, alert="held-7")
    assert set(bench.provider.submit(send, [a_recipient(0)]).answers.values()) == {Answer.ACCEPTED}
    (got,) = bench.received()
    assert got.headers["Auto-Submitted"] == "auto-generated"
    assert not {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post"} & got.headers.keys()


def test_a_foreign_request_for_events_is_refused(bench: Bench) -> None:
    if isinstance(bench.provider, Reports):
        with pytest.raises(ProviderError):
            bench.provider.verify({}, b"[]")


def test_the_names_of_the_outbox(tmp_path: Path) -> None:
    provider = _built(tmp_path, type="outbox", path="mails")
    reader = replace(a_recipient(12), email="../o'hara@example.com")
    provider.submit(a_send(), [reader])
    provider.submit(a_send(test=True), [reader])
    provider.submit(a_send(test=True, alert="held-7"), [reader])
    files = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert files == [
        "mails/2025-07-07/000012-_o_hara@example.com.eml",
        "mails/alerts/held-7-_o_hara@example.com.eml",
        "mails/tests/2025-07-07-_o_hara@example.com.eml",
    ]
