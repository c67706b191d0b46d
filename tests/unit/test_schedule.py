"""The timetable: wall-clock times, each date once, over every change of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.config import Schedule
from newsletter.model import IssueName
from newsletter.schedule import due, moments, next_issue

LA = ZoneInfo("America/Los_Angeles")
WEEKLY = Schedule(send="mon 07:00", gather="fri 15:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_week_in_order() -> None:
    found = list(islice(moments(WEEKLY, LA, at("2025-07-01T12:00:00-07:00")), 4))
    assert [(m.kind, str(m.issue), m.local.isoformat()) for m in found] == [
        ("gather", "2025-07-07", "2025-07-04T15:00:00-07:00"),
        ("send", "2025-07-07", "2025-07-07T07:00:00-07:00"),
        ("gather", "2025-07-14", "2025-07-11T15:00:00-07:00"),
        ("send", "2025-07-14", "2025-07-14T07:00:00-07:00"),
    ]


def test_a_newsletter_for_every_weekday_is_one_line() -> None:
    daily = Schedule(send="mon-fri 06:30", gather="mon-fri 05:00")
    found = islice(moments(daily, LA, at("2025-07-04T00:00:00-07:00")), 4)
    assert [(m.kind, str(m.issue)) for m in found] == [
        ("gather", "2025-07-04"),
        ("send", "2025-07-04"),
        ("gather", "2025-07-07"),
        ("send", "2025-07-07"),
    ]


@pytest.mark.parametrize("after", ["2025-11-02T00:00:00-07:00", "2026-03-08T00:00:00-08:00"])
def test_the_wall_clock_time_stays_over_a_change_of_the_clock(after: str) -> None:
    for moment in islice(moments(WEEKLY, LA, at(after)), 4):
        assert moment.local.time() in {time(7), time(15)}


def test_an_ambiguous_time_counts_once_and_at_its_first() -> None:
    nightly = Schedule(send="sun 01:30", gather="sat 12:00")
    found = due(nightly, LA, at("2025-11-02T00:00:00-07:00"), at("2025-11-02T12:00:00-08:00"))
    assert [m.utc.isoformat() for m in found] == ["2025-11-02T08:30:00+00:00"]


def test_a_time_that_does_not_exist_counts_once_an_hour_later() -> None:
    nightly = Schedule(send="sun 02:30", gather="sat 12:00")
    found = due(nightly, LA, at("2026-03-08T00:00:00-08:00"), at("2026-03-08T12:00:00-07:00"))
    assert [m.utc.isoformat() for m in found] == ["2026-03-08T10:30:00+00:00"]
    assert found[0].day == "2026-03-08"


def test_a_day_that_a_country_has_left_out_keeps_its_issue() -> None:
    apia, daily = ZoneInfo("Pacific/Apia"), Schedule(send="mon-sun 07:00", gather="mon-sun 05:00")
    found = due(daily, apia, at("2011-12-29T00:00:00-10:00"), at("2011-12-31T23:00:00+14:00"))
    assert [m.utc for m in found] == sorted(m.utc for m in found)
    sends = [(str(m.issue), m.local.isoformat()) for m in found if m.kind == "send"]
    assert sends == [
        ("2011-12-29", "2011-12-29T07:00:00-10:00"),
        ("2011-12-30", "2011-12-31T07:00:00+14:00"),
        ("2011-12-31", "2011-12-31T07:00:00+14:00"),
    ]


@pytest.mark.parametrize(
    ("send", "days"),
    [
        ("mon,thu 07:00", ["2025-01-02", "2025-01-06", "2025-01-09"]),
        ("fri-mon 07:00", ["2025-01-03", "2025-01-04", "2025-01-05", "2025-01-06"]),
        ("1st mon 07:00", ["2025-01-06", "2025-02-03", "2025-03-03"]),
        ("1st,3rd Mon 7:00", ["2025-01-06", "2025-01-20", "2025-02-03"]),
        ("last fri 15:00", ["2025-01-31", "2025-02-28", "2025-03-28"]),
        ("15th 07:00", ["2025-01-15", "2025-02-15"]),
        ("1st,15th 07:00", ["2025-01-01", "2025-01-15", "2025-02-01"]),
        ("30th 07:00", ["2025-01-30", "2025-02-28", "2025-03-30"]),
        ("last 07:00", ["2025-01-31", "2025-02-28", "2025-03-31"]),
    ],
)
def test_the_days_of_a_timetable(send: str, days: list[str]) -> None:
    coming = moments(Schedule(send=send), LA, at("2025-01-01T00:00:00-08:00"))
    sends = (str(m.issue) for m in coming if m.kind == "send")
    assert list(islice(sends, len(days))) == days


def test_without_a_word_a_newsletter_for_every_weekday_is_gathered_every_day_before() -> None:
    coming = moments(Schedule(send="mon-fri 06:30"), LA, at("2025-07-06T00:00:00-07:00"))
    assert [(m.kind, str(m.issue), f"{m.local:%a %H:%M}") for m in islice(coming, 3)] == [
        ("gather", "2025-07-07", "Sun 15:00"),
        ("send", "2025-07-07", "Mon 06:30"),
        ("gather", "2025-07-08", "Mon 15:00"),
    ]


def test_the_issue_due_after_a_send_is_the_next_one() -> None:
    assert next_issue(WEEKLY, LA, at("2025-07-07T06:59:59-07:00")) == IssueName.parse("2025-07-07")
    assert next_issue(WEEKLY, LA, at("2025-07-07T07:00:00-07:00")) == IssueName.parse("2025-07-14")


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    zone=st.sampled_from(["America/Los_Angeles", "Asia/Seoul", "Europe/London", "UTC"]),
    cuts=st.lists(st.integers(0, 60 * 24 * 21), min_size=1, max_size=6),
)
def test_however_the_time_is_cut_into_looks_each_moment_is_due_once(
    start: datetime, zone: str, cuts: list[int]
) -> None:
    begin = start.replace(tzinfo=UTC)
    looks = [begin, *(begin + timedelta(minutes=cut) for cut in sorted(cuts))]
    pieces = [
        moment
        for after, now in pairwise(looks)
        for moment in due(WEEKLY, ZoneInfo(zone), after, now)
    ]
    assert pieces == due(WEEKLY, ZoneInfo(zone), looks[0], looks[-1])
    assert len({(m.kind, m.day) for m in pieces}) == len(pieces)
