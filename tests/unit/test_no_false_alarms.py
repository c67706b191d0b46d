"""The other side of each rule: what asks nobody, tells nobody, and is no finding."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.app.clock.status import overview
from newsletter.app.issue import build, recheck
from newsletter.app.readers import lists
from newsletter.app.send import plan
from newsletter.model import Level
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY, Office, Offices
from tests.e2e.publisher import publisher
from tests.editor_alerts import heard
from tests.newsroom import feed

WEEK = timedelta(days=7)


def sent_to(office: Offices, readers: int) -> Office:
    """An office whose first issue went to so many, and whose second one is approved."""
    week = office("min_stories = 1")
    for number in range(1, readers):
        lists.add(week.desk, f"r{number}@example.com", "")
    week.tick(FRIDAY)
    week.approve()
    week.tick(MONDAY)
    week.room.write("feed.xml", feed(["Four", "Five"], FRIDAY + WEEK - timedelta(hours=1)))
    week.tick(FRIDAY + WEEK)
    week.approve(week.desk.next_issue())
    return week


def test_a_list_is_asked_about_only_where_it_changed_by_more_than_thirty_percent(
    office: Offices,
) -> None:
    week = sent_to(office, 100)
    issue = week.desk.next_issue()
    size = 100

    def asked(readers: int) -> bool:
        nonlocal size
        for number in range(size, readers):
            lists.add(week.desk, f"r{number}@example.com", "")
        for number in range(readers, size):
            lists.remove(week.desk, f"r{number}@example.com")
        size = readers
        planned = plan.plan(week.desk, issue)
        assert planned.readers == readers
        return bool(planned.questions)

    sizes = (100, 101, 99, 130, 131, 129, 70, 69, 71)
    assert [each for each in sizes if asked(each)] == [131, 69]


def test_a_small_list_may_change_by_much(office: Offices) -> None:
    week = sent_to(office, 2)
    for number in range(2, 20):
        lists.add(week.desk, f"r{number}@example.com", "")
        if number in (2, 18):  # three readers, and nineteen
            assert plan.plan(week.desk, week.desk.next_issue()).questions == ()
    (question,) = plan.plan(week.desk, week.desk.next_issue()).questions  # twenty
    assert "20" in question


def test_a_story_is_told_of_only_where_its_own_headline_changed(office: Offices) -> None:
    week = office()
    week.tick(FRIDAY)
    built = build.build(week.desk, ISSUE)
    text = (week.room.folder / "feed.xml").read_text()
    assert recheck.recheck_issue(week.desk, built) == ()
    week.room.write("feed.xml", text.replace("<title>Two</title>", "<title>Two men</title>"))
    (finding,) = recheck.recheck_issue(week.desk, built)
    assert (finding.level, "Two men" in finding.message) == (Level.WARNING, True)
    week.room.write("feed.xml", text.replace("Two", "Zwei").replace("One", "Eins"))
    assert len(recheck.recheck_issue(week.desk, built)) == 2
    # What the feed has forgotten, has as well, or says of anything but headlines.
    for other in (
        feed(["Three"], FRIDAY - timedelta(hours=4)),
        feed(["One", "Two", "Three", "A fourth one"], FRIDAY - timedelta(hours=2)),
        text.replace("told in one sentence", "told in two sentences").replace("Sam Lee", "Ada"),
        text.replace("<title>Two</title>", "<title>  Two\n</title>"),
        "no feed at all",
    ):
        week.room.write("feed.xml", other)
        assert recheck.recheck_issue(week.desk, built) == ()


STATUSES = {200: None, 301: None, 404: "error", 410: "error", 500: "warning", 502: "warning",
            400: "warning", 401: None, 402: None, 403: None, 405: None, 406: None, 429: None,
            451: None, 503: None}  # fmt: skip


def test_a_link_is_told_of_only_where_a_reader_would_find_nothing(office: Offices) -> None:
    pages: dict[str, str | bytes | int] = {
        f"/{status}": "a page" if status == 200 else status for status in STATUSES
    }
    with publisher({**pages, "/no-head": "a page", "/rude": "a page"}) as site:
        site.headers["/301"] = {"Location": "/200"}
        site.no_head.add("/no-head")
        site.rude.add("/rude")
        week = office()
        week.desk.close()
        week.room.configure(f'\n[gather]\nallow_hosts = ["{site.host}"]\n')
        week.desk = week.open()
        week.tick(FRIDAY)
        names = [*(str(status) for status in STATUSES), "no-head", "rude"]
        note = "\n\n".join(f"Read [the page number {n}](https://{site.host}/{n})." for n in names)
        own = "See [our own page](https://news.example.com/issues/2000-01-01), "
        own += "[a made-up one](https://www.example.org/nothing)."
        week.room.write(f"issues/{ISSUE}/note.md", f"{note}\n\n{own}\n")
        found = recheck.recheck_issue(week.desk, build.build(week.desk, ISSUE))
    told = {str(finding.place).rpartition("/")[2]: finding.level.value for finding in found}
    assert told == {str(status): fault for status, fault in STATUSES.items() if fault}


@pytest.mark.parametrize("approval", ["required", "automatic"])
def test_a_week_in_which_all_is_well_tells_of_the_draft_and_asks_for_nothing(
    office: Offices, approval: str
) -> None:
    week = office(f'approval = "{approval}"\nremind = "sun 12:00"\ndeadline = "sun 18:00"')
    week.tick(FRIDAY)
    if approval == "required":
        week.approve()
    for hours in range(1, 64, 3):
        week.tick(FRIDAY + timedelta(hours=hours))
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    week.tick(MONDAY + timedelta(hours=8))
    assert heard(week) == ["draft"]
    assert list(overview(week.desk).waiting) == []
    assert week.mails() == 1
