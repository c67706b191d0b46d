"""schedule, status and reschedule, as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.newsroom import Newsroom

LA = ZoneInfo("America/Los_Angeles")
WEEK = """
[schedule]
gather = ["thu 15:00", "fri 15:00"]
remind = "sun 12:00"
deadline = "sun 18:00"
send = "mon 07:00"

[[schedule.skip]]
date = 2025-07-14
"""


def test_the_week_in_both_zones_without_the_holiday(newsroom: Newsroom) -> None:
    newsroom.configure(WEEK)
    said = newsroom.run("schedule", "--from", "2025-07-03", "--next", "6").stdout.splitlines()
    assert said[0] == "In America/Los_Angeles and in UTC:"
    assert [" ".join(line.split()) for line in said[1:]] == [
        "gather 2025-07-07 Thu 2025-07-03 15:00 PDT Thu 2025-07-03 22:00 UTC",
        "gather 2025-07-07 Fri 2025-07-04 15:00 PDT Fri 2025-07-04 22:00 UTC",
        "remind 2025-07-07 Sun 2025-07-06 12:00 PDT Sun 2025-07-06 19:00 UTC",
        "deadline 2025-07-07 Sun 2025-07-06 18:00 PDT Mon 2025-07-07 01:00 UTC",
        "send 2025-07-07 Mon 2025-07-07 07:00 PDT Mon 2025-07-07 14:00 UTC",
        "gather 2025-07-21 Thu 2025-07-17 15:00 PDT Thu 2025-07-17 22:00 UTC",
    ]
    only = newsroom.json("schedule", "--from", "2025-07-03", "--next", "2", "--only", "deadline")
    assert [each["issue"] for each in only] == ["2025-07-07", "2025-07-21"]


def test_a_moved_send_is_marked_everywhere_and_goes_back(newsroom: Newsroom) -> None:
    issue = newsroom.json("schedule", "--next", "1", "--only", "send")[0]["issue"]
    newsroom.run("gather", issue)
    day = (datetime.fromisoformat(issue) + timedelta(days=1)).date()
    at = datetime.combine(day, datetime.min.time(), LA).replace(hour=9)
    said = newsroom.run("reschedule", issue, "tue 09:00").stdout
    assert said.startswith(f"Issue {issue} will be sent Tue {day} 09:00 P")
    assert said.rstrip().endswith("UTC).")
    sends = newsroom.json("schedule", "--next", "2", "--only", "send")
    assert datetime.fromisoformat(sends[0]["utc"]) == at
    assert sends[0]["moved"] is True
    assert "moved" not in sends[1]
    assert f"Tue {day} 09:00" in newsroom.run("status").stdout
    assert "moved by a person" in newsroom.run("status").stdout
    assert newsroom.json("reschedule", issue, "--back")["issue"] == issue
    assert "moved" not in newsroom.run("status").stdout
    assert "moved" not in newsroom.json("schedule", "--next", "1", "--only", "send")[0]


@pytest.mark.parametrize(
    ("arguments", "status", "expected"),
    [
        (("2030-01-07",), 2, "Give a time"),
        (("2030-01-07", "tue 09:00", "--back"), 2, "Give a time"),
        (("2030-01-08", "tue 09:00"), 1, "newsletter gather 2030-01-08"),
        (("monday", "tue 09:00"), 2, "named by its send date"),
        (("2030-01-07", "noon"), 2, "is not a time to send at"),
        (("2020-01-06", "2020-01-06 09:00"), 1, "that is past"),
    ],
)
def test_wrong_use(
    newsroom: Newsroom, arguments: tuple[str, ...], status: int, expected: str
) -> None:
    assert expected in newsroom.run("reschedule", *arguments, status=status).stderr


def test_what_was_sent_is_not_moved(newsroom: Newsroom) -> None:
    newsroom.prepare("2030-01-07")
    newsroom.run("send", "2030-01-07", "--yes")
    said = newsroom.run("reschedule", "2030-01-07", "tue 09:00", status=1).stderr
    assert "its send is done" in said
    assert "newsletter receipt 2030-01-07" in said


def test_a_timetable_that_cannot_be_is_said_by_every_command(newsroom: Newsroom) -> None:
    newsroom.configure('\n[schedule]\ndeadline = "tue 09:00"\n')
    said = newsroom.run("tick", status=2).stderr
    assert "schedule: deadline comes after the send, or before the gather" in said
    assert "the order is gather, remind, deadline, send" in said
