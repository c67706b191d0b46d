"""The archive by a real server: issues, their list, feeds, search, pictures, and corrections."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree

import feedparser
import httpx
import pytest
from lxml import html as pages

from newsletter.app.setup.demo import ISSUE
from tests.e2e.archive_server import BASE, EARLIER, NEXT, READERS, Archive, published, serving
from tests.e2e.send_processes import edit

PAGE = f"/issues/{ISSUE}"
SUBJECT = "Olympic Boulevard gets its night market back"
MACHINES = ("/feed.xml", "/atom.xml", "/feed.json", "/sitemap.xml")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An archive that no test changes."""
    with serving(published(tmp_path_factory.mktemp("archive"))) as found:
        yield found


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An archive to correct."""
    with serving(published(tmp_path_factory.mktemp("mended"), earlier=1)) as found:
        yield found


def facts(page: str) -> dict[str, str]:
    """What the head tells machines, by name or property."""
    found = pages.document_fromstring(page).xpath("//head/meta[@content]")
    return {meta.get("property") or meta.get("name") or "": meta.get("content") for meta in found}


def test_the_page_is_the_mail_as_nobodys(archive: Archive) -> None:
    answer = archive.get(PAGE)
    assert answer.status_code == 200
    assert answer.text == archive.get(f"{PAGE}/").text
    page = pages.document_fromstring(answer.text)
    assert page.xpath("string(//main//h1)") == "Katchup Briefing"
    assert page.xpath("string(//main//p[@class='greeting'])") == "Good morning."
    assert len(page.xpath("//main//*[starts-with(@id, 'story-')]")) == 15
    for words in ("Unsubscribe", "Preferences"):
        assert page.xpath(f"//a[.='{words}']/@href") == [f"{BASE}/subscribe"]
    assert page.xpath("//nav[1]//a/@href") == ["/", "/subscribe"]
    assert "script" not in answer.headers["content-security-policy"]
    assert page.xpath("//script/@type") == ["application/ld+json"]
    assert not page.xpath("//*[@onclick or @onload or starts-with(@href, 'javascript:')]")


@pytest.mark.parametrize("path", ["/", "/subscribe", "/search?q=market"])
def test_the_fields_of_forms_hold_only_what_a_reader_typed(archive: Archive, path: str) -> None:
    page = pages.document_fromstring(archive.get(path).text)
    typed = {"email": "", "q": "market" if "market" in path else ""}
    fields = page.xpath("//input[not(@type='hidden')]")
    assert fields
    for field in fields:
        assert field.get("value", "") == typed.get(field.get("name"), ""), field.get("name")


def test_no_byte_of_the_archive_is_any_readers(archive: Archive) -> None:
    paths = ["/", PAGE, *MACHINES, "/search?q=secretname", "/search?q=ann", "/robots.txt"]
    paths += [f"/issues/{ISSUE.date - timedelta(weeks=1)}"]
    for path in paths:
        text = archive.get(path).text
        for word in ("Secretname", *READERS, "/unsubscribe/1-", "/preferences/1-", "ndx-"):
            assert word not in text.replace("q=secretname", "").replace("“secretname”", "")


def test_the_head_tells_what_it_is(archive: Archive) -> None:
    text = archive.get(PAGE).text
    page, told = pages.document_fromstring(text), facts(text)
    assert page.xpath("string(//title)") == f"{SUBJECT} · Katchup Briefing"
    assert page.xpath("//link[@rel='canonical']/@href") == [f"{BASE}{PAGE}"]
    assert told["og:title"] == SUBJECT
    assert told["og:url"] == f"{BASE}{PAGE}"
    assert told["og:locale"] == "en_US"
    assert told["og:description"] == told["description"]
    assert told["description"].startswith("Also: a lookout")
    picture = told["og:image"].removeprefix(BASE)
    assert archive.get(picture).headers["content-type"] == "image/jpeg"
    assert told["robots"].startswith("index")
    assert len(page.xpath("//link[@rel='alternate']")) == 3
    (machine,) = page.xpath("//script/text()")
    said = json.loads(machine)
    assert said["headline"] == SUBJECT
    assert said["datePublished"] == told["article:published_time"]
    assert len(said["hasPart"]) == 13  # two have no address
    assert said["isPartOf"]["name"] == "Katchup Briefing"


@pytest.mark.parametrize(
    "path",
    [
        f"/issues/{NEXT}",  # approved, and not sent
        f"/issues/{ISSUE}-c1",
        "/issues/2025-7-7",
        "/issues/2025-07-07%00",
        "/issues/..%2f..%2fnewsletter.toml",
        "/issues/" + "9" * 3000,
        "/?page=2",
        "/?page=-1",
        "/?page=x",
        "/search?q=x&page=0",
        "/search?q=olympic&page=2",
        f"/issues/{ISSUE}-c\u00b2/pictures/{'a' * 20}.png",
        "/newsletter.db",
        "/secret.key",
    ],
)
def test_what_is_not_there_is_not_there(archive: Archive, path: str) -> None:
    assert archive.get(path).status_code == 404


def test_what_takes_only_posts_says_so(archive: Archive) -> None:
    answer = archive.get("/events/sendgrid")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_an_answer_is_known_again_and_made_small(archive: Archive) -> None:
    for path in ("/", PAGE, *MACHINES):
        whole = archive.get(path, Accept_Encoding="identity")
        small = archive.get(path, Accept_Encoding="br, gzip;q=0.5")
        assert small.headers["content-encoding"] == "gzip"
        assert small.text == whole.text
        assert "content-encoding" not in archive.get(path, Accept_Encoding="gzip;q=0").headers
        assert whole.headers["vary"] == "accept-encoding"
        assert whole.headers["cache-control"] == "public, max-age=60"
        assert whole.headers["etag"] != small.headers["etag"]
        for known in (whole, small):
            mark = known.headers["etag"]
            encoding = "gzip" if known is small else "identity"
            again = archive.get(path, Accept_Encoding=encoding, If_None_Match=f'"x", W/{mark}')
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == mark
        head = archive_head(archive, path)
        assert head == ("", whole.headers["content-length"], whole.headers["etag"])


@pytest.mark.parametrize(
    ("headers", "status", "small"),
    [
        ([("Accept-Encoding", "*;q=0, gzip")], 200, True),
        ([("Accept-Encoding", "*, gzip;q=0.00")], 200, False),
        ([("Accept-Encoding", "*")], 200, True),
        ([("Accept-Encoding", "gzip"), ("Accept-Encoding", "br")], 200, True),
        ([("If-None-Match", "MARK"), ("If-None-Match", '"x"')], 304, False),
    ],
)
def test_what_a_client_takes_is_read_as_a_list(
    archive: Archive, headers: list[tuple[str, str]], status: int, small: bool
) -> None:
    mark = archive.get(PAGE, Accept_Encoding="identity").headers["etag"]
    asked = [(name, value.replace("MARK", mark)) for name, value in headers]
    with httpx.Client() as client:
        client.headers.pop("accept-encoding")
        answer = client.get(archive.url + PAGE, headers=asked)
    assert answer.status_code == status
    assert ("content-encoding" in answer.headers) is small


def archive_head(archive: Archive, path: str) -> tuple[str, str, str]:
    found = httpx.head(archive.url + path, headers={"Accept-Encoding": "identity"})
    return found.text, found.headers["content-length"], found.headers["etag"]


def test_the_front_lists_every_issue(archive: Archive) -> None:
    page = pages.document_fromstring(archive.get("/").text)
    assert page.xpath("string(//article//h2)").strip() == SUBJECT
    listed = page.xpath("//ul[@class='issues']//a")
    assert [link.text for link in listed] == list(EARLIER)
    assert [link.get("href") for link in listed] == [
        f"/issues/{ISSUE.date - timedelta(weeks=weeks)}" for weeks in (1, 2, 3)
    ]
    assert page.xpath("//form[@action='/subscribe']//input[@type='email']")
    assert archive.get(listed[0].get("href")).status_code == 200


@pytest.mark.parametrize("path", ["/feed.xml", "/atom.xml"])
def test_feeds_are_read_by_a_real_reader(archive: Archive, path: str) -> None:
    answer = archive.get(path)
    found = feedparser.parse(answer.content, response_headers=dict(answer.headers))
    assert not found.bozo
    assert found.feed.title == "Katchup Briefing"
    assert found.feed.link == f"{BASE}/"
    assert {link.href for link in found.feed.links if link.rel == "self"} == {f"{BASE}{path}"}
    assert [entry.title for entry in found.entries] == [SUBJECT, *EARLIER]
    newest = found.entries[0]
    assert newest.link == f"{BASE}{PAGE}"
    assert newest.id.startswith("urn:uuid:")
    assert newest.published_parsed[:3] == (2025, 7, 7)
    assert newest.summary.startswith("Also: a lookout")
    content = newest.content[0].value
    assert content.count("<h3>") == 15
    assert '<h3><a href="https://www.example.com/' in content
    assert len({entry.id for entry in found.entries}) == 4
    kinds = {"/feed.xml": "application/rss+xml", "/atom.xml": "application/atom+xml"}
    assert answer.headers["content-type"].startswith(kinds[path])


def test_the_json_feed_keeps_to_its_specification(archive: Archive) -> None:
    answer = archive.get("/feed.json")
    assert answer.headers["content-type"].startswith("application/feed+json")
    feed = answer.json()
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert (feed["home_page_url"], feed["feed_url"]) == (f"{BASE}/", f"{BASE}/feed.json")
    assert len(feed["items"]) == 4
    for item in feed["items"]:
        assert item["url"].startswith(f"{BASE}/issues/")
        assert item["content_html"]
        assert datetime.fromisoformat(item["date_published"]).tzinfo
    atom = feedparser.parse(archive.get("/atom.xml").content)
    assert [item["id"] for item in feed["items"]] == [entry.id for entry in atom.entries]


def test_robots_find_issues_and_nothing_of_readers(archive: Archive) -> None:
    robots = archive.get("/robots.txt").text.splitlines()
    for path in ("/unsubscribe/", "/preferences/", "/confirm/", "/approve/"):
        assert f"Disallow: {path}" in robots
    assert robots[-1] == f"Sitemap: {BASE}/sitemap.xml"
    sitemap = ElementTree.fromstring(archive.get("/sitemap.xml").content)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    found = [each.text for each in sitemap.iter(f"{space}loc")]
    assert found[:2] == [f"{BASE}/", f"{BASE}{PAGE}"]
    assert len(found) == 5


@pytest.mark.parametrize(
    ("asked", "count"),
    [("olympic", 4), ("ferries", 1), ("시장", 1), ("no such word", 0), ("", 0), ("%00", 0)],
)
def test_search_finds_words_and_marks_them(archive: Archive, asked: str, count: int) -> None:
    answer = archive.get(f"/search?q={asked}")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    page = pages.document_fromstring(answer.text)
    assert len(page.xpath("//ol[@class='found']/li")) == count
    assert bool(page.xpath("//mark")) is bool(count)


def test_what_is_looked_for_is_only_words(archive: Archive) -> None:
    evil = "\"><script>alert(1)</script> {{ 7*7 }} ' OR 1=1 -- <b>"
    answer = archive.get(f"/search?{urlencode({'q': evil})}")
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "49" not in answer.text
    page = pages.document_fromstring(answer.text)
    assert page.xpath("//input[@id='q']/@value") == [evil]


def test_pictures_are_kept_for_ever_and_nothing_else_is_served(archive: Archive) -> None:
    folder = archive.room.folder / "issues" / str(ISSUE) / "pictures"
    files = sorted(path.name for path in folder.iterdir() if path.suffix in {".jpg", ".png"})
    for file in files:
        answer = archive.get(f"{PAGE}/pictures/{file}")
        assert answer.content == (folder / file).read_bytes()
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        kind = "image/jpeg" if file.endswith("jpg") else "image/png"
        assert answer.headers["content-type"] == kind
        mark = answer.headers["etag"]
        assert archive.get(f"{PAGE}/pictures/{file}", If_None_Match=mark).status_code == 304
    unsent = archive.get(f"/issues/{NEXT}/pictures/{files[0]}")
    assert unsent.status_code == 200  # a test mail shows it, before the send
    (folder / "0123456789abcdef0123.txt").write_text("no picture")
    for name in (
        "pictures.json",
        "0123456789abcdef0123.txt",
        "..%2fnote.md",
        "..%2f..%2f..%2fsecret.key",
        "%2e%2e/note.md",
        "....//note.md",
        files[0].upper(),
        f"{files[0]}%00",
    ):
        assert archive.get(f"{PAGE}/pictures/{name}").status_code == 404


def test_a_newsletter_without_its_folders_or_issues_is_served(archive: Archive) -> None:
    """The archive is in the database: issues' folders may lie on the editors' machine alone."""
    hidden = archive.room.folder / "elsewhere"
    (archive.room.folder / "issues").rename(hidden)
    try:
        assert archive.get(PAGE).status_code == 200
        assert archive.get("/").status_code == 200
    finally:
        hidden.rename(archive.room.folder / "issues")


def test_a_correction_is_shown_on_the_page_and_nowhere_in_the_send(mended: Archive) -> None:
    frozen = edit(mended.room, f"SELECT html, text, hash FROM sends WHERE issue = '{ISSUE}'")
    link = "https://www.example.com/letters"
    page = mended.get(PAGE).text
    assert "640 paper lanterns" in page
    (old,) = {a for a in pages.document_fromstring(page).xpath("//main//a/@href") if "letters" in a}
    done = mended.room.json(
        "correct", str(ISSUE), "--note", "There were 460 <lanterns>.",
        "--replace", "640 paper lanterns", "--by", "460 <i>paper</i> lanterns",
        "--replace", "Olympic Boulevard gets its night", "--by", "Olympic Boulevard got its night",
        "--link", old, "--to", f"{link}?a=1&b=2",
    )  # fmt: skip
    assert done["address"] == f"{BASE}{PAGE}"
    assert done["places"] == [1, 1, 1]
    page = mended.until_shown("460 &lt;i&gt;paper&lt;/i&gt; lanterns", PAGE).text
    assert "640 paper lanterns" not in page
    shown = pages.document_fromstring(page)
    assert f"{link}?a=1&b=2" in shown.xpath("//main//a/@href")
    assert old not in shown.xpath("//main//a/@href")
    told = shown.xpath("string(//section[@aria-label='Correction'])")
    assert re.fullmatch(r"Correction \(\w+ \d+, 20\d\d\): There were 460 <lanterns>\.", told)
    assert "got its night market back" in facts(page)["og:title"]
    assert "got its night market back" in mended.get("/").text
    for path in ("/feed.xml", "/atom.xml"):
        entry = feedparser.parse(mended.get(path).content).entries[0]
        assert "got its night" in entry.title
        assert "460 <lanterns>" in entry.content[0].value.replace("&lt;", "<").replace("&gt;", ">")
        today = datetime.now(UTC).timetuple()[:2]
        if path == "/atom.xml":
            assert entry.updated_parsed[:2] == today
    assert "<mark>got</mark> its <mark>night</mark>" in mended.get("/search?q=got night").text
    (listed,) = mended.room.json("correct", str(ISSUE), "--list")
    assert listed["note"] == "There were 460 <lanterns>."
    assert len(listed["changes"]) == 3
    assert (
        edit(mended.room, f"SELECT html, text, hash FROM sends WHERE issue = '{ISSUE}'") == frozen
    )
    for feed in MACHINES[:3]:  # where the note has the link, too
        assert f"{link}?a=1&b=2" in html.unescape(html.unescape(mended.get(feed).text))
        assert f"({link})" not in mended.get(feed).text
    changed = feedparser.parse(mended.get("/atom.xml").content).entries[0].updated
    time.sleep(1)  # feeds know no less than a second
    (undone,) = mended.room.json("correct", str(ISSUE), "--undo", "1")
    assert undone["withdrawn"] > undone["at"]
    assert "460 <" not in mended.until_shown("640 paper lanterns", PAGE).text
    assert feedparser.parse(mended.get("/feed.xml").content).entries[0].title == SUBJECT
    again = feedparser.parse(mended.get("/atom.xml").content).entries[0].updated
    assert again > changed  # who follows a feed gets it anew
    assert "<mark>gets</mark>" in mended.get("/search?q=gets night").text
    for number in ("1", "9" * 30):
        told = mended.room.run("correct", str(ISSUE), "--undo", number, status=2).stderr
        assert f"no correction {number}" in told


def test_our_own_address_that_is_no_page_leads_where_a_correction_says(mended: Archive) -> None:
    before = ISSUE.date - timedelta(weeks=1)
    wrong = [f"{BASE}/poll?day=1", f"{BASE}/issues/2025-06-31", f"{BASE}/설문#here", f"{BASE}/a"]
    links = "".join(f'<a href="{address}">A link</a>' for address in wrong)
    edit(
        mended.room,
        f"UPDATE sends SET html = replace(html, '</body>', '<p>{links}</p></body>') "
        f"WHERE issue = '{before}'",
    )
    assert mended.get("/poll?day=1").status_code == 404
    to = "https://polls.example.com/1"
    pairs = [(old, to) for old in wrong[:3]] + [(wrong[3], f"{wrong[3]}#here")]
    named = [word for old, new in pairs for word in ("--link", old, "--to", new)]
    mended.room.run("correct", str(before), *named)
    mended.until_shown(to, f"/issues/{before}")
    for path in ("/poll?day=1", "/poll?day=1&utm_source=mail", "/issues/2025-06-31", "/설문"):
        answer = mended.get(path)
        assert (answer.status_code, answer.headers["location"]) == (302, to)
    assert mended.get("/poll").status_code == 404
    assert mended.get("/a").status_code == 404  # and not round in a circle


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to correct"),
        (["--replace", "no such words", "--by", "x"], "no text 'no such words'"),
        (["--replace", "run on our letters page", "--by", "x"], "both sides of a link"),
        (["--replace", "x"], "needs the old and the new"),
        (["--link", "https://www.example.com/none", "--to", "https://x.example.com"], "no link to"),
        (["--link", "https://a.example.com", "--to", "javascript:alert(1)"], "not an https://"),
        (["--replace", "x", "--by", "x"], "changes nothing"),
        (["--mail", "--replace", "Olympic", "--by", "X"], "needs --note"),
        (["--note", "a\u202eb"], "control character"),
        (["--note", "x" * 1001], "Shorten it"),
        (["--list", "--note", "x"], "cannot be combined"),
    ],
)
def test_a_correction_that_cannot_be_made_is_said(
    archive: Archive, arguments: list[str], words: str
) -> None:
    done = archive.room.run("correct", str(ISSUE), *arguments, status=2)
    assert words in done.stderr


def test_only_what_was_sent_is_corrected(archive: Archive) -> None:
    assert "was not sent" in archive.room.run("correct", str(NEXT), "--note", "x", status=1).stderr
    assert archive.room.json("correct", "--list") == []
