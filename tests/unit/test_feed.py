"""Feeds as publishers write them: each part in its field, and one name for each article."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from newsletter.errors import FetchError
from newsletter.http import Fetcher, Response
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _bylines, _dates, _encoding
from newsletter.sources.feed import FeedSource

LA = ZoneInfo("America/Los_Angeles")
ALWAYS = Window(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
Read = Callable[..., list[Article]]

RSS = (
    '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
    "<title>The Daily - News</title><link>https://www.daily.example/</link>{items}</channel></rss>"
)


def rss(*items: str) -> str:
    return RSS.replace("{items}", "".join(f"<item>{item}</item>" for item in items))


def titled(*more: str) -> str:
    return rss("<title>Pool opens</title>" + "".join(more))


class Letterbox(Fetcher):
    """A fetcher that always gives one response."""

    def __init__(self, body: bytes, url: str, content_type: str) -> None:
        super().__init__()
        self._answer = Response(url, 200, {"content-type": content_type}, body)

    def get(self, url: str, headers: Any = None) -> Response:
        return self._answer


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str | bytes, **more: Any) -> list[Article]:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "feed.xml").write_bytes(data)
        options = FeedSource.Options(type="feed", path="feed.xml", **more)
        return list(FeedSource(options, Surroundings(tmp_path, LA, Fetcher())).fetch(ALWAYS))

    return read


def one(found: Sequence[Article]) -> Article:
    (article,) = found
    return article


# --- where from --------------------------------------------------------------------------


@pytest.mark.parametrize("places", [{}, {"url": "https://a.example/", "path": "a.xml"}])
def test_either_an_address_or_a_path(places: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        FeedSource.Options(type="feed", **places)


@pytest.mark.parametrize(
    "content_type", ["text/xml", "application/rss+xml; charset=iso-8859-1", ""]
)
def test_an_address(tmp_path: Path, content_type: str) -> None:
    body = titled("<link>/pool</link>").partition("?>")[2].replace("Pool", "수영장").encode()
    fetcher = Letterbox(body, "https://www.daily.example/feeds/news", content_type)
    options = FeedSource.Options(type="feed", url="https://daily.example/feed", section="News")
    found = one(list(FeedSource(options, Surroundings(tmp_path, LA, fetcher)).fetch(ALWAYS)))
    assert found.title == "수영장 opens"
    assert found.url == "https://www.daily.example/pool"
    assert (found.source, found.section) == ("https://daily.example/feed", "News")


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    source = FeedSource(
        FeedSource.Options(type="feed", path="no.xml"), Surroundings(tmp_path, LA, Fetcher())
    )
    with pytest.raises(FetchError, match=r"no\.xml cannot be read"):
        source.fetch(ALWAYS)


def test_a_gzip_file(read: Read) -> None:
    assert one(read(gzip.compress(titled().encode()))).title == "Pool opens"


def test_the_address_of_the_feed_is_told_where_a_page_names_it(read: Read) -> None:
    page = '<!DOCTYPE html><link rel="alternate" type="application/rss+xml" href="/feed/">'
    with pytest.raises(FetchError, match="web page, not a feed; the page names /feed/"):
        read(page)


def test_an_empty_feed_is_a_feed(read: Read) -> None:
    assert read(rss()) == []


@pytest.mark.parametrize(
    "content",
    ['{"items": ' + "[" * 100_000, "<rss><channel><title>cut", "%PDF-1.4", "\x00\x01", "<a/>"],
)
def test_what_cannot_be_read(read: Read, content: str) -> None:
    with pytest.raises(FetchError, match=r"feed\.xml .*; "):
        read(content)


# --- bombs -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY a "x"><!ENTITY b "&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY a PUBLIC "x" "http://e.example/">',
        '<!ENTITY % a "x">',
        f'<!ENTITY a "{"x" * 5000}">',
        '<!ENTITY a "x"',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_that_grow_or_are_fetched(read: Read, entity: str, encoding: str) -> None:
    prologue = f"<!-- <!DOCTYPE x> --> <!DOCTYPE rss [{entity}]>"
    document = prologue + titled("<description>&b;</description>").partition("?>")[2]
    with pytest.raises(FetchError, match="declares entities"):
        read(document.encode(encoding))


def test_harmless_entities_and_articles_about_them(read: Read) -> None:
    prologue = '<!DOCTYPE rss [\n<!ENTITY daily "The Daily">\n]>'
    text = titled("<description>&daily; explains &lt;!ENTITY a SYSTEM&gt;</description>")
    found = one(read(prologue + text.partition("?>")[2]))
    assert found.blurb == "The Daily explains"


# --- the fields --------------------------------------------------------------------------


def test_every_field(read: Read) -> None:
    found = one(
        read(
            titled(
                "<link>http://www.daily.example/pool?utm_source=rss</link><guid>7</guid>",
                "<pubDate>Wed, 02 Jul 2025 08:00:00 -0700</pubDate>",
                "<dc:creator>By Kim Ray and Lou Cho</dc:creator>",
                "<description>&lt;p&gt;It opened.&lt;/p&gt;</description>",
                '<media:content url="http://d.example/s.jpg" width="140"/>',
                '<media:content url="https://d.example/l.jpg" width="900" medium="image">',
                "<media:title>Not the headline</media:title>",
                '<media:credit role="x">AP</media:credit>',
                '<media:description type="plain">The pool at dawn.</media:description>',
                "</media:content>",
            ),
            section="News",
        )
    )
    assert found.title == "Pool opens"
    assert found.url == "https://www.daily.example/pool?utm_source=rss"
    assert found.authors == ("Kim Ray", "Lou Cho")
    assert found.published == datetime(2025, 7, 2, 15, tzinfo=UTC)
    assert found.image == "https://d.example/l.jpg"
    assert (found.caption, found.credit) == ("The pool at dawn.", "AP")
    assert found.blurb == "It opened."
    assert (found.source, found.section, found.needs_date) == ("feed.xml", "News", True)


def test_the_caption_belongs_to_the_picture_that_is_taken(read: Read) -> None:
    group = (
        "<media:content url='https://d.example/{0}.{1}' width='{2}'>"
        "<media:description>{0}</media:description></media:content>"
    )
    items = group.format("small", "jpg", 10) + group.format("sound", "mp3", 999)
    found = one(
        read(titled(items, group.format("big", "jpg", 800), "<description>d</description>"))
    )
    assert (found.image, found.caption, found.blurb) == ("https://d.example/big.jpg", "big", "d")


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        ("<media:thumbnail url='https://d.example/t.jpg'/>", "t.jpg"),
        ("<enclosure url='https://d.example/e.png' type='image/png' length='1'/>", "e.png"),
        ("<enclosure url='https://d.example/e.mp3' type='audio/mpeg' length='1'/>", None),
        ("<media:content url='https://d.example/a.svg'/>", None),
        ("<media:content url='https://d.example/a.mp4' type='video/mp4'/>", None),
    ],
)
def test_pictures_of_other_kinds(read: Read, media: str, expected: str | None) -> None:
    found = one(read(titled(media)))
    assert found.image == (expected and f"https://d.example/{expected}")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("<img src='http://d.example/a.jpg'>", "a.jpg"),
        ("<img width='1' height=1 src='https://d.example/p.gif'>"
         "<img src='https://d.example/b.jpg' width='640'>", "b.jpg"),
        ("<img src='https://feeds.feedburner.com/~ff/x?d=1'>", None),
        ("<img src='data:image/gif;base64,AA' data-src='https://d.example/c.jpg'>", "c.jpg"),
        ("<img src='/rel.jpg'>", None),
    ],
)  # fmt: skip
def test_pictures_in_the_text(read: Read, image: str, expected: str | None) -> None:
    found = one(read(titled(f"<content:encoded><![CDATA[<p>x</p>{image}]]></content:encoded>")))
    if image.startswith("<img src='/rel"):
        expected_url: str | None = "https://www.daily.example/rel.jpg"
    else:
        expected_url = expected and f"https://d.example/{expected}"
    assert found.image == expected_url


def test_the_sites_name_is_taken_off(read: Read) -> None:
    titles = (
        "Pool opens | The Daily",
        "Pool opens - daily.example",
        "Pool opens",
        "<b>Pool</b> opens",
    )
    items = [f"<title><![CDATA[{title}]]></title><guid>{title}</guid>" for title in titles]
    assert {article.title for article in read(rss(*items))} == {"Pool opens"}


def test_hostile_headlines_stay_text(read: Read) -> None:
    hostile = "<![CDATA[<script>alert(1)</script> {{ 7*7 }} \u202egnp]]>"
    found = one(read(rss(f"<title>{hostile}</title>")))
    assert found.title == "<script>alert(1)</script> {{ 7*7 }} gnp"


def test_an_entry_without_a_headline_gets_its_first_words(read: Read) -> None:
    found = read(rss("<description>A note. And more.</description>", "<guid>empty</guid>"))
    # What has no words at all is passed on, to be listed among what was left out.
    assert [article.title for article in found] == ["A note. And more.", ""]
    assert found[1].id == read(rss("<guid>empty</guid>"))[0].id


def test_atom(read: Read) -> None:
    found = one(
        read(
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="ko-KR" xml:base="https://a.example/x/">'
            "<title>A</title><author><name>A. Feed</name></author>"
            '<entry><title type="html">&lt;i&gt;Pool&lt;/i&gt; &amp;amp; sea</title><id>urn:1</id>'
            '<link href="pool"/><updated>2025-07-02T08:00:00Z</updated><summary>s</summary>'
            "</entry></feed>"
        )
    )
    assert (found.title, found.url) == ("Pool & sea", "https://a.example/x/pool")
    assert found.authors == ("A. Feed",)
    assert found.published == datetime(2025, 7, 2, 8, tzinfo=UTC)
    assert found.language == "ko-KR"


def test_json_feed(read: Read) -> None:
    found = one(
        read(
            json.dumps(
                {
                    "version": "https://jsonfeed.org/version/1.1",
                    "title": "The Daily",
                    "home_page_url": "https://d.example/",
                    "language": "en_US",
                    "authors": [{"name": "Desk", "url": "https://d.example/desk"}],
                    "items": [
                        {
                            "id": 12,
                            "url": "pool",
                            "title": "Pool opens | The Daily",
                            "content_html": "<p>It <b>opened</b>.</p><script>x</script>",
                            "image": "http://d.example/p.jpg",
                            "date_published": "2025-07-02T08:00:00-07:00",
                        }
                    ],
                }
            )
        )
    )
    assert (found.title, found.url) == ("Pool opens", "https://d.example/pool")
    assert (found.blurb, found.image) == ("It opened.", "https://d.example/p.jpg")
    assert (found.authors, found.language) == (("Desk",), "en-US")
    assert found.published == datetime(2025, 7, 2, 15, tzinfo=UTC)


# --- the name of an article --------------------------------------------------------------


def ids(found: Sequence[Article]) -> list[str]:
    return [article.id for article in found]


def test_the_id_outlives_date_headline_and_link(read: Read) -> None:
    before = read(rss("<title>A</title><guid>7</guid><link>https://d.example/a</link>"))
    after = read(
        rss(
            "<title>B</title><guid>7</guid><link>https://d.example/b</link><pubDate>2025-07-02</pubDate>"
        )
    )
    assert ids(before) == ids(after)
    assert ids(before) != ids(read(rss("<title>A</title><guid>8</guid>")))


def test_without_a_guid_the_link_counts(read: Read) -> None:
    before = read(rss("<title>A</title><link>http://d.example/a/?utm_source=x</link>"))
    assert ids(before) == ids(read(rss("<title>B</title><link>https://d.example/a#top</link>")))


def test_a_link_that_many_share_names_none(read: Read) -> None:
    link = "<link>https://d.example/</link>"
    found = read(rss(*(f"<title>{title}</title>{link}" for title in "ABCC")))
    assert len(set(ids(found))) == 3
    assert len(set(ids(read(rss(*(f"<title>{t}</title>{link}" for t in "AB")))))) == 1


def test_the_same_guid_twice_is_one_article(read: Read) -> None:
    found = read(rss("<title>A</title><guid>7</guid>", "<title>A, again</title><guid>7</guid>"))
    assert len(set(ids(found))) == 1


# --- dates -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wed, 02 Jul 2025 08:00:00 -0700", "2025-07-02T15:00"),
        ("Wed, 02 Jul 2025 08:00:00 PDT", "2025-07-02T15:00"),
        ("Wed, 02 Jul 2025 08:00:00 KST", "2025-07-01T23:00"),
        ("Tue, 27 Dec 2005 13:30:33+0900", "2005-12-27T04:30"),
        ("Sat, Dec 16 2023 02:02:33 PM", "2023-12-16T22:02"),
        ("mer, 16 nov 2022 00:38:15 +0100", "2022-11-15T23:38"),
        ("3 août 2025 10:00 +0200", "2025-08-03T08:00"),
        ("3 août 2025 à 10h00 +0200", "2025-08-03T08:00"),
        ("środa, 2 lipca 2025 08:00", "2025-07-02T15:00"),
        ("Ср, 02 июл 2025 18:00:00 +0300", "2025-07-02T15:00"),
        ("Çar, 02 Tem 2025 18:00:00 +0300", "2025-07-02T15:00"),
        ("Mi, 02 Jul 2025 17:00:00 MESZ", "2025-07-02T15:00"),
        ("2. marraskuuta 2025 08:00 -0700", "2025-11-02T15:00"),
        ("2025. július 2. 08:00", "2025-07-02T15:00"),
        ("2 Ιουλίου 2025 08:00", "2025-07-02T15:00"),
        ("2025年7月2日 下午5:00 +0200", "2025-07-02T15:00"),
        ("٢ يوليو ٢٠٢٥ 08:00", "2025-07-02T15:00"),
        ("02.07.2025 08:00", "2025-07-02T15:00"),
        ("7/2/2025 08:00", "2025-07-02T15:00"),
        ("25/12/2025 07:00", "2025-12-25T15:00"),
        ("Wed Jul 02 08:00:00 PDT 2025", "2025-07-02T15:00"),
        ("Wednesday, July 2nd, 2025 at 8am PT", "2025-07-02T15:00"),
        ("1751468400", "2025-07-02T15:00"),
        ("2025-07-02T08:00:00.123-07:00", "2025-07-02T15:00"),
        ("20250702T150000Z", "2025-07-02T15:00"),
        ("2025-07-02 08:00:00", "2025-07-02T15:00"),
        ("2025년 7월 2일 오후 1:05", "2025-07-02T20:05"),
        ("2025. 7. 2. 08:00", "2025-07-02T15:00"),
        ("July 2, 2025 9:05 p.m. ET", "2025-07-03T01:05"),
        ("2025-07-02", "2025-07-02T07:00"),
        ("2025-07-02T24:00:00Z", "2025-07-03T00:00"),
    ],
)
def test_dates(text: str, expected: str) -> None:
    found = _dates.parse_date(text, LA)
    assert found
    assert found.tzinfo is UTC
    assert found.isoformat().startswith(expected)


@pytest.mark.parametrize(
    "text",
    ["", "today", "05/20 7:03 am", "0000-00-00", "2025-13-01", "Thu, 32 Jul 2025 08:00:00 GMT",
     "2025-07-02T08:61:00Z", "2025-07-02T08:00:00+99:99", "9999-12-31T23:59:59-08:00", "12:30"],
)  # fmt: skip
def test_what_is_no_date_is_none(text: str) -> None:
    assert _dates.parse_date(text, LA) is None


def test_the_sources_own_time_zone_comes_first(read: Read) -> None:
    dated = titled("<pubDate>2025-07-02 08:00:00</pubDate>")
    assert one(read(dated)).published == datetime(2025, 7, 2, 15, tzinfo=UTC)
    assert one(read(dated, timezone="Asia/Seoul")).published == datetime(2025, 7, 1, 23, tzinfo=UTC)
    assert one(read(titled())).published is None


# --- people and pictures -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("By Kim Ray and Lou Cho", ("Kim Ray", "Lou Cho")),
        ("Kim Ray, Lou Cho & Ann Bee", ("Kim Ray", "Lou Cho", "Ann Bee")),
        ("BY ANN AND BOB", ("ANN", "BOB")),
        ("ray@d.example (Kim Ray)", ("Kim Ray",)),
        ("Kim Ray <ray@d.example>", ("Kim Ray",)),
        ("ray@d.example", ()),
        ("https://d.example/people/ray", ()),
        ("Kim Ray, Staff Writer", ("Kim Ray",)),
        ("Kim Ray, Jr. and Ann Bee", ("Kim Ray, Jr.", "Ann Bee")),
        ("Food and Drug Administration", ("Food and Drug Administration",)),
        ("Lee, Mooyoung", ("Lee, Mooyoung",)),
        ("김태훈 기자", ("김태훈 기자",)),
        ("Kim Ray and kim ray", ("Kim Ray",)),
        (" - ", ()),
    ],
)
def test_names(text: str, expected: tuple[str, ...]) -> None:
    assert _bylines.parse_authors([text]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The pool. [YONHAP]", ("The pool.", "YONHAP")),
        ("The pool (Reuters)", ("The pool", "Reuters")),
        ("The pool (Photo by Kim Ray)", ("The pool", "Kim Ray")),
        ("The pool. Photo: Kim Ray / AP", ("The pool.", "Kim Ray / AP")),
        ("The pool / YONHAP", ("The pool", "YONHAP")),
        ("The pool. Illustration by Kim Ray", ("The pool.", "Illustration by Kim Ray")),
        ("수영장. 사진=홍길동", ("수영장.", "홍길동")),
        ("Kim (left) and Lee (Busan)", ("Kim (left) and Lee (Busan)", "")),
        ("He said so [sic]", ("He said so [sic]", "")),
        ("", ("", "")),
    ],
)
def test_credits(text: str, expected: tuple[str, str]) -> None:
    assert _bylines.split_credit(text) == expected


# --- encodings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        ("합창단".encode(), "iso-8859-1", "합창단"),
        ("합창단 공연".encode("cp949"), None, "합창단 공연"),
        ("합창단 공연".encode("utf-16"), None, "합창단 공연"),
        ("“The mayor’s café”".encode("cp1252"), None, "“The mayor’s café”"),
        ("très créée".encode("latin-1"), None, "très créée"),
        ("合唱".encode("big5"), "big5", "合唱"),
        ("合唱".encode("iso-2022-jp"), "iso-2022-jp", "合唱"),
        ("합창단 공연 ".encode() * 4 + b"\xff", None, "합창단 공연 " * 4 + "\ufffd"),
        (b"plain", "no-such-thing", "plain"),
        (b'<meta charset="big5">' + "合唱".encode("big5"), None, '<meta charset="big5">合唱'),
    ],
)
def test_encodings(data: bytes, declared: str | None, expected: str) -> None:
    assert _encoding.decoded(data, declared) == expected


# --- the collected feeds -----------------------------------------------------------------


def test_facts_judged_by_hand(shared_data: Path) -> None:
    def first(name: str, zone: str) -> Article:
        options = FeedSource.Options(type="feed", path=name, timezone=zone)
        around = Surroundings(shared_data / "feeds", LA, Fetcher())
        return next(iter(FeedSource(options, around).fetch(ALWAYS)))

    at = {
        "ko-techdaily-channel-only.xml": ("Asia/Seoul", "2022-02-28T10:17:53"),
        "ko-euckr-acnnewswire-baddates.xml": ("Asia/Seoul", "2005-12-27T04:30:33"),
        "rss2-italian-dates-ilmessaggero.xml": ("Europe/Rome", "2022-11-15T23:38:15"),
        "rss2-nbcnewyork-1item.xml": ("America/New_York", "2023-12-16T19:02:33"),
    }
    for name, (zone, expected) in at.items():
        published = first(name, zone).published
        assert published, name
        assert published.isoformat() == f"{expected}+00:00"
    assert first("enc-big5-rss090-baddates.xml", "UTC").published is None
    assert first("rss2-two-guids-in-item.xml", "UTC").image is None
    assert first("rss2-two-guids-in-item.xml", "UTC").url == "https://www.braingle.com/50366.html"
    assert "golem.de" in (first("enc-latin1-golem.xml", "UTC").image or "")
    assert "cpx." not in (first("enc-latin1-golem.xml", "UTC").image or "")
    assert first("gzip-bytes-windows1251.xml", "UTC").title.startswith("В Бузулуке")
    assert (first("atom-tpm-scripts-relative.xml", "UTC").url or "").startswith(
        "https://talkingpointsmemo.com/livewire/"
    )


def test_one_name_for_each_of_many(shared_data: Path) -> None:
    options = FeedSource.Options(type="feed", path="ko-khan-all-dupguids.xml")
    source = FeedSource(options, Surroundings(shared_data / "feeds", LA, Fetcher()))
    found = list(source.fetch(ALWAYS))
    assert (len(found), len(set(ids(found)))) == (251, 240)


@pytest.mark.parametrize("name", ["links", "authors", "content", "image", "source", "tags"])
def test_elements_with_the_parsers_own_names_break_nothing(read: Read, name: str) -> None:
    found = one(read(rss(f"<title>Pool opens</title><{name}>words</{name}><link>/a</link>")))
    assert found.title == "Pool opens"


def test_a_picture_in_the_text_has_its_caption_there(read: Read) -> None:
    html = (
        '<figure><img src="https://www.example.com/x.jpg"><figcaption>The pier (Photo by Ada Moss)'
        "</figcaption></figure><p>It is long.</p>"
    )
    found = one(read(rss(f"<title>A</title><description><![CDATA[{html}]]></description>")))
    assert (found.caption, found.credit, found.blurb) == ("The pier", "Ada Moss", "It is long.")


def test_a_guid_that_is_an_address_is_the_link_where_there_is_no_other(read: Read) -> None:
    found = one(read(rss("<title>A</title><link/><guid>https://www.example.com/p</guid>")))
    assert found.url == "https://www.example.com/p"
