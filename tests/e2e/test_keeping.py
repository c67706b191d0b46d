"""What a look does about reports: figures stay when events go, and a page shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text

from newsletter.app import Desk, open_desk
from newsletter.app.clock import status
from newsletter.app.clock.tick import tick
from newsletter.app.feedback import figures, provider_events
from newsletter.app.feedback.figures_page import page
from newsletter.cli.report import as_document
from newsletter.errors import DatabaseError, NotReadyError
from newsletter.model import EventKind, IssueName
from newsletter.store import event_inbox
from tests.axe import violations
from tests.ledgers import NOW
from tests.newsroom import CONFIG
from tests.provider_events import delivered, event, hard, mailed, soft

TRACKED = '[provider]\ntype = "sendgrid"\nopen_tracking = true\nclick_tracking = true\n'
ISSUE = IssueName(NOW.date())


class Clock:
    """What the test says it is."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(days=1)

    def __call__(self):  # type: ignore[no-untyped-def]
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a-key")
    opened = opening(tmp_path, clock, TRACKED)
    yield opened
    opened.close()


def opening(folder: Path, clock: Clock, more: str) -> Desk:
    config = CONFIG.replace('name = "The Weekly Test"', 'name = "N"')
    (folder / "newsletter.toml").write_text(config + more)
    (folder / "feed.xml").write_text("<rss version='2.0'><channel></channel></rss>")
    return open_desk(folder, clock)


def filled(desk: Desk, readers: int = 12) -> None:
    """An issue of which a good deal was reported."""
    send_id, database = mailed(desk.database, n=readers), desk.database
    told = [delivered(database, send_id, n, 60 + 45 * n) for n in range(readers - 3)]
    told += [hard(database, send_id, readers - 1), soft(database, send_id, readers - 2)]
    for n in range(readers - 4):
        told.append(event(database, send_id, EventKind.OPENED, n, 3600 * (n + 1)))
        link = f"https://www.example.com/{'one' if n % 3 else 'two'}"
        told.append(event(database, send_id, EventKind.CLICKED, n, 3600 * (n + 1) + 9, link=link))
    told += [
        event(database, send_id, EventKind.OPENED, 2, 151, machine=True),
        event(database, send_id, EventKind.CLICKED, 3, 90, link="https://www.example.com/x?a=<b>&c=1"),
        event(database, send_id, EventKind.COMPLAINED, 1, 9000),
        event(database, send_id, EventKind.UNSUBSCRIBED, 2, 9000),
        event(
            database, send_id, EventKind.DEFERRED, readers - 3, 60,
            words="try later",
        ),
    ]  # fmt: skip
    assert provider_events.store(desk, told).new == len(told)


def document(desk: Desk) -> Any:
    return json.loads(json.dumps(as_document(figures.compute(desk, ISSUE)), default=str))


def test_a_report_says_the_same_before_and_after_the_events_are_deleted(
    desk: Desk, clock: Clock
) -> None:
    filled(desk)
    tick(desk)
    before = document(desk)
    assert before["delivered"] == 9
    assert before["bounced"] == {"hard": 1, "soft": 1}
    assert (before["deferred"], before["complained"], before["unsubscribed"]) == (1, 1, 1)
    assert before["opens"]["people"] == {"readers": 8, "times": 8}
    assert before["opens"]["machines"]["readers"] == 1
    assert [(s["title"], s["clicks"]["people"]["readers"]) for s in before["stories"]] == [
        ("Story one, at length", 5), ("Story two", 3)
    ]  # fmt: skip
    assert before["rates"]["opened"] == {"share": round(8 / 9, 6), "of": "of those delivered"}
    clock.now = NOW + timedelta(days=89)
    tick(desk)
    assert rows(desk, "events") > 0
    clock.now = NOW + timedelta(days=90)
    tick(desk)
    assert rows(desk, "events") == 0
    after = document(desk)
    assert after.pop("list_growth")[:2] == before.pop("list_growth")[:2]
    assert after == before


def rows(desk: Desk, table: str) -> int:
    with desk.database.read() as connection:
        found = connection.execute(text(f"select count(*) from {table}"))
        return int(found.scalar() or 0)


def test_the_growth_of_the_list_is_noted_once_a_day(desk: Desk, clock: Clock) -> None:
    mailed(desk.database, n=4)
    for hours in (0, 1, 24, 25):
        clock.now = NOW + timedelta(days=1, hours=hours)
        tick(desk)
    found = dict(figures.compute(desk, ISSUE).list_growth)
    assert [count for _, count in sorted(found.items())] == [4, 4, 4]


def test_who_opened_is_listed_only_where_it_is_kept_and_goes_when_that_ends(
    tmp_path: Path, clock: Clock, desk: Desk
) -> None:
    filled(desk)
    with pytest.raises(NotReadyError, match="per_reader"), figures.readers(desk, ISSUE):
        pass
    desk.close()
    named = opening(tmp_path, clock, TRACKED + "[privacy]\nper_reader = true\n")
    told = [event(named.database, 1, EventKind.OPENED, 5, 9999)]
    provider_events.store(named, told)
    with figures.readers(named, ISSUE) as found:
        assert [reader.email for reader in found] == ["r5@example.com"]
    named.close()
    again = opening(tmp_path, clock, TRACKED)
    clock.now += timedelta(days=1)
    tick(again)
    again.close()
    named = opening(tmp_path, clock, TRACKED + "[privacy]\nper_reader = true\n")
    with figures.readers(named, ISSUE) as found:
        assert list(found) == []
    named.close()


@pytest.mark.parametrize(
    ("after", "within", "times"),
    [
        ((60, 61), "a minute", ["07:00", "07:01"]),
        ((60, 130, 190), "3 minutes", ["07:00", "07:01", "07:02", "07:03"]),
        ((60, 30 * 3600), "30 hours", ["Mon 07:00", "Tue 13:00"]),
    ],
)
def test_the_time_in_which_it_arrived_is_told_without_saying_a_moment_twice(
    desk: Desk, after: tuple[int, ...], within: str, times: list[str]
) -> None:
    send_id = mailed(desk.database, n=len(after))
    provider_events.store(desk, [delivered(desk.database, send_id, *at) for at in enumerate(after)])
    shown = page(desk, figures.compute(desk, ISSUE))
    chart = shown[shown.index("Deliveries over time. ") :].partition("</svg>")[0]
    assert f"{len(after)} of {len(after)} within {within}." in chart
    said = re.findall(r">((?:[MT]\w+ )?\d\d:\d\d)<", chart)
    assert len({*said}) == len(said)
    assert {*times} <= {*said}


def test_who_opened_and_with_what_stays_nowhere_in_the_file(desk: Desk, tmp_path: Path) -> None:
    send_id = mailed(desk.database)
    told = {
        "event": "open", "timestamp": NOW.timestamp() + 3600, "nb_delivery": "1",
        "nb_send": str(send_id), "nb_newsletter": "n", "nb_issue": "2025-07-07",
        "sg_event_id": "one", "ip": "203.0.113.77", "useragent": "Quite Rare Mail 7.7",
    }  # fmt: skip
    with desk.database.begin() as connection:
        event_inbox.add(connection, "sendgrid", json.dumps([told] * 40), NOW)
    assert provider_events.read_waiting(desk).new == 1
    desk.close()
    bytes_ = b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))
    assert b"sendgrid" in bytes_  # it is the file
    assert b"203.0.113.77" not in bytes_
    assert b"Quite Rare" not in bytes_


def test_links_that_are_left_out_are_counted(desk: Desk) -> None:
    send_id = mailed(desk.database, n=1)
    told = [
        event(
            desk.database,
            send_id,
            EventKind.CLICKED,
            0,
            99 * n,
            link=f"https://www.example.com/a{n}",
        )
        for n in range(1, 18)
    ]
    provider_events.store(desk, told)
    shown = page(desk, figures.compute(desk, ISSUE))
    assert len(re.findall("www.example.com/a[0-9]+", shown)) == 2 * 15
    assert "… and 2 more" in shown
    assert (
        "more"
        not in page(desk, replace(figures.compute(desk, ISSUE), other_links=())).split("<main>")[1]
    )


def test_what_is_not_known_is_said_and_is_no_zero(tmp_path: Path, clock: Clock) -> None:
    desk = opening(tmp_path, clock, "")
    mailed(desk.database)
    found = document(desk)
    assert found["delivered"] is found["opens"] is found["clicks"] is None
    assert "Opens and clicks are not tracked." in found["notes"]
    assert found["notes"][0] == "Nothing was delivered: the outbox writes files and sends no mail."
    assert "not tracked" in page(desk, figures.compute(desk, ISSUE))
    desk.close()


def test_who_sends_by_smtp_is_led_to_what_came_back(tmp_path: Path, clock: Clock) -> None:
    desk = opening(tmp_path, clock, '\n[provider]\ntype = "smtp"\nhost = "localhost"\n')
    mailed(desk.database)
    assert "newsletter bounces FILE" in document(desk)["notes"][0]
    desk.close()


def test_where_nothing_was_reported_nothing_is_known_of_opens_either(desk: Desk) -> None:
    send_id = mailed(desk.database)
    found = document(desk)
    assert found["opens"] is found["clicks"] is found["delivered"] is found["complained"] is None
    assert set(found["rates"]) == {"left"}
    assert found["notes"][0].startswith("Nothing was reported of this issue. Point the webhook")
    assert len(found["notes"]) == 1  # they are tracked
    provider_events.store(desk, [event(desk.database, send_id, EventKind.OPENED, 0, 3600)])
    found = document(desk)
    assert (found["opens"]["people"]["readers"], found["clicks"]["people"]["readers"]) == (1, 0)
    assert "nothing" not in found["notes"][0]


def test_a_report_that_nobody_can_read_stays_and_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk.database.begin() as connection:
        event_inbox.add(connection, "sendgrid", "no json", NOW)
        event_inbox.add(connection, "gone:Away", "[]", NOW)
    for _ in range(event_inbox.TRIES + 1):
        provider_events.read_waiting(desk)
    assert rows(desk, "reports") == 2
    (said,) = (words for words in status.overview(desk).waiting if "could not be read" in words)
    assert said.startswith("2 requests")


def test_a_database_that_goes_away_after_the_commit_loses_nothing(desk: Desk, clock: Clock) -> None:
    """As far as the raw request is kept, the rest is done by whoever comes next."""
    send_id = mailed(desk.database)
    with desk.database.begin() as connection:
        body = json.dumps(
            [
                {
                    "event": "delivered", "timestamp": NOW.timestamp() + 60, "nb_delivery": "1",
                    "nb_send": str(send_id), "nb_newsletter": "n", "nb_issue": "2025-07-07",
                    "sg_event_id": "one",
                }
            ]
        )  # fmt: skip
        event_inbox.add(connection, "sendgrid", body, clock())
        connection.execute(text("alter table events rename to elsewhere"))
    with pytest.raises(DatabaseError):
        provider_events.read_waiting(desk)
    with desk.database.begin() as connection:
        connection.execute(text("alter table elsewhere rename to events"))
    assert provider_events.read_waiting(desk).new == 1
    assert rows(desk, "reports") == 0


@pytest.mark.browser
def test_the_page_keeps_nobody_out_at_any_width_in_light_and_dark(
    chromium: Browser, desk: Desk, tmp_path: Path
) -> None:
    filled(desk, 40)
    tick(desk)
    path = tmp_path / "report.html"
    path.write_text(page(desk, figures.compute(desk, ISSUE)), encoding="utf-8")
    assert "<b>&" not in path.read_text(encoding="utf-8")
    for scheme, width in (("light", 1000), ("dark", 360)):
        context = browser_context(chromium, scheme, width)
        shown = context.new_page()
        asked: list[str] = []
        shown.on("request", lambda request: asked.append(request.url))  # noqa: B023
        shown.goto(path.as_uri())
        assert asked == [path.as_uri()]
        assert not violations(shown)
        wide = shown.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        assert shown.locator("svg[role=img]").count() >= 3
        context.close()


def browser_context(chromium: Browser, scheme: str, width: int):  # type: ignore[no-untyped-def]
    return chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
