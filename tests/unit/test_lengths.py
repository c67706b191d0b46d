"""Words of others in both databases: PostgreSQL minds their length, and what is no letter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter import deliver
from newsletter.app import Desk, open_desk
from newsletter.app.readers import lists, sign_up
from newsletter.deliver import worker
from newsletter.errors import ConfigError, NotReadyError, UsageError
from newsletter.model import Answer, Doubt, Outcome, Recipient, Send
from newsletter.store import Database, sends
from newsletter.store.subscribers import Subscribers
from tests.e2e.signed_events import Signer
from tests.ledgers import NOW, freeze, numbers
from tests.newsroom import Newsroom
from tests.provider_events import mailed
from tests.public_pages import visit
from tests.unit.test_runs import Scripted, job

HOSTILE = "a\0b\ud800c " + "끝" * 300


def answering(**more: object) -> Scripted:
    """A provider that takes every other reader, and says that of the rest."""

    def submit(_: Send, batch: Sequence[Recipient]) -> Outcome:
        others = more.get("others", Answer.REJECTED)
        answers = {
            r.delivery: Answer.ACCEPTED if n % 2 == 0 else others for n, r in enumerate(batch)
        }
        fields = {name: value for name, value in more.items() if name != "others"}
        return Outcome(answers, {batch[-1].delivery: HOSTILE}, **fields)  # type: ignore[arg-type]

    return Scripted(submit)


@pytest.mark.parametrize("reference", [None, "r" * 200, "r" * 201, HOSTILE, ""])
def test_whatever_a_provider_says_its_answers_are_kept(
    database: Database, reference: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RECORD_TIMEOUT", 0.0)
    send = freeze(database, 4)
    deliver.run(job(database, send, answering(reference=reference), Doubt.HOLD))
    assert numbers(database, send) == {"accepted": 2, "rejected": 2}


@pytest.mark.parametrize("others", [Answer.NOT_SENT, Answer.UNKNOWN])
def test_whatever_it_says_why_the_send_has_to_stop(
    database: Database, others: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RECORD_TIMEOUT", 0.0)
    send = freeze(database, 4)
    with pytest.raises(NotReadyError, match="paused"):
        deliver.run(job(database, send, answering(others=others, pause=HOSTILE), Doubt.HOLD))
    expected = {Answer.NOT_SENT: "waiting", Answer.UNKNOWN: "in_doubt"}[others]
    counted = numbers(database, send)
    assert counted["accepted"] == 1
    assert counted[expected] >= 1
    with database.read() as connection:
        state, reason = sends.state(connection, send.send.id)
    assert state == "paused"
    assert (reason or "").startswith("a")


def test_an_adaptor_that_fails_with_such_words_leaves_doubt(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "RECORD_TIMEOUT", 0.0)

    def submit(_: Send, batch: Sequence[Recipient]) -> Outcome:
        raise RuntimeError(HOSTILE)

    send = freeze(database, 2)
    deliver.run(job(database, send, Scripted(submit), Doubt.HOLD))
    assert numbers(database, send) == {"in_doubt": 2}


CONFIG = """\
[newsletter]
name = "N"
from = "N <n@example.com>"
address = "1 Example Street"
base_url = "https://news.example.com"
[[sources]]
type = "feed"
path = "feed.xml"
[database]
url = "{}"
[provider]
type = "sendgrid"
"""


@pytest.fixture
def signer(monkeypatch: pytest.MonkeyPatch) -> Signer:
    made = Signer()
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a-key-of-the-tests")
    monkeypatch.setenv("SENDGRID_EVENT_PUBLIC_KEY", made.public())
    return made


@pytest.fixture
def desk(database_url: str, signer: Signer, tmp_path: Path) -> Iterator[Desk]:
    (tmp_path / "newsletter.toml").write_text(CONFIG.format(database_url), encoding="utf-8")
    opened = open_desk(tmp_path, lambda: NOW + timedelta(hours=1))
    yield opened
    opened.close()


def test_events_with_words_of_any_length_are_kept_beside_the_others(
    desk: Desk, signer: Signer
) -> None:
    send_id = mailed(desk.database, n=9)
    with desk.database.read() as connection:
        found = connection.execute(text("select id from deliveries order by id"))
        deliveries = [str(number) for (number,) in found]
    oddities = [
        {"event": "e" * 40}, {"event": "e" * 41}, {"event": "이벤트" * 100},
        {"event": "click", "url": "https://example.com/" + "u" * 5_000},
        {"event": "click", "url": "https://example.com/\0\ud800"},
        {"event": "bounce", "type": "blocked", "reason": HOSTILE, "status": "4" * 500},
        {"event": "delivered", "response": HOSTILE, "smtp-id": "<" + "s" * 900 + ">"},
        {"event": "open", "useragent": "U" * 90_000, "ip": "9" * 300},
        {"event": "dropped", "reason": HOSTILE, "email": "e" * 900 + "@example.com"},
    ]  # fmt: skip
    told = [
        {
            "timestamp": int(NOW.timestamp()) + 60, "sg_event_id": str(number) * 100,
            "email": "r0@example.com", "nb_delivery": delivery, "nb_send": str(send_id),
            "nb_batch": "1", "nb_newsletter": "n", "nb_issue": "2025-07-07", **oddity,
        }
        for number, (oddity, delivery) in enumerate(zip(oddities, deliveries, strict=True), 1)
    ]  # fmt: skip
    told.append({**told[0], "sg_event_id": "x" * 101, "event": "complained of something"})
    for _ in range(2):
        body = json.dumps(told).encode()
        answer = visit(desk, "/events/sendgrid", "POST", content=body, headers=signer.headers(body))
        assert answer.status_code == 200
    with desk.database.read() as connection:
        kinds = connection.execute(text("select kind from events order by id")).scalars().all()
        left = connection.execute(text("select count(*) from reports")).scalar()
        states = connection.execute(
            text("select reported from deliveries where reported is not null order by id")
        ).all()
    assert left == 0
    assert len(kinds) == 10
    assert {"e" * 40, "click", "soft_bounce", "delivered", "open", "dropped"} < set(kinds)
    assert len(states) == 3


def test_names_and_addresses_are_stored_up_to_their_limit(desk: Desk) -> None:
    longest = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.example"
    assert len(longest) > 250
    for number, name in enumerate(("n" * 200, "n" * 201, "김" * 500, "ndx-" * 100)):
        address = f"reader{number}@example.com"
        assert lists.add(desk, address, name) == address
    lists.add(desk, longest[-254:], "x")
    with pytest.raises(UsageError):
        lists.add(desk, f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example", "")
    with pytest.raises(UsageError):
        lists.add(desk, "z@example.com", "\0")
    people = {person.email: person.name for person in lists.everyone(desk)}
    assert [len(people[f"reader{n}@example.com"]) for n in range(3)] == [200, 200, 200]
    assert len(people["reader3@example.com"]) <= 200
    assert len(people) == 5
    assert sign_up.request(desk, longest[-254:], "203.0.113.0/24")
    assert sign_up.request(desk, "x@example.com", "n" * 300)


def test_a_longest_name_is_imported_and_erased(desk: Desk) -> None:
    path = desk.folder / "readers.csv"
    path.write_text(f"email,name\na@example.com,{'n' * 400}\n", encoding="utf-8")
    lists.import_file(desk, path, skip_bad_lines=False)
    (person,) = lists.everyone(desk)
    assert person.name == "n" * 200
    with desk.database.begin() as connection:
        assert Subscribers(connection, "weekly").erase("a@example.com", NOW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "The Weekly Test"', 'name = "{}"'),
        ("[editor]", 'list = "{}"\n[editor]'),
    ],
)
def test_names_that_no_database_can_hold_are_refused_at_once(
    tmp_path: Path, old: str, new: str
) -> None:
    room = Newsroom(tmp_path)
    room.configure(**{old: new.format("n" * 200)})
    open_desk(tmp_path).close()
    room.configure(**{old: new.format("n" * 201)})
    with pytest.raises(ConfigError, match="200"):
        open_desk(tmp_path)
