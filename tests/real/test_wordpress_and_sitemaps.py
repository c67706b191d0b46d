"""Real answers of WordPress sites and real sitemaps, served from loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from newsletter import sanitize, sources
from newsletter.http import Fetcher
from newsletter.model import Article, Window
from newsletter.sanitize import canonical
from newsletter.sources import Surroundings
from tests.e2e.publisher import Publisher, publisher
from tests.real.scoring import Score
from tests.real.test_feeds import words

EVER = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as found:
        yield found


def fetched(site: Publisher, type_: str, path: str = "", **more: Any) -> list[Article]:
    options = sources.options(type_).model_validate(
        {"type": type_, "url": f"{site.url}{path}", **more}
    )
    around = Surroundings(Path(), ZoneInfo("UTC"), Fetcher([site.host]))
    return list(sources.build(options, around).fetch(EVER))


def picture(url: str | None) -> str:
    return re.sub(r"[?#].*", "", canonical(url or ""))


def test_the_facts_of_real_wordpress_sites(shared_data: Path, site: Publisher) -> None:
    folder = shared_data / "wordpress"
    score = Score("wordpress")
    for name, facts in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
        site.pages = {"/wp-json/wp/v2/posts": (folder / name).read_text(encoding="utf-8")}
        found = fetched(site, "wordpress")
        items = facts.get("items", [])
        score.expect(f"{name}: {len(found)} posts", len(found) == facts.get("posts", len(items)))
        for item, article in zip(items, found, strict=False):
            where = f"{name} {item['id']}"
            score.expect(f"{where} {article.title}", words(article.title) == words(item["title"]))
            if item.get("link"):
                same = canonical(article.url or "") == canonical(item["link"])
                score.expect(f"{where} {article.url}", same)
            if item.get("date_gmt") or item.get("date"):
                truth = datetime.fromisoformat(item.get("date_gmt") or item["date"])
                said = article.published and article.published.replace(tzinfo=None)
                score.expect(f"{where} {article.published}", said == truth)
            authors = [item["author"]] if item.get("author") else []
            score.expect(f"{where} {article.authors}", list(article.authors) == authors)
            if item.get("image"):
                # What no mail program shows, such as WebP, is left out.
                shown = sanitize.picture(item["image"]) if item["image"] else None
                right = picture(article.image) == picture(shown)
                score.expect(f"{where} {article.image}, not {item['image']}", right)
            start = words(item.get("excerpt_start", ""))[:40]
            blurb = words(article.blurb)
            score.expect(f"{where} {article.blurb}", blurb[:40] == start or not blurb or not start)
    print("\n" + score.line())
    assert score.share == 1, "\n".join([score.line(), *score.missed])


def test_the_facts_of_real_sitemaps(shared_data: Path, site: Publisher) -> None:
    folder = shared_data / "sitemaps"
    score = Score("sitemaps")
    for name, facts in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items():
        site.pages = {"/map.xml": (folder / name).read_bytes()}
        found = fetched(site, "sitemap", "/map.xml", read_pages=False)
        count = facts["urls"] if facts["root"] == "urlset" else 0
        score.expect(f"{name}: {len(found)} addresses", len(found) == count)
        first = facts.get("first_news")
        if not first:
            continue
        article = next(a for a in found if canonical(a.url or "") == canonical(first["loc"]))
        score.expect(f"{name}: {article.title}", words(article.title) == words(first["title"]))
        when = datetime.fromisoformat(first["publication_date"])
        score.expect(f"{name}: {article.published}", article.published == when)
        score.expect(f"{name}: {article.language}", article.language == first["language"])
    print("\n" + score.line())
    assert score.share == 1, "\n".join([score.line(), *score.missed])
