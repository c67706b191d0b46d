"""An issue's pictures, from the publisher's server to the mail."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.publisher import Publisher, publisher
from tests.newsroom import Newsroom, make

ISSUE = "2030-01-07"


def saved(kind: str, width: int = 1600, height: int = 900) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(made, kind)
    return made.getvalue()


def feed(site: Publisher, pictures: list[str]) -> str:
    date = datetime.now(UTC) - timedelta(hours=1)
    items = "".join(
        f"<item><title>Story with picture {number}</title><link>https://www.example.com/{number}"
        f"</link><guid>{number}</guid><pubDate>{format_datetime(date - timedelta(hours=number))}"
        f'</pubDate><enclosure url="{site.url}/{picture}" type="image/x" length="1"/></item>'
        for number, picture in enumerate(pictures)
    )
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher() as found:
        yield found


@pytest.fixture
def room(tmp_path: Path, site: Publisher) -> Newsroom:
    site.pages["/lead.jpg"] = saved("JPEG")
    site.pages["/small.webp"] = saved("WEBP")
    site.pages["/page.png"] = "<html>Please log in</html>"
    newsroom = make(tmp_path)
    newsroom.write("feed.xml", feed(site, ["lead.jpg", "small.webp", "page.png", "gone.jpg"]))
    newsroom.configure(f'\n[gather]\nallow_hosts = ["{site.host}"]\n')
    return newsroom


def mail(room: Newsroom) -> str:
    return (room.folder / "issues" / ISSUE / "build" / "email.html").read_text(encoding="utf-8")


def shown(room: Newsroom) -> list[tuple[str, int, int]]:
    """The pictures of the mail: address, width, height."""
    found = re.findall(r"<img\b[^>]*>", mail(room))
    return [
        (
            re.search(r'src="([^"]*)"', tag)[1],  # type: ignore[index]
            int(re.search(r'width="(\d+)"', tag)[1]),  # type: ignore[index]
            int(re.search(r'height="(\d+)"', tag)[1]),  # type: ignore[index]
        )
        for tag in found
    ]


def findings(room: Newsroom) -> list[dict[str, Any]]:
    return [f for f in room.json("build", ISSUE)["findings"] if f["check"] == "pictures"]


def test_they_are_fetched_fitted_and_named_by_what_is_in_them(room: Newsroom) -> None:
    room.run("gather", ISSUE)
    said = findings(room)
    lead, small = shown(room)
    folder = room.folder / "issues" / ISSUE / "pictures"
    for (address, width, height), place in ((lead, 536), (small, 184)):
        assert address.startswith(f"https://news.example.com/issues/{ISSUE}/pictures/")
        assert (width, height) == (place, round(place * 9 / 16))
        assert (folder / address.rpartition("/")[2]).is_file()
    with Image.open(folder / lead[0].rpartition("/")[2]) as image:
        assert image.size == (1072, 603)
    assert {f["level"] for f in said} == {"warning"}
    words = " ".join(f"{f['message']} {f['place']}" for f in said)
    assert "page.png is not a picture that mails can show" in words
    assert "gone.jpg answered with status 404" in words
    assert "Story with picture 2" in words


def test_they_are_asked_for_once_and_the_lost_ones_again(room: Newsroom, site: Publisher) -> None:
    room.run("gather", ISSUE)
    site.asked.clear()
    site.pages["/gone.jpg"] = saved("PNG", 40, 30)
    room.run("build", ISSUE)
    assert sorted(site.asked) == ["/gone.jpg", "/page.png"]
    assert shown(room)[2][1:] == (40, 30)
    before = mail(room)
    room.run("build", ISSUE)
    assert mail(room) == before


def test_a_story_that_becomes_the_lead_gets_a_bigger_one(room: Newsroom) -> None:
    room.run("gather", ISSUE)
    path = room.folder / "issues" / ISSUE / "issue.toml"
    lead, small = re.findall(r'article = "(\w+)"', path.read_text())[:2]
    text = path.read_text().replace(lead, "·").replace(small, lead).replace("·", small)
    path.write_text(text)
    room.run("build", ISSUE)
    assert [width for _, width, _ in shown(room)] == [536, 184]
    assert shown(room)[0][0].endswith(".jpg")


def test_an_editors_own_file_that_is_painted_over_shows_anew(room: Newsroom) -> None:
    room.run("gather", ISSUE)
    folder = room.folder / "issues" / ISSUE
    (folder / "images").mkdir()
    (folder / "images" / "plan.png").write_bytes(saved("PNG", 800, 400))
    room.write(f"issues/{ISSUE}/note.md", "Look:\n\n![A plan](images/plan.png)\n")
    room.run("build", ISSUE)
    first = shown(room)[0]
    assert first[1:] == (536, 268)
    (folder / "images" / "plan.png").write_bytes(saved("PNG", 400, 400))
    room.run("build", ISSUE)
    assert shown(room)[0][0] != first[0]
    assert (folder / "pictures" / first[0].rpartition("/")[2]).exists()  # mails may show it
    (folder / "images" / "plan.png").write_bytes(b"no picture")
    assert any("images/plan.png is not a picture" in f["message"] for f in findings(room))


def test_one_that_is_missing_is_named_with_its_file_and_line(
    room: Newsroom, site: Publisher
) -> None:
    room.run("gather", ISSUE)
    site.pages.clear()
    for name in ("ad", "plan"):
        room.write(f"issues/{ISSUE}/images/{name}.png", "no picture")
    path = room.folder / "issues" / ISSUE / "issue.toml"
    slot = '\n# image = "images/ad.png"\n[[sponsors]]\ntext = "Bread"\nimage = "images/ad.png"\n'
    path.write_text(path.read_text() + slot + 'alt = "A loaf"\n', encoding="utf-8")
    room.write(f"issues/{ISSUE}/note.md", "Look:\n\n![A plan](images/plan.png)\n")
    toml = path.read_text().splitlines()
    places = {f["place"] for f in findings(room) if "A picture is missing" in f["message"]}
    ad = toml.index('image = "images/ad.png"') + 1
    assert {"note.md, line 3", f"issue.toml, line {ad}"} <= places
    stories = [n for n, line in enumerate(toml, 1) if line.startswith("article = ")]
    of_stories = sorted(place for place in places if place.startswith("“"))
    assert of_stories
    for place in of_stories:
        number = int(place.rpartition(" ")[2])
        assert f", issue.toml, line {number}" in place
        assert number in stories


def test_linked_ones_stay_where_they_are(room: Newsroom, site: Publisher) -> None:
    room.configure(
        f'\n[gather]\nallow_hosts = ["{site.host}"]\n',
        **{'timezone = "America': 'images = "link"\ntimezone = "America'},
    )
    room.run("gather", ISSUE)
    room.run("build", ISSUE)
    addresses = re.findall(r'<img src="([^"]*)"', mail(room))
    assert [a.rpartition("/")[2] for a in addresses] == ["lead.jpg", "page.png", "gone.jpg"]
    assert site.asked == []
    assert not (room.folder / "issues" / ISSUE / "pictures").exists()


def test_without_public_pages_they_are_linked(room: Newsroom, site: Publisher) -> None:
    room.configure("", **{'base_url = "https://news.example.com"\n': ""})
    room.run("gather", ISSUE)
    room.run("build", ISSUE)
    assert "small.webp" not in mail(room)
    assert "/lead.jpg" in mail(room)
    assert site.asked == []


def test_a_damaged_list_is_made_anew(room: Newsroom) -> None:
    room.run("gather", ISSUE)
    room.run("build", ISSUE)
    before = mail(room)
    path = room.folder / "issues" / ISSUE / "pictures" / "pictures.json"
    for damaged in ("{", "[]", json.dumps({"hosted": [{"of": 1}], "lost": {}})):
        path.write_text(damaged)
        room.run("build", ISSUE)
        assert mail(room) == before


def test_the_editors_portrait_is_cut_to_a_square(room: Newsroom) -> None:
    room.configure("", **{"[[sources]]": 'picture = "me.png"\n\n[[sources]]'})
    (room.folder / "me.png").write_bytes(saved("PNG", 500, 800))
    room.run("gather", ISSUE)
    room.run("build", ISSUE)
    assert shown(room)[0][1:] == (72, 72)
    (room.folder / "me.png").unlink()
    assert any("There is no picture me.png" in f["message"] for f in findings(room))
