"""Every word of SendGrid's events and answers: what each means for the reader and the delivery."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from newsletter.app import Desk, open_desk
from newsletter.model import Answer, Recipient, Reported
from newsletter.providers.sendgrid import responses
from tests.e2e.signed_events import Signer
from tests.ledgers import NOW
from tests.provider_events import mailed, words
from tests.public_pages import visit
from tests.sample_sends import readers

CONFIG = """\
[newsletter]
name = "N"
from = "N <n@example.com>"
address = "1 Example Street"
base_url = "https://news.example.com"
[[sources]]
type = "feed"
path = "feed.xml"
[provider]
type = "sendgrid"
"""
_IDS = itertools.count(1)


class Door:
    """A newsletter whose issue went to r0@…, r1@… and r2@…, and the provider that reports on it."""

    def __init__(self, desk: Desk, signer: Signer) -> None:
        self.desk, self.signer = desk, signer
        self.send_id = mailed(desk.database, n=3)

    def report(self, reader: int = 0, **fields: Any) -> None:
        with self.desk.database.read() as connection:
            found = connection.execute(text("select id from deliveries order by id"))
            delivery = [number for (number,) in found][reader]
        event = {
            "timestamp": int(NOW.timestamp()) + 60, "sg_event_id": f"id-{next(_IDS)}",
            "email": f"r{reader}@example.com", "nb_delivery": str(delivery),
            "nb_send": str(self.send_id), "nb_batch": "1", "nb_newsletter": "n",
            "nb_issue": "2025-07-07", **fields,
        }  # fmt: skip
        given = {name: value for name, value in event.items() if value is not None}
        body = json.dumps([given]).encode()
        answer = visit(
            self.desk, "/events/sendgrid", "POST", content=body, headers=self.signer.headers(body)
        )
        assert answer.status_code == 200

    def reported(self) -> list[int | None]:
        with self.desk.database.read() as connection:
            found = connection.execute(text("select reported from deliveries order by id"))
            return [reported for (reported,) in found]


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    signer = Signer()
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a-key-of-the-tests")
    monkeypatch.setenv("SENDGRID_EVENT_PUBLIC_KEY", signer.public())
    (tmp_path / "newsletter.toml").write_text(CONFIG, encoding="utf-8")
    desk = open_desk(tmp_path, lambda: NOW + timedelta(hours=1))
    yield Door(desk, signer)
    desk.close()


EVENTS = [
    ({"event": "processed"}, "active", Reported.PROCESSED),
    ({"event": "deferred", "response": "450 busy"}, "active", Reported.DEFERRED),
    ({"event": "delivered"}, "active", Reported.DELIVERED),
    ({"event": "bounce"}, "bounced", Reported.BOUNCED),
    ({"event": "bounce", "type": "bounce"}, "bounced", Reported.BOUNCED),
    ({"event": "bounce", "type": "blocked"}, "active", Reported.BLOCKED),
    ({"event": "dropped"}, "active", Reported.DROPPED),
    ({"event": "dropped", "reason": "Bounced Address"}, "bounced", Reported.DROPPED),
    ({"event": "dropped", "reason": "bounced address"}, "bounced", Reported.DROPPED),
    ({"event": "dropped", "reason": "Invalid"}, "bounced", Reported.DROPPED),
    ({"event": "dropped", "reason": "Spam Reporting Address"}, "complained", Reported.DROPPED),
    ({"event": "dropped", "reason": "Unsubscribed Address"}, "unsubscribed", Reported.DROPPED),
    ({"event": "dropped", "reason": "Spam Content"}, "active", Reported.DROPPED),
    ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, "active", Reported.DROPPED),
    ({"event": "dropped", "reason": "Recipient List over Quota"}, "active", Reported.DROPPED),
    ({"event": "spamreport"}, "complained", None),
    ({"event": "unsubscribe"}, "unsubscribed", None),
    ({"event": "group_unsubscribe"}, "unsubscribed", None),
    ({"event": "group_resubscribe"}, "active", None),
    ({"event": "open"}, "active", None),
    ({"event": "click", "url": "https://www.example.com/one"}, "active", None),
    ({"event": "account_status_change"}, "active", None),
    ({"event": "Bounce"}, "active", None),  # there is no such word
]  # fmt: skip


@pytest.mark.parametrize(("event", "state", "reported"), EVENTS)
def test_what_an_event_means_for_the_reader_it_names_and_no_other(
    door: Door, event: dict[str, str], state: str, reported: Reported | None
) -> None:
    door.report(reader=1, **event)
    assert words(door.desk.database) == {"r0": "active", "r1": state, "r2": "active"}
    assert door.reported() == [None, reported, None]


FOREIGN = [
    ({"nb_newsletter": "another"}, "active"),
    ({"nb_issue": "2025-07-14"}, "active"),
    ({"nb_send": "99"}, "active"),
    ({"nb_delivery": "99"}, "active"),
    ({"nb_delivery": "many"}, "active"),
    ({"nb_test": "1"}, "active"),
    ({"timestamp": "soon"}, "active"),
    ({"timestamp": -1}, "active"),
    ({"timestamp": 1 << 33}, "active"),
    ({"timestamp": None}, "active"),
    # Where nothing says whose it is, it counts for the address.
    ({"nb_delivery": None, "nb_send": None}, "complained"),
    ({"nb_delivery": None, "nb_send": None, "email": "R1@EXAMPLE.com"}, "complained"),
    ({"nb_delivery": None}, "active"),  # of another database on the same account
]


@pytest.mark.parametrize(("changes", "state"), FOREIGN)
def test_whose_event_it_is(door: Door, changes: dict[str, Any], state: str) -> None:
    door.report(reader=1, event="spamreport", **changes)
    assert words(door.desk.database) == {"r0": "active", "r1": state, "r2": "active"}


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({"event": "bounce"}, "bounced"),
        ({"event": "dropped", "reason": "Invalid"}, "bounced"),
        ({"event": "unsubscribe"}, "unsubscribed"),
        ({"event": "bounce", "type": "blocked"}, "active"),  # for now, of nobody knows which mail
        ({"event": "delivered"}, "active"),
        ({"event": "open"}, "active"),
    ],
)
def test_an_event_that_names_the_address_alone(
    door: Door, event: dict[str, str], state: str
) -> None:
    door.report(reader=2, nb_delivery=None, nb_send=None, **event)
    assert words(door.desk.database) == {"r0": "active", "r1": "active", "r2": state}
    assert door.reported() == [None, None, None]


# --- what it answers ---------------------------------------------------------------------

PAUSES, WAITS, DOUBTS, SPLITS = "pauses", "waits", "leaves doubt", "splits"


@pytest.mark.parametrize(
    ("status", "effect"),
    [
        (100, DOUBTS), (408, DOUBTS), (500, DOUBTS), (502, DOUBTS), (503, DOUBTS), (599, DOUBTS),
        (429, WAITS), (413, SPLITS), (401, PAUSES), (403, PAUSES), (400, PAUSES), (404, PAUSES),
        (405, PAUSES), (406, PAUSES), (415, PAUSES), (301, PAUSES), (307, PAUSES), (399, PAUSES),
    ],
)  # fmt: skip
def test_what_an_answer_means_for_everybody_in_the_request(status: int, effect: str) -> None:
    people: list[Recipient] = readers(3)
    outcome = responses.refused(status, {}, [{"field": "", "message": "no"}], people)
    answer = Answer.UNKNOWN if effect == DOUBTS else Answer.NOT_SENT
    assert outcome.answers == dict.fromkeys([1, 2, 3], answer)
    assert outcome.reasons.keys() == {1, 2, 3}
    assert (outcome.pause is not None) == (effect == PAUSES)
    assert (outcome.throttled, outcome.retry_after is not None) == (effect == WAITS,) * 2
    assert outcome.split == (effect == SPLITS)


def test_each_address_that_an_error_names_is_rejected_and_no_other() -> None:
    errors = [
        {"field": f"personalizations.{n}.to", "message": f"bad {n}"} for n in (0, 2, 3, 17)
    ] + [{"field": "subject", "message": "odd"}]
    outcome = responses.refused(400, {}, errors, readers(4))
    rejected = {n for n, answer in outcome.answers.items() if answer is Answer.REJECTED}
    assert rejected == {1, 3, 4}
    assert outcome.answers[2] is Answer.NOT_SENT
    assert [f"bad {n - 1}" in outcome.reasons[n] for n in (1, 3, 4)] == [True] * 3
    assert outcome.pause is None
