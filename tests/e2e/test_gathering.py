"""Gathering from a publisher's real web server, as an editor meets it on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.publisher import Publisher, publisher
from tests.newsroom import Newsroom, feed

ISSUE = "2030-01-07"
TITLES = ("First story", "Second tale", "Third report")


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher({"/feed": feed(TITLES)}) as found:
        yield found


@pytest.fixture
def room(newsroom: Newsroom, site: Publisher) -> Newsroom:
    newsroom.configure(_gather(site), **{'path = "feed.xml"': f'url = "{site.url}/feed"'})
    return newsroom


def _gather(*sites: Publisher) -> str:
    return f"\n[gather]\nallow_hosts = {json.dumps([site.host for site in sites])}\n"


def _linked(site: Publisher, *titles: str) -> str:
    """The feed with links into the publisher's own site."""
    return feed(titles).replace("https://www.example.com/", f"{site.url}/")


def test_a_second_gather_moves_almost_nothing(room: Newsroom, site: Publisher) -> None:
    room.run("gather", ISSUE)
    whole = site.body_bytes
    assert room.json("gather", ISSUE)["sources"][0]["status"] == "unchanged"
    assert site.statuses == [200, 304]
    assert site.body_bytes == whole > 500
    assert len(room.gathered(ISSUE)["articles"]) == 3

    site.pages["/feed"] = feed((*TITLES, "Fourth account"))
    assert len(room.json("gather", ISSUE)["new"]) == 1
    assert site.statuses[-1] == 200


def test_a_source_that_is_down_is_not_an_empty_one(room: Newsroom, site: Publisher) -> None:
    with publisher({"/b": feed(["Other news"])}) as other:
        room.configure(
            f'\n[[sources]]\ntype = "feed"\nurl = "{other.url}/b"\n{_gather(site, other)}',
            **{'path = "feed.xml"': f'url = "{site.url}/feed"'},
        )
        room.run("gather", ISSUE)
        other.pages["/b"] = 503
        said = room.run("gather", ISSUE).stdout
    assert "failing" in said
    assert "503" in said
    report = room.gathered(ISSUE)["sources"][1]
    assert report["status"] == "failing"
    assert report["articles"] == 1
    assert "Other news" in [a["title"] for a in room.gathered(ISSUE)["articles"]]

    room.run("gather", ISSUE)
    assert room.gathered(ISSUE)["sources"][1]["since"] == report["since"]
    findings = room.json("build", ISSUE)["findings"]
    assert [f["level"] for f in findings if f["check"] == "sources"] == ["warning"]
    assert any("is failing" in line and "/b" in line for line in room.json("status")["waiting"])
    listed = room.json("sources")
    assert [s["status"] for s in listed] == ["unchanged", "failing"]
    assert "failing" in room.run("sources").stdout


def test_when_all_are_down_nothing_is_changed(room: Newsroom, site: Publisher) -> None:
    room.run("gather", ISSUE)
    folder = room.folder / "issues" / ISSUE
    before = {name: (folder / name).read_bytes() for name in ("gathered.json", "issue.toml")}
    site.pages["/feed"] = "<html><body>Maintenance</body></html>"
    said = room.run("gather", ISSUE, status=1).stderr
    assert "No source could be read" in said
    assert "is a web page, not a feed" in said
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_a_redirect_into_the_machine_fails_that_source_alone(
    room: Newsroom, site: Publisher
) -> None:
    site.pages["/away"] = 302
    site.headers["/away"] = {"Location": "http://169.254.169.254/latest/meta-data/"}
    room.configure(
        f'\n[[sources]]\ntype = "feed"\nurl = "{site.url}/away"\n{_gather(site)}',
        **{'path = "feed.xml"': f'url = "{site.url}/feed"'},
    )
    reports = room.json("gather", ISSUE)["sources"]
    assert [report["status"] for report in reports] == ["ok", "failing"]
    assert "169.254.169.254" in reports[1]["reason"]


def test_a_publisher_who_asks_to_wait_is_left_alone(room: Newsroom, site: Publisher) -> None:
    site.pages["/slow"] = 429
    site.headers["/slow"] = {"Retry-After": "3600"}
    room.configure(
        f'\n[[sources]]\ntype = "feed"\nurl = "{site.url}/slow"\n'
        f'[[sources]]\ntype = "feed"\npath = "feed.xml"\n{_gather(site)}',
        **{'path = "feed.xml"': f'url = "{site.url}/slow?2"'},
    )
    room.write("feed.xml", feed(["Own news"]))
    room.configure(
        f'\n[[sources]]\ntype = "feed"\nurl = "{site.url}/slow"\n{_gather(site)}',
    )
    first = room.json("gather", ISSUE)["sources"][1]
    assert first["status"] == "failing"
    assert "429" in first["reason"]
    asked = len(site.asked)
    again = room.json("gather", ISSUE)["sources"][1]
    assert again["status"] == "failing"
    assert len(site.asked) == asked


def test_a_story_that_is_gone_stops_the_send(room: Newsroom, site: Publisher) -> None:
    site.pages["/feed"] = _linked(site, *TITLES)
    room.run("gather", ISSUE)
    for article in room.gathered(ISSUE)["articles"]:
        site.pages[f"/{article['url'].rsplit('/', 1)[1]}"] = "<h1>A page</h1>"
    gone = room.gathered(ISSUE)["articles"][0]
    room.prepare(ISSUE)
    room.run("send", ISSUE, "--dry-run")

    site.pages[f"/{gone['url'].rsplit('/', 1)[1]}"] = 410
    said = room.run("send", ISSUE, "--yes", status=1).stderr
    assert f"The page of “{gone['title']}” is gone (410)" in said
    assert not (room.folder / "outbox" / ISSUE).exists()
    assert "is gone (410)" in room.run("check", ISSUE, "--links", status=1).stdout
    room.run("check", ISSUE)

    site.pages[f"/{gone['url'].rsplit('/', 1)[1]}"] = "<h1>Back again</h1>"
    room.run("send", ISSUE, "--yes")


def test_a_headline_that_changed_is_said_and_can_be_taken_over(
    room: Newsroom, site: Publisher
) -> None:
    dated = datetime.now(UTC) - timedelta(hours=1)
    text = feed(TITLES, dated)
    site.pages["/feed"] = text
    room.prepare(ISSUE)
    site.pages["/feed"] = text.replace("<title>Second tale</title>", "<title>A mended tale</title>")
    said = room.run("send", ISSUE, "--dry-run")
    assert "“Second tale” is now “A mended tale” at its source" in said.stderr
    assert f"newsletter refresh {ISSUE}" in said.stderr

    assert [c["now"] for c in room.json("refresh", ISSUE)] == ["A mended tale"]
    assert "has changed since" in room.run("send", ISSUE, "--yes", status=1).stderr
    room.run("build", ISSUE)
    room.run("approve", ISSUE)
    assert "is now" not in room.run("send", ISSUE, "--yes").stderr
    html = (room.folder / "issues" / ISSUE / "build" / "email.html").read_text()
    assert "A mended tale" in html
    assert room.json("refresh", ISSUE) == []


WEATHER = '{"current_units":{"temperature_2m":"°F"},"current":{"temperature_2m":71.6}}'


def test_the_dateline_has_the_temperature_of_the_gather(room: Newsroom, site: Publisher) -> None:
    site.pages["/v1/forecast"] = WEATHER
    room.configure(
        f'\n[dateline]\ncity = "Los Angeles"\nlatitude = 34.05\nlongitude = -118.24\n'
        f'url = "{site.url}/v1/forecast"\n{_gather(site)}',
        **{'path = "feed.xml"': f'url = "{site.url}/feed"'},
    )
    room.run("gather", ISSUE)
    assert room.gathered(ISSUE)["dateline"] == {
        "city": "Los Angeles",
        "temperature": 71.6,
        "unit": "F",
        "date": ISSUE,
    }
    asked = next(path for path in site.asked if path.startswith("/v1/forecast?"))
    assert "latitude=34.05" in asked
    assert "temperature_unit=fahrenheit" in asked
    room.run("build", ISSUE)
    html = (room.folder / "issues" / ISSUE / "build" / "email.html").read_text()
    assert "72" in html
    assert "Los Angeles" in html

    site.pages["/v1/forecast"] = WEATHER.replace("71.6", "NaN")
    assert "does not say the temperature" in room.run("gather", ISSUE).stderr
    site.pages["/v1/forecast"] = "no weather today"
    assert "does not say the temperature" in room.run("gather", ISSUE).stderr
    room.run("build", ISSUE)
    text = (room.folder / "issues" / ISSUE / "build" / "email.txt").read_text()
    assert "Los Angeles" in text
    assert "72" not in text


def test_authorities_that_cannot_be_read_are_said_without_a_traceback(
    room: Newsroom, site: Publisher
) -> None:
    room.environment["SSL_CERT_FILE"] = str(room.folder / "gone.pem")
    said = room.run("gather", ISSUE, status=1).stderr
    assert "/feed: SSL_CERT_FILE names" in said
    assert "Traceback" not in said
    assert "ConfigError" not in said
    assert site.asked == []


def test_since_opens_the_window(room: Newsroom, site: Publisher) -> None:
    old = datetime.now(UTC) - timedelta(days=12)
    site.pages["/feed"] = feed(["Long ago"], old)
    assert room.json("gather", ISSUE)["articles"] == 0
    day = (old - timedelta(days=1)).date().isoformat()
    assert room.json("gather", ISSUE, "--since", day)["articles"] == 1


def test_a_source_is_added_by_its_address(room: Newsroom, site: Publisher) -> None:
    site.pages["/"] = (
        "<html><head><title>The Other Paper</title>"
        '<link rel="alternate" type="application/rss+xml" href="/other.xml"></head></html>'
    )
    site.pages["/other.xml"] = feed(["From elsewhere"])
    before = (room.folder / "newsletter.toml").read_text()
    said = room.run("sources", "add", f"{site.url}/", "--section", "Elsewhere").stdout
    assert f'url = "{site.url}/other.xml"' in said
    after = (room.folder / "newsletter.toml").read_text()
    added = f'[[sources]]\ntype = "feed"\nurl = "{site.url}/other.xml"\nsection = "Elsewhere"\n'
    assert added in after
    assert after.replace(f"\n{added}", "", 1) == before
    assert [s["status"] for s in room.json("sources")] == [None, None]
    assert room.json("gather", ISSUE)["sources"][1]["status"] == "ok"
    assert "From elsewhere" in [a["title"] for a in room.gathered(ISSUE)["articles"]]

    (room.folder / "newsletter.toml").write_bytes(before.replace("\n", "\r\n").encode())
    room.run("sources", "add", f"{site.url}/", "--section", "Elsewhere")
    assert (room.folder / "newsletter.toml").read_bytes() == after.replace("\n", "\r\n").encode()

    assert "is already a source" in room.run("sources", "add", site.url, status=2).stderr
    site.pages["/"] = "<html><head><title>Nothing here</title></head></html>"
    assert "offers no feed" in room.run("sources", "add", site.url, status=1).stderr
    assert (room.folder / "newsletter.toml").read_bytes() == after.replace("\n", "\r\n").encode()


def test_a_source_is_added_to_an_array_in_a_file_with_a_byte_order_mark(
    room: Newsroom, site: Publisher
) -> None:
    site.pages["/other.xml"] = feed(["From elsewhere"])
    path = room.folder / "newsletter.toml"
    tables = path.read_text().partition("[[sources]]\n")
    values, _, others = tables[2].partition("\n\n")
    array = f"sources = [\n    {{ {', '.join(values.splitlines())} }},  # ours\n]\n"
    path.write_text(f"{array}\n{tables[0]}{others}", encoding="utf-8-sig")
    lines = path.read_bytes().splitlines()
    room.run("sources", "add", f"{site.url}/other.xml")
    after = path.read_bytes().splitlines()
    assert after[:2] + after[3:] == lines
    assert len(room.json("sources")) == 2


def test_links_of_the_note_are_looked_at_without_fetching_them(
    room: Newsroom, site: Publisher
) -> None:
    room.run("gather", ISSUE)
    site.pages |= {"/there": "<h1>Here</h1>", "/gone": 404}
    room.write(
        f"issues/{ISSUE}/note.md",
        f"See [the plan](https://{site.host}/there) and [the rest](https://{site.host}/gone).",
    )
    site.asked.clear()
    site.methods.clear()
    room.run("check", ISSUE)
    assert site.asked == []  # nobody is asked without --links
    said = room.run("check", ISSUE, "--links", status=1).stdout
    assert f"The page behind a link is gone (404): https://{site.host}/gone" in said
    assert "Correct the link in note.md" in said
    assert "/there" not in said
    asked = list(zip(site.methods, site.asked, strict=True))
    assert ("HEAD", "/there") in asked
    assert ("GET", "/there") not in asked


def test_a_server_that_refuses_to_say_is_asked_for_the_page(
    room: Newsroom, site: Publisher
) -> None:
    room.run("gather", ISSUE)
    site.pages["/shy"] = "<h1>Here</h1>"
    site.no_head.add("/shy")
    room.write(f"issues/{ISSUE}/note.md", f"See [the plan](https://{site.host}/shy).")
    assert "/shy" not in room.run("check", ISSUE, "--links").stdout
    assert site.asked.count("/shy") >= 2


def test_pictures_that_nobody_has_published_stop_the_send(room: Newsroom, site: Publisher) -> None:
    from tests.e2e.test_pictures import saved

    room.configure(
        _gather(site),
        **{
            'path = "feed.xml"': f'url = "{site.url}/feed"',
            "https://news.example.com": f"https://{site.host}",
            "[[sources]]": 'picture = "me.png"\n\n[[sources]]',
        },
    )
    (room.folder / "me.png").write_bytes(saved("PNG", 200, 200))
    room.run("gather", ISSUE)
    room.prepare(ISSUE)
    said = room.run("send", ISSUE, "--yes", status=1).stderr
    assert "Readers will not see 1 of 1 pictures" in said
    assert not (room.folder / "outbox").exists()
    (picture,) = (room.folder / "issues" / ISSUE / "pictures").glob("*.png")
    site.pages[f"/issues/{ISSUE}/pictures/{picture.name}"] = picture.read_bytes()
    room.run("send", ISSUE, "--yes")
