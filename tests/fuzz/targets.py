"""Every parser of foreign bytes, as a function that holds its promises or raises AssertionError."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from newsletter import bounces, providers, sanitize, sources, subscriber_csv
from newsletter.errors import ContentError, FetchError, ProviderError
from newsletter.http import Response
from newsletter.links import tokens
from newsletter.model import Article, Window
from newsletter.sources import Surroundings

HOME = "https://www.example.com/place"
WINDOW = Window(datetime(2020, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
SEEDS = {
    "feed": (
        b'<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/">'
        b"<channel><title>T</title><item><title>A &amp; B</title><link>/a?x=1</link>"
        b"<guid>1</guid><pubDate>Wed, 02 Jul 2025 08:00:00 -0700</pubDate><description>"
        b'&lt;p onclick="x"&gt;W&lt;img src="/i.png"&gt;&lt;script&gt;y&lt;/script&gt;'
        b'</description><media:content url="/m.jpg" width="9"/></item></channel></rss>',
        b'{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","title":"{{ x }}",'
        b'"url":"javascript:alert(1)","content_html":"<b>w</b>","date_published":"2025-07-02"}]}',
    ),
    "page": (
        b'<html><head><title>T | S</title><meta property="og:image" content="/i.jpg">'
        b'<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","headline":"T",'
        b'"author":{"name":"A B"},"datePublished":"2025-07-02","image":[{"url":"/x.jpg"}]}]}'
        b"</script></head><body><article><h1>T</h1><figure><img src=/i.jpg><figcaption>C [AP]"
        b"</figcaption></figure><p>Words &amp; more.</p></article></body></html>",
    ),
    "sitemap": (
        b'<urlset xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>/a</loc>'
        b"<lastmod>2025-07-02</lastmod><n:news><n:publication><n:name>S</n:name></n:publication>"
        b"<n:publication_date>2025-07-02</n:publication_date><n:title>T - S</n:title></n:news>"
        b"</url></urlset>",
    ),
    "wordpress": (
        b'[{"id":1,"date_gmt":"2025-07-02T08:00:00","link":"/a","title":{"rendered":"T"},'
        b'"excerpt":{"rendered":"<p>E [&hellip;]</p>"},"_embedded":{"author":[{"name":"A"}],'
        b'"wp:featuredmedia":[{"source_url":"/i.jpg","caption":{"rendered":"C"}}]}}]',
    ),
}
LISTS = (
    b"Email Address,First Name,Last Name,Status\na@example.com,Ada,L,subscribed\n"
    b'b@example.com,"B\nB",,cleaned\n',
    "\ufeffE-mail;Nom;UNSUB_TIME\r\na@b\u00fccher.example;\uae40\uc11c\uc5f0;2025-07-02\r\n".encode(),
    "email\tname\na@example.com\t\uae40\uc11c\uc5f0\n".encode("utf-16"),
    "\uc774\uba54\uc77c,\uc774\ub984\na@example.com,\uae40\uc11c\uc5f0\n".encode("cp949"),
)
RETURNED = (
    b"From: MAILER-DAEMON@x.test\r\nMessage-ID: <1@x.test>\r\nDate: Mon, 7 Jul 2025 10:00:00 +0000"
    b"\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x.test\r\n\r\n"
    b"Final-Recipient: rfc822; a@example.com\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    b"Diagnostic-Code: smtp; 550 unknown\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Message-ID: <aaaa.1@example.com>\r\nList-Unsubscribe: <https://x.test/u>\r\n\r\nw\r\n--b--",
    b"From: postmaster@x.test\r\n\r\nHi. This is the qmail-send program at x.test.\r\n\r\n"
    b"<a@example.com>:\r\nSorry, no mailbox here. (#5.1.1)\r\n\r\n"
    b"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <aaaa.1@example.com>\r\n",
)
TOLD = (
    b'[{"email":"a@example.com","timestamp":1751900000,"event":"bounce","type":"blocked","reason":"x",'
    b'"sg_event_id":"e","nb_delivery":"1","nb_send":"1","nb_newsletter":"n","nb_issue":"2025-07-07"},'
    b'{"timestamp":1.5,"event":"click","url":"https://x.test","useragent":"y","nb_delivery":"2"}]',
)
_UNSEEN = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffd]")


class _Answer:
    """The network, of which every answer is the bytes under test."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        return Response(url, 200, {}, self._data)


def _read(type_: str, data: bytes) -> None:
    values: dict[str, object] = {"type": type_, "url": HOME}
    if type_ == "sitemap":
        values["read_pages"] = False
    options = sources.options(type_).model_validate(values)
    around = Surroundings(Path("/nonexistent"), ZoneInfo("Asia/Seoul"), _Answer(data))
    with suppress(FetchError):  # the only way in which a source may fail
        for article in sources.build(options, around).fetch(WINDOW):
            _holds(article)


def _holds(article: Article) -> None:
    texts = (article.title, article.blurb, article.caption or "", article.credit or "")
    for text in (*texts, *article.authors):
        assert text == " ".join(text.split()), repr(text)
        assert not _UNSEEN.search(text), repr(text)
        assert tokens.without_tokens(text) == text, repr(text)
    assert len(article.title) < 300
    assert len(article.blurb) <= 280
    assert not any("@" in name or "://" in name for name in article.authors)
    assert article.published is None or article.published.tzinfo is not None
    for url in (article.url, article.image):
        assert url is None or re.fullmatch(r"https://[!-~]+", url), url


def _words(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for line in (sanitize.headline(text, text[:9]), sanitize.plain(text), sanitize.blurb(text)):
        assert line == " ".join(line.split())
        assert tokens.without_tokens(line) == line
    sanitize.canonical(sanitize.canonical(text))
    sanitize.link(text)


def _list(data: bytes) -> None:
    refused: list[int] = []
    with tempfile.NamedTemporaryFile(suffix=".csv") as copy, suppress(ContentError):
        copy.write(data)
        copy.flush()
        with subscriber_csv.open_subscribers(Path(copy.name)) as file:
            for row in file.rows(lambda line, reason: refused.append(line)):
                assert subscriber_csv.normalize_address(row.email) == row.email
                assert subscriber_csv.clean_name(row.name) == row.name
                assert 0 < row.line <= len(data)
            assert file.description
    assert all(0 < line <= len(data) for line in refused)


def _bounce(data: bytes) -> None:
    for notice in bounces.read(data):
        assert notice.at is None or notice.at.tzinfo is not None
        assert all(address.count("@") == 1 for address in notice.recipients)
        for text in (notice.message_id, notice.list_unsubscribe, notice.reason, notice.status):
            assert text == " ".join(text.split()), repr(text)


def _events(data: bytes) -> None:
    with suppress(ProviderError):
        for event in providers.read_events("sendgrid", data.decode("utf-8", "replace"), Path()):
            assert event.at.tzinfo is not None
            assert 0 < len(event.id) <= 100
            assert 0 <= event.delivery < 1_000_000_000
            json.dumps(event.details).encode()


def _of(type_: str) -> Callable[[bytes], None]:
    return lambda data: _read(type_, data)


TARGETS: dict[str, Callable[[bytes], None]] = {name: _of(name) for name in SEEDS} | {
    "words": _words,
    "list": _list,
    "bounce": _bounce,
    "events": _events,
}
