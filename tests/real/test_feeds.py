"""The facts of real feeds, against what their files say and what people judged."""

from __future__ import annotations

import calendar
import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import feedparser
import pytest

from newsletter.errors import FetchError
from newsletter.gather import Visited, gather
from newsletter.http import Fetcher
from newsletter.model import Article, Window
from newsletter.sanitize import canonical
from newsletter.sources import Surroundings
from newsletter.sources.feed import FeedSource
from tests.real.scoring import Score

NOW = datetime(2026, 11, 24, tzinfo=UTC)
EVER = Window(datetime(1990, 1, 1, tzinfo=UTC), NOW)
ZONES = {"ko-": "Asia/Seoul", "nbcnewyork": "America/New_York"}
REFUSED = ("bad-truncated", "notfeed", "bomb-")  # no feed is in them


def zone(name: str) -> str:
    return next((zone for part, zone in ZONES.items() if part in name), "UTC")


def ours(folder: Path, name: str) -> list[Article]:
    options = FeedSource.Options(type="feed", path=name, timezone=zone(name))
    source = FeedSource(options, Surroundings(folder, ZoneInfo("UTC"), Fetcher()))
    try:
        return list(source.fetch(EVER))
    except FetchError:
        return []


def plain(folder: Path, name: str) -> list[dict[str, Any]]:
    """What a program reads that calls feedparser and nothing else."""
    found = []
    for entry in feedparser.parse((folder / name).read_bytes()).entries:
        dates = [entry[key] for key in ("published_parsed", "updated_parsed") if key in entry]
        parsed = next(filter(None, dates), None)
        when = datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
        media = [m.get("url") for m in entry.get("media_content", ()) if m.get("url")]
        found.append(
            {
                "title": entry.get("title", ""),
                "url": entry.get("link"),
                "author": entry.get("author"),
                "published": when,
                "image": media[0] if media else None,
            }
        )
    return found


def words(text: str | None) -> str:
    """A headline for comparing: without markup, blanks and kinds of quotation marks."""
    bare = html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", html.unescape(text or "")))
    return " ".join(bare.split())


def same_url(one: str | None, other: str | None) -> bool:
    return canonical(one or "") == canonical(other or "")


def expected(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What is known of the first item, judgement before file before feedparser."""
    judged = facts.get("judged_by_hand", {})
    first, theirs = _first(facts, "read_from_file"), _first(facts, "feedparser")
    first = first or facts.get("first") or {}
    if title := first.get("title") or theirs.get("title"):
        yield "title", title
    link = judged.get("first_link_resolved") or judged.get("first_link") or first.get("link")
    if link and "://" in link:
        yield "url", link
    if "first_published_true_utc" in judged:
        yield "published", judged["first_published_true_utc"]
    elif "first_published_true" in judged:
        yield "published", "2023-12-16T19:02:33Z"  # two in the afternoon in New York
    elif published := first.get("published"):
        yield "published", published
    elif theirs.get("published_utc") and "judged" not in str(judged.get("note", "")):
        yield "published", theirs["published_utc"]
    if author := first.get("author"):
        yield "author", author
    if "first_image_usable" in judged:
        yield "image", judged["first_image_usable"]
    elif (image := first.get("image")) and "img" not in str(first.get("image_from")):
        yield "image", image


def _first(facts: dict[str, Any], reader: str) -> dict[str, Any]:
    said = facts.get(reader)
    return (said.get("first") or {}) if isinstance(said, dict) else {}


def right(fact: str, truth: Any, found: Any) -> bool:
    if fact == "title":
        return words(found) == words(truth)
    if fact == "url":
        return same_url(found, truth)
    if fact == "published":
        when = datetime.fromisoformat(truth) if truth else None
        return found is None if when is None else found is not None and abs(found - when) < SECOND
    if fact == "author":
        return bool(found) and "@" not in found and "://" not in found and _named(found, truth)
    return (found is None) if truth is None else bool(found) and same_picture(found, truth)


SECOND = timedelta(seconds=1)


def _named(found: str, truth: str) -> bool:
    """Whether the names found are those of the author line, which may hold an address, too."""
    return all(name.strip().casefold() in truth.casefold() for name in found.split(", "))


def same_picture(found: str, truth: str) -> bool:
    """One picture may be offered in several sizes."""
    one, other = (re.sub(r"[?#].*", "", canonical(url)) for url in (found, truth))
    return one == other or one.rsplit("/", 1)[0] == other.rsplit("/", 1)[0]


def test_the_facts_of_real_feeds(shared_data: Path) -> None:
    folder = shared_data / "feeds"
    files = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    we, they = Score("feeds"), Score("plain feedparser")
    for name, facts in files.items():
        articles, entries = ours(folder, name), plain(folder, name)
        count = 0 if name.startswith(REFUSED) else _items(facts)
        we.expect(f"{name}: {len(articles)} items, not {count}", len(articles) == count)
        they.expect(name, len(entries) == count)
        if not count:
            continue
        first = articles[0] if articles else None
        values = {
            "title": first.title if first else "",
            "url": first.url if first else None,
            "published": first.published if first else None,
            "author": ", ".join(first.authors) if first else "",
            "image": first.image if first else None,
        }
        for fact, truth in expected(facts):
            said = f"{name}: {fact} is {values[fact]!r}, not {truth!r}"
            we.expect(said, right(fact, truth, values[fact]))
            they.expect(name, right(fact, truth, entries[0][fact] if entries else None))
    print("\n" + we.line(they))
    assert we.share >= 0.97, "\n".join([we.line(they), *we.missed])
    assert we.share > they.share


def _items(facts: dict[str, Any]) -> int:
    read, theirs = facts.get("read_from_file"), facts.get("feedparser")
    for said, key in ((read, "items"), (theirs, "entries"), (facts, "entries")):
        if isinstance(said, dict) and isinstance(said.get(key), int):
            return int(said[key])
    raise KeyError(str(facts)[:300])


def test_a_feed_that_repeats_itself_gives_each_story_once(shared_data: Path) -> None:
    options = FeedSource.Options(type="feed", path="ko-khan-all-dupguids.xml", limit=1000)
    source = FeedSource(
        options, Surroundings(shared_data / "feeds", ZoneInfo("Asia/Seoul"), Fetcher())
    )
    found = gather([Visited(options, lambda: source)], EVER, NOW)
    assert len(found.articles) == 240


def test_local_times_labelled_as_utc_do_not_lie_in_the_future(shared_data: Path) -> None:
    made = datetime(2022, 7, 30, 0, 4, 40, tzinfo=UTC)
    for name in ("ko-hani-all.xml", "ko-hani-politics.xml"):
        found = [a.published for a in ours(shared_data / "feeds", name)]
        assert all(when and when <= made for when in found)


@pytest.mark.parametrize("name", ["ko-euckr-undeclared.xml", "ko-cp949-declared-euckr.xml"])
def test_korean_stays_readable(shared_data: Path, name: str) -> None:
    titles = "".join(article.title for article in ours(shared_data / "feeds", name))
    assert re.search("[가-힣]{2}", titles)
    assert "\ufffd" not in titles
