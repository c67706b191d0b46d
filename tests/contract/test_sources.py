"""What every source promises, and what feeds in the wild must not break."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from newsletter import registry, sources
from newsletter.errors import FetchError
from newsletter.http import Fetcher
from newsletter.model import Article, Window
from newsletter.sources import Surroundings
from tests.contract import samples
from tests.e2e.publisher import Publisher, publisher

ROOT = Path(__file__).parents[2]
ALWAYS = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
SAMPLES = {
    "feed": ["sample/news.xml", "sample/community.atom.xml", "sample/business.json"],
    "folder": ["sample/saved"],
    "page": ["{site}/story/0", "{site}/story/1"],
    "sitemap": ["{site}/news.xml"],
    "wordpress": ["{site}"],
}
CASES = [(type_, path) for type_, paths in SAMPLES.items() for path in paths]


@pytest.fixture(scope="module")
def site() -> Iterator[Publisher]:
    with publisher() as found:
        found.pages.update(samples.pages(found.url))
        yield found


def fetch(type_: str, place: str, folder: Path = ROOT, zone: str = "UTC") -> list[Article]:
    key = "url" if "url" in sources.options(type_).model_fields and "://" in place else "path"
    values = {"type": type_, key: place, "section": "News"}
    options = sources.options(type_).model_validate(values)
    around = Surroundings(folder, ZoneInfo(zone), Fetcher([urlsplit(place).netloc]))
    return list(sources.build(options, around).fetch(ALWAYS))


def holds_the_rules(articles: list[Article]) -> None:
    for article in articles:
        assert re.fullmatch(r"[0-9a-f]{12}", article.id)
        for text in (article.title, article.blurb, article.caption or "", article.credit or ""):
            assert text == " ".join(text.split())
            assert not re.search("[\x00-\x1f\u202a-\u202e\ufffd]", text)
        assert len(article.title) < 300
        assert len(article.blurb) <= 280
        assert article.published is None or article.published.tzinfo is not None
        for url in (article.url, article.image):
            assert url is None or url.startswith("https://")
        assert not any("@" in name or "://" in name for name in article.authors)


def test_every_source_has_a_sample() -> None:
    assert registry.names("newsletter.sources") == sorted(SAMPLES)


@pytest.mark.parametrize(("type_", "path"), CASES)
def test_the_rules_of_every_article(type_: str, path: str, site: Publisher) -> None:
    path = path.format(site=site.url)
    found = fetch(type_, path)
    assert len(found) >= (1 if type_ == "page" else 3)
    holds_the_rules(found)
    assert {article.section for article in found} == {"News"}
    assert {article.source for article in found} == {path}
    assert all(article.authors and article.title and article.blurb for article in found)
    assert [a.id for a in fetch(type_, path)] == [a.id for a in found]
    assert len({article.id for article in found}) == len(found)


@pytest.mark.parametrize("type_", ["feed", "folder"])
def test_what_is_not_there_is_said(type_: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"newsletter\.toml"):
        fetch(type_, "none", tmp_path)


@pytest.mark.parametrize("type_", ["feed", "page", "sitemap", "wordpress"])
@pytest.mark.parametrize("answer", [404, 403, 500, "", "<html></html>", "{", "[1]", "\0\ufffe<"])
def test_what_a_site_may_answer_instead(type_: str, answer: str | int, site: Publisher) -> None:
    for path in ("/other", "/other/wp-json/wp/v2/posts", "/other/"):
        site.pages[path] = answer
    with pytest.raises(FetchError, match=r"[;:.] .*\.$") as caught:
        fetch(type_, f"{site.url}/other")
    assert site.url in str(caught.value)


@pytest.mark.parametrize("type_", ["page", "sitemap", "wordpress"])
def test_what_the_pages_of_a_site_say(type_: str, site: Publisher) -> None:
    place = SAMPLES[type_][0].format(site=site.url)
    found = min(fetch(type_, place), key=lambda a: a.published or ALWAYS.end)
    assert found.title == "Night market moves indoors"
    assert found.authors == ("Noor Lindahl",)
    assert found.image == "https://www.example.com/0.jpg"
    assert found.caption == "The pier in June"
    assert found.credit == "Ada Moss"
    assert found.published is not None
    assert f"{found.published:%Y-%m-%d}" == "2025-07-01"
    assert "Night market moves indoors" in found.blurb


def test_a_picture_keeps_its_caption_and_credit() -> None:
    found = {article.title[:16]: article for article in fetch("feed", "sample/news.xml")}
    lead = found["After six dark s"]
    assert lead.caption
    assert lead.caption.startswith("A family walks up")
    assert lead.credit == "Illustration by Haru Lindqvist"
    page = next(a for a in fetch("folder", "sample/saved") if a.url)
    assert page.credit == "Illustration by Haru Lindqvist"
    assert page.caption
    assert page.caption.endswith("before it opens.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<html><body>Hello</body></html>", "is a web page, not a feed"),
        ("", "is empty"),
        ('{"items": 3}', "no list of items"),
        ("{broken", "is not valid JSON"),
    ],
)
def test_what_is_no_feed_is_said(tmp_path: Path, content: str, expected: str) -> None:
    (tmp_path / "feed").write_text(content)
    with pytest.raises(FetchError, match=expected):
        fetch("feed", "feed", tmp_path)


def test_odd_json_feeds(tmp_path: Path) -> None:
    (tmp_path / "feed").write_bytes(
        b'\xef\xbb\xbf{"items":[{"id":"1","title":"T","authors":5,"image":7},'
        b'"x",{"id":2,"title":"U","author":{"name":"A B"},"date_published":"2025-07-01"}]}'
    )
    one, two = fetch("feed", "feed", tmp_path, "America/Los_Angeles")
    assert (one.title, one.authors, one.published) == ("T", (), None)
    assert two.authors == ("A B",)
    assert two.published == datetime(2025, 7, 1, 7, tzinfo=UTC)
    holds_the_rules([one, two])


def test_all_feeds_that_were_collected(shared_data: Path) -> None:
    read, refused = 0, []
    for path in sorted((shared_data / "feeds").glob("*")):
        if path.name == "expected.json":
            continue
        try:
            found = fetch("feed", path.name, path.parent)
        except FetchError:
            refused.append(path.name)
            continue
        holds_the_rules(found)
        read += bool(found)
    assert read >= 44
    assert {"bomb-billion-laughs.xml", "notfeed-tiny.html"} <= set(refused)
    assert len(refused) <= 6, refused
