"""The provider of docs/adding.md, followed to the letter: it sends, and its events count."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import newsroom
from tests.e2e.pigeon_server import API_KEY, WEBHOOK_KEY, Pigeon, pigeon, post
from tests.e2e.send_processes import ISSUE, edit, numbers, running, until
from tests.e2e.servers import closed_port
from tests.e2e.test_adding import blocks
from tests.newsroom import Newsroom

HOST = "https://api.pigeon.example"


@pytest.fixture
def service() -> Iterator[Pigeon]:
    with pigeon() as service:
        yield service


@pytest.fixture
def room(tmp_path: Path, service: Pigeon) -> Newsroom:
    """A newsroom with the files of the page; two readers in a request."""
    room = newsroom.make(tmp_path)
    room.environment |= {"PIGEON_API_KEY": API_KEY, "PIGEON_WEBHOOK_KEY": WEBHOOK_KEY}
    for block in blocks("A provider"):
        if block.file == "pigeon.py":
            room.write(block.file, block.text)
        elif block.language == "toml":
            size = "batch_size = 100"
            assert size in block.text
            options = f'batch_size = 2\nbase_url = "{service.url}"\n[delivery]\ndoubt = "hold"'
            room.configure("\n" + block.text.replace(size, options))
    return room


@contextlib.contextmanager
def serving(room: Newsroom) -> Iterator[str]:
    """``newsletter serve``; gives its address."""
    url = f"http://127.0.0.1:{closed_port()}"

    def up() -> bool:
        try:
            return httpx.get(f"{url}/openapi.json").status_code == 200
        except httpx.HTTPError:
            return False

    with running(room, "serve", "--port", url.rpartition(":")[2]):
        until(up)
        yield url


def statuses(room: Newsroom) -> dict[str, str]:
    lines = room.run("subscribers", "export").stdout.splitlines()[1:]
    return {line.split(",")[0].partition("@")[0]: line.split(",")[2] for line in lines}


def test_a_provider_with_events(room: Newsroom, service: Pigeon) -> None:
    room.prepare(ISSUE, readers=8)
    for block in blocks("A provider"):
        if block.language == "sh":
            for command in block.text.splitlines():
                room.run(*command.removeprefix("newsletter ").split(), ISSUE)
    (test,) = service.mails
    assert "nb_delivery" not in test["metadata"]
    service.script = {3: 503}
    assert numbers(room.json("send", ISSUE, "--yes", status=1)) == {"accepted": 6, "in_doubt": 2}
    mails = service.mails
    assert len(mails) == 9
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in mails[1]["content"]
    report = room.json("report", ISSUE)
    assert report["delivered"] is report["complained"] is None
    assert "Point the webhook of pigeon to /events/pigeon of" in report["notes"][0]

    with serving(room) as url:
        paths = httpx.get(f"{url}/openapi.json").json()["paths"]
        assert {"/events/pigeon", "/events/sendgrid"} < set(paths)
        events = f"{url}/events/pigeon"
        of_test = {**service.event(0, "complained"), "metadata": test["metadata"]}
        kinds = [
            "delivered", "bounced", "complained", "unsubscribed", "delayed", "mailbox_full",
            "delivered", "something new",
        ]  # fmt: skip
        told = [
            service.event(number, kind, reason="so it is") for number, kind in enumerate(kinds, 1)
        ]
        later = {"timestamp": 1_900_003_600}
        told.append(service.event(1, "opened", **later))
        told.append(service.event(7, "clicked", url="https://x.example/", **later))
        foreign = service.event(2, "complained", id="foreign")
        foreign["metadata"] = {**foreign["metadata"], "nb_newsletter": "another-letter"}
        assert post(events, *told, of_test, key="wrong") == 403
        assert post(events, body=b"no events") == 403
        assert post(events, body=b"\xff") == 403
        assert post(f"{url}/events/sendgrid", *told) == 403
        assert post(f"{url}/events/owl", *told) == 404
        assert httpx.get(events).status_code == 405
        assert edit(room, "select count(*) from events") == [(0,)]
        for _ in range(2):
            assert post(events, *told, of_test, foreign) == 200

    report = room.json("report", ISSUE)
    assert report["delivered"] == 2
    assert report["complained"] == 1
    assert report["bounced"] == {"hard": 1, "soft": 1}
    assert report["deferred"] == 1
    assert report["opens"]["people"]["readers"] == report["clicks"]["people"]["readers"] == 1
    assert numbers(room.json("receipt", ISSUE)) == {"accepted": 8}  # an event has settled the doubt
    by_address = {mail["to"].partition("@")[0]: number for number, mail in enumerate(mails)}
    expected = {2: "bounced", 3: "complained", 4: "unsubscribed"}
    for name, status in statuses(room).items():
        assert status == expected.get(by_address[name], "active"), name
    kinds_stored = edit(room, "select kind from events order by id")
    assert ("something new",) in kinds_stored
    assert len(kinds_stored) == 10


def test_events_of_a_broken_class_wait_until_it_is_mended(room: Newsroom, service: Pigeon) -> None:
    room.prepare(ISSUE, readers=1)
    room.run("send", ISSUE, "--yes")
    path = room.folder / "pigeon.py"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace('entry["timestamp"]', 'entry["no such key"]'), encoding="utf-8")
    with serving(room) as url:
        assert post(f"{url}/events/pigeon", service.event(0, "delivered")) == 200
    for _ in range(7):
        room.run("tick")
    trouble = room.run("status").stdout
    assert "KeyError: 'no such key' (pigeon.py, line" in " ".join(trouble.split())
    path.write_text(good, encoding="utf-8")
    room.run("tick")
    assert room.json("report", ISSUE)["delivered"] == 1
    assert edit(room, "select count(*) from reports") == [(0,)]


def test_a_class_that_cannot_verify_has_the_service_repeat_its_events(
    room: Newsroom, service: Pigeon
) -> None:
    room.prepare(ISSUE, readers=1)
    room.run("send", ISSUE, "--yes")
    path = room.folder / "pigeon.py"
    good = path.read_text(encoding="utf-8")
    path.write_text(good.replace('headers.get("x-pigeon-signature", "")', 'headers["none"]'))
    with serving(room) as url:
        assert post(f"{url}/events/pigeon", service.event(0, "delivered")) == 503
    assert edit(room, "select count(*) from reports") == [(0,)]


def test_such_a_provider_can_be_shared_by_processes(room: Newsroom, service: Pigeon) -> None:
    path = room.folder / "pigeon.py"
    able = "class PigeonProvider:\n    workers: int = 4\n    processes: int | None = 2\n"
    path.write_text(path.read_text().replace("class PigeonProvider:\n", able))
    room.prepare(ISSUE, readers=40)
    assert numbers(room.json("send", ISSUE, "--yes")) == {"accepted": 40}
    assert len({mail["to"] for mail in service.mails}) == len(service.mails) == 40
