"""What belongs to an issue, and why the rest was left out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.gather import Visited, gather
from newsletter.model import (
    Article,
    Dateline,
    Gathered,
    Health,
    Page,
    SourceHealth,
    Window,
)
from newsletter.sources.feed import FeedSource

NOW = datetime(2025, 7, 4, 22, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(days=7), NOW)


class Source:
    """A source that has these articles, or fails with this reason."""

    def __init__(self, *articles: Article, fault: str = "", unchanged: bool = False) -> None:
        self.articles, self.fault, self.unchanged = articles, fault, unchanged

    def fetch(self, window: Window) -> Iterable[Article]:
        if self.fault:
            raise FetchError(self.fault)
        return self.articles


def article(title: str, source: str = "a.xml", hours: float = 1, **more: object) -> Article:
    values: dict[str, object] = {
        "id": f"{source}/{title}",
        "title": title,
        "source": source,
        "url": f"https://www.example.com/{source}/{title.replace(' ', '-')}",
        "published": NOW - timedelta(hours=hours),
    }
    return Article(**{**values, **more})  # type: ignore[arg-type]


def visit(options: SourceOptions, source: Source) -> Visited:
    return Visited(options, lambda: cast("Any", source), lambda: source.unchanged)


def run(*sources: Source, before: Gathered | None = None, **more: object) -> Gathered:
    options = [
        FeedSource.Options(type="feed", path=f"{name}.xml", limit=int(str(more.get("limit", 20))))
        for name in "abcd"[: len(sources)]
    ]
    visited = [visit(each, source) for each, source in zip(options, sources, strict=True)]
    window = more.get("window", WINDOW)
    rest: Any = {key: more[key] for key in ("mailed", "earlier") if key in more}
    return gather(visited, cast("Window", window), NOW, before=before, **rest)


def left(found: Gathered) -> dict[str, str]:
    return {each.article.title: each.reason for each in found.left_out}


def titles(found: Gathered) -> list[str]:
    return [each.title for each in found.articles]


def test_the_newest_first_over_all_sources() -> None:
    found = run(Source(article("Old", hours=9), article("New")), Source(article("Mid", "b.xml", 5)))
    assert titles(found) == ["New", "Mid", "Old"]
    assert [source.articles for source in found.sources] == [2, 1]


def test_what_does_not_belong_is_listed_with_its_reason() -> None:
    found = run(
        Source(
            article("Early", hours=24 * 7 + 1),
            article("At the start", hours=24 * 7),
            article("Future", hours=-1),
            article("No date", published=None),
            article("No link", url=None),
            article("Mailed by id"),
            article("Mailed by link", url="https://example.com/m/?utm_source=x"),
        ),
        mailed={"a.xml/Mailed by id": "2025-06-30", "https://example.com/m": "2025-06-23"},
    )
    assert titles(found) == ["At the start"]
    assert left(found) == {
        "Early": "outside the window",
        "Future": "outside the window",
        "No date": "no date",
        "No link": "no link",
        "Mailed by id": "mailed in the issue of 2025-06-30",
        "Mailed by link": "mailed in the issue of 2025-06-23",
    }


def test_an_article_that_a_person_put_there_needs_no_date_and_no_link() -> None:
    own = article("By hand", published=None, url=None, needs_date=False)
    assert titles(run(Source(own, article("Dated")))) == ["Dated", "By hand"]


def test_one_story_is_offered_once_and_the_source_listed_first_wins() -> None:
    found = run(
        Source(article("County opens pool"), article("Same link", url="https://example.com/1/")),
        Source(
            article("“County opens pool!”", "b.xml", 0.5),
            article("Other words", "b.xml", url="http://example.com/1?utm_source=rss#top"),
            article("County opens pools", "b.xml"),
        ),
    )
    assert sorted(titles(found)) == ["County opens pool", "County opens pools", "Same link"]
    assert {x.article.title: x.of for x in found.left_out} == {
        "“County opens pool!”": "a.xml/County opens pool",
        "Other words": "a.xml/Same link",
    }


def test_one_headline_twice_in_one_feed_under_two_links_is_two_stories() -> None:
    twice = [article("Letters", id=f"{n}", url=f"https://example.com/{n}") for n in range(2)]
    assert titles(run(Source(*twice))) == ["Letters", "Letters"]


def test_items_that_share_one_link_are_not_one_story() -> None:
    shared = [article(f"Item {n}", url="https://example.com/live") for n in range(4)]
    assert len(titles(run(Source(*shared)))) == 4


def test_an_item_repeated_with_a_new_time_is_one_story() -> None:
    found = run(Source(article("Again", hours=5), article("Again", hours=1)))
    assert titles(found) == ["Again"]
    assert left(found) == {"Again": "duplicate"}


def test_a_limit_keeps_the_newest_and_says_so() -> None:
    found = run(Source(*(article(f"N{n}", hours=n + 1) for n in range(4))), limit=2)
    assert titles(found) == ["N0", "N1"]
    assert set(left(found).values()) == {"over the limit of 2 for this source"}


def test_what_an_earlier_gather_had_stays_though_the_feed_forgot_it() -> None:
    first = run(Source(article("Monday", hours=90)))
    second = run(Source(article("Friday")), before=first)
    assert titles(second) == ["Friday", "Monday"]
    down = run(Source(fault="status 500"), Source(article("B", "b.xml")), before=second)
    assert sorted(titles(down)) == ["B", "Friday", "Monday"]
    assert [(s.status, s.reason, s.articles) for s in down.sources] == [
        ("failing", "status 500", 2),
        ("ok", None, 1),
    ]


def test_an_article_whose_headline_changed_is_still_one() -> None:
    first = run(Source(article("First words", id="x")))
    second = run(Source(article("Better words", id="x")), before=first)
    assert titles(second) == ["Better words"]


def test_a_status_keeps_its_since() -> None:
    first = run(Source(article("A")), Source(fault="down"))
    pairs = [
        visit(FeedSource.Options(type="feed", path="a.xml"), Source(fault="down")),
        visit(FeedSource.Options(type="feed", path="b.xml"), Source(article("B", "b.xml"))),
    ]
    later = gather(pairs, WINDOW, NOW + timedelta(hours=1), before=first)
    assert [source.since for source in later.sources] == [NOW + timedelta(hours=1)] * 2
    again = gather(pairs, WINDOW, NOW + timedelta(hours=2), before=later)
    assert again.sources[0].since == NOW + timedelta(hours=1)


def test_a_stale_source_is_said() -> None:
    options = FeedSource.Options(type="feed", path="a.xml", stale_after="2d")  # type: ignore[arg-type]
    found = gather([visit(options, Source(article("Old", hours=72)))], WINDOW, NOW)
    assert found.sources[0].status == "stale"
    assert "newest article is from 2025-07-01" in str(found.sources[0].reason)


def test_nothing_at_all_is_an_answer_but_no_answer_is_not() -> None:
    assert titles(run(Source())) == []
    with pytest.raises(FetchError, match="No source could be read"):
        run(Source(fault="down"), Source(fault="down too"))


def test_the_pages_own_masthead_is_the_newsletters() -> None:
    page = Page(dateline=Dateline("Los Angeles", 63.3, "F"))
    assert run(Source(article("A", page=page))).dateline == page.dateline


def test_a_source_with_nothing_new_is_unchanged() -> None:
    found = run(Source(article("A"), unchanged=True), Source(article("B", "b.xml")))
    assert [source.status for source in found.sources] == ["unchanged", "ok"]
    assert titles(found) == ["A", "B"]


def test_a_source_that_should_be_fresh_and_has_no_date_is_stale() -> None:
    options = FeedSource.Options(type="feed", path="a.xml", stale_after="2d")  # type: ignore[arg-type]
    found = gather([visit(options, Source())], WINDOW, NOW)
    assert (found.sources[0].status, found.sources[0].reason) == (
        "stale",
        "It has no article with a date.",
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (
            "City council approves the new budget plan",
            "City council approves new budget plan",
            True,
        ),
        ("UPDATE: City council approves budget", "City council approves budget", True),
        (
            "Sacramento council votes on housing bill",
            "Sacremento council votes on housing bill",
            True,
        ),
        (
            "Koreatown market opens after long renovation",
            "Koreatown market opens after long…",
            True,
        ),
        ("[단독] 시장 상인회 내달 새 건물로 이전", "시장 상인회 내달 새 건물로 이전", True),
        ("시장 상인회 내달 새 건물로 이전", "시장상인회 내달 새 건물로 이전", True),
        ("시장 상인회 내달 새 건물로 이전", "시장 번영회 내달 새 건물로 이전", False),
        ("Fire destroys three homes in Koreatown", "Fire destroys three homes in Glendale", False),
        ("Council approves 5 parks in the city", "Council approves 6 parks in the city", False),
        ("School board adopts new lunch rules", "School board adapts new lunch rules", False),
        ("Council approves new park plan", "Council rejects new park plan", False),
        ("North pier reopens after the storm", "South pier reopens after the storm", False),
        ("Star to re-sign with the Dodgers", "Star to resign with the Dodgers", False),
        ("Letters", "The letters", False),
    ],
)
def test_headlines_of_two_publishers_tell_one_story_or_two(
    one: str, other: str, same: bool
) -> None:
    found = run(Source(article(one)), Source(article(other, "b.xml")))
    assert len(titles(found)) == (1 if same else 2)


def test_one_headline_months_apart_is_two_stories() -> None:
    window = Window(NOW - timedelta(days=90), NOW)
    old = article("The best of the markets this season", "b.xml", hours=24 * 60)
    found = run(Source(article("Best of the markets this season")), Source(old), window=window)
    assert len(titles(found)) == 2


def week_before(status: str, *seen: Article) -> Gathered:
    """What was gathered for the issue before, whose window ended where this one starts."""
    window = Window(WINDOW.start - timedelta(days=7), WINDOW.start)
    reports = (SourceHealth("a.xml", "path", "feed", None, Health(status), len(seen)),)
    return Gathered(window, window.end, articles=seen, sources=reports)


def test_what_was_published_while_its_source_was_down_belongs_to_the_next_issue() -> None:
    missed = article("Missed", hours=24 * 8)
    earlier = [week_before("failing")]
    assert titles(run(Source(missed, article("New")), earlier=earlier)) == ["New", "Missed"]
    longer_ago = article("Longer ago", hours=24 * 15)
    assert left(run(Source(longer_ago), earlier=earlier)) == {"Longer ago": "outside the window"}


def test_a_source_is_asked_for_what_it_may_have_missed() -> None:
    asked: list[Window] = []

    class Asked(Source):
        def fetch(self, window: Window) -> Iterable[Article]:
            asked.append(window)
            return ()

    run(Asked(), Asked(), earlier=[week_before("failing")])
    assert sorted(window.start for window in asked) == [
        WINDOW.start - timedelta(days=7),
        WINDOW.start,
    ]
    assert {window.end for window in asked} == {WINDOW.end}


def test_what_a_source_showed_too_late_belongs_and_what_was_offered_does_not() -> None:
    late, offered = article("Late", hours=24 * 7 + 1), article("Offered", hours=24 * 8)
    found = run(Source(late, offered), earlier=[week_before("ok", offered)])
    assert titles(found) == ["Late"]
    assert left(found) == {"Offered": "outside the window"}


def test_a_new_source_does_not_bring_last_week() -> None:
    old = article("Old", "b.xml", hours=24 * 8)
    found = run(Source(article("New")), Source(old), earlier=[week_before("ok")])
    assert left(found) == {"Old": "outside the window"}


def test_an_earlier_story_comes_before_the_same_one_from_another_source() -> None:
    first = run(Source(article("Pool opens for summer")))
    again = run(Source(), Source(article("Pool opens for summer!", "b.xml")), before=first)
    assert [a.source for a in again.articles] == ["a.xml"]
    assert [x.of for x in again.left_out] == ["a.xml/Pool opens for summer"]


def test_a_page_that_cannot_be_read_again_takes_nothing_away() -> None:
    whole = article("Pool", id="x", authors=("Sam Lee",), blurb="It opened.")
    first = run(Source(whole))
    again = run(Source(article("Pool!", id="x", partial=True)), before=first)
    assert [(a.title, a.authors, a.blurb) for a in again.articles] == [
        ("Pool!", ("Sam Lee",), "It opened.")
    ]
    bare = run(Source(article("Pool", id="x")), before=first)
    assert [a.authors for a in bare.articles] == [()]
