"""The facts of real article pages, against what their publishers' own readers found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import trafilatura

from newsletter.sanitize import canonical
from newsletter.sources import _article_page
from tests.real.scoring import Score

ZONES = {"kr": "Asia/Seoul", "jp": "Asia/Tokyo", "cn": "Asia/Shanghai", "tr": "Europe/Istanbul"}


def zone(name: str) -> ZoneInfo:
    return ZoneInfo(ZONES.get(name[:2], "UTC"))


def expected(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Title, authors, date and picture, as far as they are known and on the page."""
    truth, judged = facts.get("truth") or {}, facts.get("judged_by_hand") or {}
    more = truth.get("other") or truth.get("metadata") or {}
    title = judged.get("title_true") or truth.get("title") or more.get("title")
    if title:
        yield "title", title
    authors = truth.get("authors") or more.get("authors") or more.get("author")
    authors = authors or truth.get("byline")
    if authors:
        yield "authors", [authors] if isinstance(authors, str) else authors
    when = judged.get("published_true") or truth.get("published") or more.get("date")
    when = when or truth.get("publishedTime")
    if when:
        yield "published", str(when)
    if image := truth.get("cover_image") or more.get("top_image"):
        yield "image", image


def squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


def right(fact: str, truth: Any, found: Any, where: ZoneInfo) -> bool:
    if not found:
        return False
    if fact == "title":
        # A publisher's title tag may carry the site's name, which is no part of the headline.
        return squeezed(truth).startswith(squeezed(found)) and len(found) > 8
    if fact == "authors":
        wanted = {squeezed(_bare(name)) for name in truth}
        names = {squeezed(_bare(name)) for name in found}
        if others := re.search(r"외 (\d+)명", " ".join(truth)):  # and so many others
            return wanted < names and len(names) == 1 + int(others[1])
        return names == wanted
    if fact == "published":
        return _same_moment(truth, found, where)
    return same_picture(found, truth)


def same_picture(found: str, truth: str) -> bool:
    """One picture may be offered in several sizes and formats."""
    one, other = (re.sub(r"[?#].*", "", canonical(url)) for url in (found, truth))
    if len(_name(one)) <= 4 and len(_name(other)) <= 4:  # names of sizes: the folder is the picture
        return one.rsplit("/", 1)[0] == other.rsplit("/", 1)[0]
    return one == other or _name(one) == _name(other)


def _name(url: str) -> str:
    bare = re.sub(r"(?:\.(?:jpe?g|png|webp|gif))+$", "", url.rsplit("/", 1)[1])
    return re.sub(r"(?:_w\d+)?(?:_r\d+)?(?:_[a-z])?$|-\d+x\d+$|-scaled$", "", bare)


def _bare(name: str) -> str:
    return re.sub(r"\s*(?:기자|記者|记者)(?:\s*외\s*\d+\s*명)?$|^By\s+", "", name)


def _same_moment(truth: str, found: Any, where: ZoneInfo) -> bool:
    if isinstance(found, str):  # trafilatura knows days alone
        return truth[:10] == found[:10]
    wanted = datetime.fromisoformat(truth)
    if len(truth) == 10 or truth.endswith("00:00:00"):
        return bool(found.astimezone(where).date() == wanted.date())
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=where)
    return bool(abs((found - wanted.astimezone(UTC)).total_seconds()) < 60)


def plain(data: bytes) -> dict[str, Any]:
    """What a program reads that calls trafilatura and nothing else."""
    found = trafilatura.extract_metadata(data)
    if found is None:
        return {}
    return {
        "title": found.title,
        "authors": (found.author or "").split("; ") if found.author else None,
        "published": found.date,
        "image": found.image,
    }


def test_the_facts_of_real_pages(shared_data: Path) -> None:
    folder = shared_data / "pages"
    files = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    we, they = Score("pages"), Score("plain trafilatura")
    for name, facts in files.items():
        if not name.endswith(".html"):
            continue
        data = (folder / name).read_bytes()
        url = (facts.get("truth") or {}).get("url")
        page, theirs = _article_page.read(data, zone(name), url), plain(data)
        values = {
            "title": page.title,
            "authors": page.authors,
            "published": page.published,
            "image": page.image,
        }
        for fact, truth in expected(facts):
            said = f"{name}: {fact} is {values[fact]!r}, not {truth!r}"
            we.expect(said, right(fact, truth, values[fact], zone(name)))
            they.expect(name, right(fact, truth, theirs.get(fact), zone(name)))
    print("\n" + we.line(they))
    assert we.share >= 0.92, "\n".join([we.line(they), *we.missed])
    assert we.share > they.share
