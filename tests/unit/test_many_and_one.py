"""What a source or a file has of many is, for each of them, what it has of that one alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.app import open_desk
from newsletter.app.readers import lists
from newsletter.errors import NewsletterError
from newsletter.http import Fetcher
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, build, options
from tests.newsroom import CONFIG

LA = ZoneInfo("America/Los_Angeles")
WINDOW = Window(datetime(2025, 6, 30, tzinfo=UTC), datetime(2025, 7, 7, tzinfo=UTC))

ITEMS = (
    "<title>Plain</title><link>https://www.example.com/1</link><guid>1</guid>"
    "<pubDate>Thu, 03 Jul 2025 10:00:00 GMT</pubDate>",
    "<title>With a picture</title><link>https://www.example.com/2</link><guid>2</guid>"
    '<enclosure url="https://www.example.com/2.jpg" type="image/jpeg" length="9"/>'
    "<media:description>A thing (AP)</media:description>",
    "<title>Written &amp; told</title><link>https://www.example.com/3</link>"
    "<dc:creator>By Ada Lovelace, Staff Writer</dc:creator><description>One.</description>",
    "<title>한국어 제목</title><link>https://www.example.com/4</link><guid>4</guid>"
    '<description><![CDATA[<p>본문 <img src="https://www.example.com/4.png" alt="사진"></p>]]>'
    "</description>",
    "<title>No date, no guid</title><link>https://www.example.com/5?utm_source=x</link>",
    '<title>With media</title><guid isPermaLink="true">https://www.example.com/6</guid>'
    '<media:content url="https://www.example.com/6.jpg" medium="image" width="1200"/>',
    "<title>Without a link</title><guid>7</guid><description>Two.</description>",
    "<title>A date of its own</title><link>https://www.example.com/8</link>"
    "<dc:date>2025-07-04T00:15:00+09:00</dc:date><author>sam@example.com (Sam Lee)</author>",
)
RSS = (
    '<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/"><channel><title>Daily</title>'
    "<link>https://www.example.com/</link><description>d</description>{}</channel></rss>"
)
ENTRIES = (
    {"id": "1", "url": "https://www.example.com/1", "title": "One", "content_text": "A."},
    {"id": "2", "url": "https://www.example.com/2", "title": "Two", "authors": [{"name": "Ada"}]},
    {"id": "3", "url": "https://www.example.com/3", "title": "Three", "summary": "C.",
     "image": "https://www.example.com/3.jpg", "date_published": "2025-07-03T10:00:00Z"},
    {"id": "4", "title": "네 번째", "content_html": "<p>D</p>", "language": "ko"},
)  # fmt: skip


def fetched(folder: Path, text: str) -> list[Article]:
    (folder / "feed").write_text(text, encoding="utf-8")
    chosen = options("feed").model_validate({"type": "feed", "path": "feed", "section": "News"})
    return list(build(chosen, Surroundings(folder, LA, Fetcher())).fetch(WINDOW))


def rss(items: Sequence[str]) -> str:
    return RSS.format("".join(f"<item>{item}</item>" for item in items))


def json_feed(entries: Sequence[object]) -> str:
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": "Daily", "items": entries})


@pytest.mark.parametrize("order", [1, -1])
def test_each_item_of_an_rss_feed(tmp_path: Path, order: int) -> None:
    items = ITEMS[::order]
    alone = [article for item in items for article in fetched(tmp_path, rss([item]))]
    assert fetched(tmp_path, rss(items)) == alone
    assert len({article.id for article in alone}) == len(alone) == len(ITEMS)


@pytest.mark.parametrize(
    ("number", "is_letter"),
    [
        (9, True), (10, True), (13, True), (32, True), (0xD7FF, True), (0xE000, True),
        (0x10000, True), (0x10FFFD, True), (0, False), (8, False), (11, False),
        (31, False), (0xD800, False), (0xDFFF, False), (0xFFFE, False), (0x110000, False),
    ],
)  # fmt: skip
def test_a_letter_by_its_number_spoils_no_feed(
    tmp_path: Path, number: int, is_letter: bool
) -> None:
    items = [item.replace("Plain", f"Plain&#{number};words") for item in ITEMS]
    found = fetched(tmp_path, rss(items))
    assert len(found) == len(ITEMS)
    assert found[0].title.startswith("Plain")
    assert ("Plainwords" not in found[0].title) == is_letter
    assert fetched(tmp_path, rss([items[0].replace(f"#{number}", f"#x{number:x}")])) == found[:1]


@pytest.mark.parametrize("order", [1, -1])
def test_each_item_of_a_json_feed(tmp_path: Path, order: int) -> None:
    entries = ENTRIES[::order]
    alone = [article for each in entries for article in fetched(tmp_path, json_feed([each]))]
    assert fetched(tmp_path, json_feed(entries)) == alone
    assert len({article.id for article in alone}) == len(alone) == len(ENTRIES)


LINES = (
    "a@example.com,Ada,active",
    "b@example.com,,unsubscribed",
    "C@Example.com,Carl,",
    "c@example.com,Charlotte,inactive",
    "d@example.com,Dora,cleaned",
    "no address,Eve,active",
    "f@example.com,F,sleeping",
    "a@example.com,,complained",
    "한글@example.com,글,active",
    "gone@example.com,G,active",
)


def test_each_line_of_a_file_of_subscribers(tmp_path: Path) -> None:
    """In one go, one by one, and backwards: the strictest state counts, whoever comes last."""
    ends = []
    for number, files in enumerate(([LINES], [[line] for line in LINES], [LINES[::-1]])):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "newsletter.toml").write_text(CONFIG, encoding="utf-8")
        desk = open_desk(folder)
        lists.add(desk, "gone@example.com", "")
        lists.erase(desk, "gone@example.com")
        refused = 0
        for lines in files:
            path = folder / "readers.csv"
            text = "\n".join(["email,name,status", *lines])
            path.write_text(f"{text}\n", encoding="utf-8")
            try:
                refused += lists.import_file(desk, path, skip_bad_lines=True).rejected_count
            except NewsletterError:  # no line of it can be used
                refused += 1
        ends.append(({p.email: p.word for p in lists.everyone(desk)}, refused))
        desk.close()
    assert ends[0] == ends[1] == ends[2]
    states, refused = ends[0]
    assert refused == 3
    assert states == {
        "a@example.com": "complained",
        "b@example.com": "unsubscribed",
        "c@example.com": "unsubscribed",
        "d@example.com": "bounced",
        "한글@example.com": "active",
    }
