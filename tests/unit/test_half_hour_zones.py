"""Zones that are half an hour, or a quarter, away from the others: timetable, mails and alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.config import Schedule
from newsletter.schedule import due, moments
from newsletter.sources import parse_date
from tests.clocked_newsroom import Offices
from tests.e2e.approval_pages import parsed, part
from tests.editor_alerts import heard
from tests.editor_alerts import text as alert_text
from tests.newsroom import feed

KOLKATA, LORD_HOWE = ZoneInfo("Asia/Kolkata"), ZoneInfo("Australia/Lord_Howe")
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("zone", "gather", "send"),
    [
        ("Asia/Kolkata", "2025-07-04T09:30", "2025-07-07T01:30"),
        ("Asia/Kathmandu", "2025-07-04T09:15", "2025-07-07T01:15"),
        ("Australia/Lord_Howe", "2025-07-04T04:30", "2025-07-06T20:30"),
        ("America/St_Johns", "2025-07-04T17:30", "2025-07-07T09:30"),
    ],
)
def test_the_week_in_utc(zone: str, gather: str, send: str) -> None:
    weekly = Schedule(send="mon 07:00", gather="fri 15:00")
    start = datetime(2025, 7, 2, tzinfo=UTC)
    found = list(islice(moments(weekly, ZoneInfo(zone), start), 2))
    assert [f"{moment.utc:%Y-%m-%dT%H:%M}" for moment in found] == [gather, send]
    assert [f"{moment.local:%a %H:%M}" for moment in found] == ["Fri 15:00", "Mon 07:00"]
    assert {str(moment.issue) for moment in found} == {"2025-07-07"}


@pytest.mark.parametrize(
    ("at", "day", "utc"),
    [
        # On October 5 the clock goes from 02:00 to 02:30; on April 5 back from 02:00 to 01:30.
        ("01:59", datetime(2025, 10, 5), "2025-10-04T15:29"),
        ("02:15", datetime(2025, 10, 5), "2025-10-04T15:45"),  # shown as 02:45
        ("02:30", datetime(2025, 10, 5), "2025-10-04T15:30"),
        ("01:29", datetime(2026, 4, 5), "2026-04-04T14:29"),
        ("01:45", datetime(2026, 4, 5), "2026-04-04T14:45"),  # the first of the two
        ("02:00", datetime(2026, 4, 5), "2026-04-04T15:30"),
    ],
)
def test_a_change_of_the_clock_by_half_an_hour(at: str, day: datetime, utc: str) -> None:
    nightly = Schedule(send=f"sun {at}", gather="sat 12:00")
    start = day.replace(tzinfo=LORD_HOWE)
    found = due(nightly, LORD_HOWE, start, start + timedelta(hours=12))
    assert [f"{moment.utc:%Y-%m-%dT%H:%M}" for moment in found] == [utc]


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("2025-07-04 00:15", KOLKATA, "2025-07-03T18:45"),
        ("2025-07-04T00:15:00+05:30", LORD_HOWE, "2025-07-03T18:45"),
        ("Fri, 4 Jul 2025 00:15:00 +0530", LORD_HOWE, "2025-07-03T18:45"),
        ("2025-07-04", KOLKATA, "2025-07-03T18:30"),
        ("2025-07-04 00:15", LORD_HOWE, "2025-07-03T13:45"),
        ("2025-12-04 00:15", LORD_HOWE, "2025-12-03T13:15"),
        ("2025-07-04T00:15:00-02:30", KOLKATA, "2025-07-04T02:45"),
    ],
)
def test_a_date_of_a_source(text: str, zone: ZoneInfo, utc: str) -> None:
    moment = parse_date(text, zone)
    assert moment is not None
    assert f"{moment:%Y-%m-%dT%H:%M}" == utc


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Asia/Kolkata", "IST"), ("Australia/Lord_Howe", "+1030"), ("Asia/Kathmandu", "+0545")],
)
def test_a_newsletter_keeps_to_the_clock_on_its_wall(office: Offices, zone: str, name: str) -> None:
    friday = datetime(2025, 7, 4, 15, tzinfo=ZoneInfo(zone))
    monday = datetime(2025, 7, 7, 7, tzinfo=ZoneInfo(zone))
    midnight = datetime(2025, 7, 4, tzinfo=ZoneInfo(zone))
    week = office()
    week.desk.close()
    week.room.configure(**{"America/Los_Angeles": zone})
    before, after = midnight - 10 * MINUTE, midnight + 10 * MINUTE
    items = feed(["Before midnight"], before), feed(["After midnight"], after)
    item = items[0][items[0].index("<item>") : items[0].index("</channel>")]
    week.room.write("feed.xml", items[1].replace("<item>", f"{item}<item>", 1))
    week.desk = week.open()
    assert week.tick(friday - MINUTE) == []
    assert week.tick(friday) == [("gather", "2025-07-07", "done")]
    assert heard(week) == ["draft"]
    assert f"Monday, July 7, 07:00 {name}" in alert_text(week)
    week.approve()
    assert week.tick(monday - MINUTE) == []
    assert week.tick(monday) == [("send", "2025-07-07", "done")]
    (path,) = (week.room.folder / "outbox" / "2025-07-07").glob("*.eml")
    mail = parsed(Path(path))
    text = " ".join(part(mail, "plain").split())
    assert "Monday, July 7, 2025" in text
    assert "Before midnight By Sam Lee · Jul 3" in text
    assert "After midnight By Sam Lee · Jul 4" in text
    assert parsedate_to_datetime(str(mail["Date"])).tzinfo is not None
