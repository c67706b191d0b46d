"""Events by the hundred, at servers that are killed, at several at once, and on both databases."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text

from newsletter.store import event_inbox, open_database
from tests import patient, postgres
from tests.e2e.servers import KEY
from tests.e2e.signed_events import Door, Signer, door
from tests.newsroom import Newsroom, make
from tests.provider_events import mailed

ISSUE = "2025-07-07"
READERS = 250
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


def prepare(room: Newsroom, database: str | None = None) -> None:
    """A newsroom that has sent an issue through SendGrid."""
    room.environment["SENDGRID_API_KEY"] = KEY
    room.configure(
        '\n[provider]\ntype = "sendgrid"\nopen_tracking = true\nclick_tracking = true\n',
        **{'name = "The Weekly Test"': 'name = "N"'},
    )
    if database:
        room.environment["DATABASE_URL"] = database
    opened = open_database(database or "sqlite:///newsletter.db", room.folder)
    mailed(opened, ISSUE, datetime.now(UTC), READERS)
    opened.close()


def told(kind: str, reader: int, **more: Any) -> dict[str, Any]:
    """What SendGrid tells of a reader, 1 to READERS."""
    return {
        "email": f"r{reader - 1}@example.com",
        "timestamp": int(time.time()) + (3600 if kind in {"open", "click"} else 0),
        "event": kind,
        "sg_event_id": f"{kind}-{reader}-{next(_NUMBERS)}",
        "nb_newsletter": "n",
        "nb_issue": ISSUE,
        "nb_send": "1",
        "nb_batch": "1",
        "nb_delivery": str(reader),
        **more,
    }


def counts(room: Newsroom) -> dict[str, int]:
    address = room.environment.get("DATABASE_URL", f"sqlite:///{room.folder}/newsletter.db")
    engine = create_engine(address)
    with engine.connect() as connection:
        rows = connection.execute(text("select kind, count(*) from events group by kind"))
        found = {kind: int(number) for kind, number in rows}
        found["unread"] = connection.execute(text("select count(*) from reports")).scalar() or 0
    engine.dispose()
    return found


def insist(at: Door | list[Door], posts: list[list[dict[str, Any]]]) -> None:
    """Post as SendGrid does: whatever got no 200 is repeated, here until it gets one."""
    waiting = list(enumerate(posts))
    doors = at if isinstance(at, list) else [at]
    while waiting:
        number, post = waiting.pop(0)
        if doors[number % len(doors)].post(post) != 200:
            waiting.append((number, post))
            time.sleep(0.05)


def test_nothing_is_lost_and_nothing_counts_twice_when_the_server_is_killed_in_mid_post(
    newsroom: Newsroom, signer: Signer
) -> None:
    prepare(newsroom)
    posts = [
        [told(kind, reader) for reader in range(first, first + 50)]
        for kind in ("processed", "delivered", "open")
        for first in range(1, READERS, 50)
    ]
    left = [*posts]
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(door(newsroom, signer))
        answered: list[int] = []

        def post_all() -> None:
            for post in left:
                answered.append(opened.post(post))

        client = threading.Thread(target=post_all)
        client.start()
        while len(answered) < 5:
            time.sleep(0.001)
        time.sleep(0.004)  # in the middle of the next
        os.kill(opened.process.pid, signal.SIGKILL)
        client.join()
    assert 0 in answered
    with door(newsroom, signer) as opened:
        insist(opened, [post for post, status in zip(left, answered, strict=True) if status != 200])
        insist(opened, posts[:2])  # SendGrid often repeats what it has an answer to
    assert counts(newsroom) == {
        "processed": READERS, "delivered": READERS, "open": READERS, "unread": 0
    }  # fmt: skip
    report = newsroom.json("report", ISSUE)
    assert report["delivered"] == report["opens"]["people"]["readers"] == READERS


def test_what_a_crash_has_left_unread_is_read_by_the_next_look(newsroom: Newsroom) -> None:
    prepare(newsroom)
    database = open_database("sqlite:///newsletter.db", newsroom.folder)
    with database.begin() as connection:
        event_inbox.add(
            connection, "sendgrid", "[1, 2]", datetime.now(UTC)
        )  # nothing that anybody can read
        body = json.dumps([told("delivered", reader) for reader in (1, 2, 3)])
        event_inbox.add(connection, "sendgrid", body, datetime.now(UTC))
    database.close()
    newsroom.run("tick")
    assert counts(newsroom) == {"delivered": 3, "unread": 1}


@pytest.fixture
def served_twice(
    postgres_server: str, migrated_address: str, tmp_path: Path, signer: Signer
) -> Iterator[tuple[Newsroom, list[Door]]]:
    """A newsroom on PostgreSQL with two processes that take events."""
    with (
        postgres.database(postgres_server, migrated_address) as address,
        contextlib.ExitStack() as stack,
    ):
        room = make(tmp_path)
        prepare(room, address)
        yield room, [stack.enter_context(door(room, signer)) for _ in range(2)]


def test_two_servers_share_a_database_and_outlive_its_restart(
    served_twice: tuple[Newsroom, list[Door]], postgres_server: str
) -> None:
    room, doors = served_twice
    posts = [
        [told(kind, reader) for reader in range(first, first + 50)]
        for kind in ("delivered", "click")
        for first in range(1, READERS, 50)
    ]
    clients = [threading.Thread(target=insist, args=(one, posts)) for one in doors]
    for client in clients:  # both get all of it, at once
        client.start()
    for client in clients:
        client.join()
    assert counts(room) == {"delivered": READERS, "click": READERS, "unread": 0}
    name = room.environment["DATABASE_URL"].partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_server, autocommit=True) as server:
        ended = server.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
            (name,),
        ).fetchone()
    assert ended
    assert ended[0] >= 2
    assert [each.post([told("open", 1)]) for each in doors] == [200, 200]
    assert counts(room)["open"] == 2


def test_a_move_to_postgresql_by_the_command(
    newsroom: Newsroom, postgres_server: str, signer: Signer
) -> None:
    prepare(newsroom)
    with postgres.database(postgres_server) as address, door(newsroom, signer) as old:
        assert old.post([told("delivered", 1)]) == 200
        found = newsroom.json("migrate-database", "--to", address)
        assert found["tables"]["deliveries"] == READERS
        assert "secret" not in str(found)
        # A server that was forgotten takes nothing more: the provider repeats it elsewhere.
        assert old.post([told("delivered", 2)]) == 503
        assert "was moved to postgresql" in newsroom.run("status", status=2).stderr
        newsroom.environment["DATABASE_URL"] = address
        assert newsroom.json("report", ISSUE)["delivered"] == 1
        with door(newsroom, signer) as new:
            assert new.post([told("delivered", 2), told("bounce", 3, type="bounce")]) == 200
        report = newsroom.json("report", ISSUE)
        assert (report["delivered"], report["bounced"]["hard"]) == (2, 1)
        said = newsroom.run("migrate-database", "--to", address, status=1).stderr
        assert "already" in said
        del newsroom.environment["DATABASE_URL"]


def test_only_the_provider_s_own_words_are_taken(newsroom: Newsroom, signer: Signer) -> None:
    prepare(newsroom)
    with door(newsroom, signer) as opened:
        assert Door(opened.url, opened.process, Signer()).post([told("delivered", 1)]) == 403
        url = f"{opened.url}/events/sendgrid"
        half = b'[{"event": "open", "timestamp": 1, "useragent": "\\ud800 half a letter"}]'
        far = (253402300799, -1, "nan", 1e300, None)
        odd = [told("delivered", 1, timestamp=seconds) for seconds in far]
        odd += [told("\x00", 1), told("open", 1, url="\x00")]
        odd.append(told("delivered", 1, nb_delivery="9" * 30))
        strange = json.dumps(odd).encode()
        for body, status in (
            (b"[]", 200), (b"{}", 403), (b"[[]]", 403), (half, 200), (strange, 200)
        ):  # fmt: skip
            answer = patient.post(url, content=body, headers=signer.headers(body))
            assert answer.status_code == status, body
    assert counts(newsroom) == {"open": 1, "unread": 0}
