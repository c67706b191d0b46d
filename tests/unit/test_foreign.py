"""Foreign text and foreign addresses become harmless, and comparable."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links import tokens
from newsletter.sanitize import (
    blurb,
    canonical,
    headline,
    headline_key,
    link,
    one_line,
    picture,
    plain,
)

NASTY = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("\u202e\u2066\ufffd\x00\r\n\t <>&;\"'ndx-{}%…가。."),
    ),
    max_size=600,
)
WORDS = st.text(alphabet="abc 가나다.,!?…-–'\"1234567890", max_size=900)


def is_harmless(text: str) -> bool:
    return (
        text == " ".join(text.split())
        and not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)
        and not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufffd")
        and not tokens.find_all(text)
    )


# --- text --------------------------------------------------------------------------------


@given(NASTY)
def test_every_text_becomes_one_harmless_line(text: str) -> None:
    for harmless in (one_line(text), headline(text), headline(text, "The Daily"), blurb(text)):
        assert is_harmless(harmless)
        assert len(harmless) < 300
    assert is_harmless(plain(text))
    assert one_line(one_line(text)) == one_line(text)


@given(WORDS)
def test_a_blurb_is_a_beginning(text: str) -> None:
    found = blurb(text)
    assert len(found) <= 280
    assert plain(text).startswith(found.removesuffix("…"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\r\n lines\t and\u00a0more ", "two lines and more"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("bro\ufffdken \x00zero\x07 \u200bwidth", "broken zero width"),
        ("👩\u200d💻 at work", "👩\u200d💻 at work"),
        ("نقد و بررسی می\u200cشود", "نقد و بررسی می\u200cشود"),
        (f"hello {tokens.GREETING_TEXT}", "hello ndx greeting-text-xdn"),
        ("NDX-\u200bx-xdn", "NDX x-xdn"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


def test_a_long_headline_is_cut_between_words() -> None:
    cut = one_line("word " * 100)
    assert cut.endswith("word…")
    assert len(cut) < 300
    assert len(one_line("가" * 300)) < 300


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One</p><p>two<br>three</p>", "One two three"),
        ("in<b>side</b>", "inside"),
        ("a<script>evil()</script><style>p{}</style>b", "ab"),
        ("AT&amp;T &lt;b&gt; &amp;lt;", "AT&T <b> &lt;"),
        ("5 < 6 & 7 > 3", "5 < 6 & 7 > 3"),
        ("<기생충> 4관왕", "<기생충> 4관왕"),
        ('<?xml version="1.0" encoding="euc-kr"?><p>é</p>', "é"),
        ("<!-- only -->", ""),
        ("&#0;&#x202e;x", "x"),
        ("", ""),
    ],
)
def test_plain(html: str, expected: str) -> None:
    assert plain(html) == expected


@pytest.mark.parametrize(
    ("text", "site", "expected"),
    [
        ("<b>Big</b> news &amp; more | The Daily", "The Daily", "Big news & more"),
        ("Big news - The Daily", "The Daily — News", "Big news"),
        ("Big news | dailynews.example", "Daily | dailynews.example", "Big news"),
        ("Mail Online | Big news", "Home | Mail Online", "Big news"),
        ("소식ㅣ한국일보", "한국일보", "소식"),
        ("Fire - Seoul", "The Daily", "Fire - Seoul"),
        ("The Daily", "The Daily", "The Daily"),
        ("All the news | News", "News", "All the news | News"),
        ("<script>alert(1)</script> {{ 7*7 }}", None, "<script>alert(1)</script> {{ 7*7 }}"),
        ("1930ft<sup>2</sup>, &#x0024;4300", None, "1930ft2, $4300"),
        ("&amp;lt;b&amp;gt;", None, "&lt;b&gt;"),
        ("one<br/>two", None, "one two"),
    ],
)
def test_headline(text: str, site: str | None, expected: str) -> None:
    assert headline(text, site) == expected


LONG = "and so on " * 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Short and whole", "Short and whole"),
        (f"It opened on Monday at the pier. Then {LONG}", "It opened on Monday at the pier."),
        (
            f"Mr. Kim of the U.S. Senate met Dr. J. Lee. Then {LONG}",
            "Mr. Kim of the U.S. Senate met Dr. J. Lee.",
        ),
        (f"“It was loud at the harbor.” He left {LONG}", "“It was loud at the harbor.”"),
        (
            f"It rose by 3.5 percent in the whole city. Then {LONG}",
            "It rose by 3.5 percent in the whole city.",
        ),
        (
            f"서울시는 어제 새 공원을 시민에게 열었다고 밝혔다.시민들은 {LONG}",
            "서울시는 어제 새 공원을 시민에게 열었다고 밝혔다.",
        ),
        (
            "<p>The pool opened on Monday.</p><p>The post <a>P</a> appeared first on <a>D</a>.</p>",
            "The pool opened on Monday.",
        ),
        ("<p>The pool opened on and then [&hellip;]</p>", "The pool opened on and then…"),
        ("The pool opened. Continue reading “Pool” →", "The pool opened."),
        ("The pool opened <a>Read more</a>", "The pool opened"),
        ("It opened. Read more at latimes.example", "It opened."),
        ("Her advice is simple. Read more books.", "Her advice is simple. Read more books."),
        ("공원이 열렸다. 더보기", "공원이 열렸다."),
    ],
)
def test_blurb(text: str, expected: str) -> None:
    assert blurb(text) == expected


def test_a_blurb_without_sentences_is_cut_between_words() -> None:
    assert blurb("word " * 100).endswith("word…")
    assert len(blurb("가" * 1000)) == 280


# --- headlines that are one, and that are not --------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("“Soup & Signatures”: a rent deal", "'Soup & signatures' - A Rent Deal"),
        ("U.S. votes, again!", "US votes again"),
        ("30,000 troops", "30000 troops"),
        ("Korea’s best…", "KOREA'S BEST"),
        ("한·미 정상회담 “성공”", "한미 정상회담 '성공'"),
        ("Ｔokyo １", "Tokyo 1"),
    ],
)
def test_one_headline(one: str, other: str) -> None:
    assert headline_key(one) == headline_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5 million", "15 million"),
        ("Dodgers win 7-5", "Dodgers win 75"),
        ("Players re-sign", "Players resign"),
        ("Fire in Seoul", "Fire in Busan"),
        ("Mayor opens park", "Mayor closes park"),
        ("-5 degrees", "5 degrees"),
        ("Up 5%", "Up 5"),
        ("$5", "€5"),
        ("3,4분기", "34분기"),
        ("???", "!!!"),
    ],
)
def test_two_headlines(one: str, other: str) -> None:
    assert headline_key(one) != headline_key(other)


@given(st.text(min_size=1, max_size=80))
def test_comparing_never_loses_a_headline(title: str) -> None:
    assert bool(headline_key(title)) == bool(title.split())


# --- addresses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://Example.COM:80/a b", "https://example.com/a%20b"),
        ("  https://h.example/x\n", "https://h.example/x"),
        ("https://h.example/a\n\t b", "https://h.example/ab"),
        ("//h.example/x", "https://h.example/x"),
        ("https://h.example:8443/", "https://h.example:8443/"),
        ("https://h.example/?a=1&amp;b='\"<>", "https://h.example/?a=1&b=%27%22%3C%3E"),
        ("https://h.example/한글?q=가#나", None),
        ("https://h.example/50%", "https://h.example/50%25"),
        ("https://h.example/a;?b=1", "https://h.example/a;?b=1"),
        ("https://h.example/{{x}}", "https://h.example/%7B%7Bx%7D%7D"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
    ],
)
def test_link(url: str, expected: str | None) -> None:
    found = link(url)
    assert found
    assert found.isascii()
    assert expected is None or found == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "mailto:a@example.com",
        "ftp://h.example/",
        "https://user:secret@h.example/",
        "https://user@h.example/",
        "https://h.example:99999/",
        "https://[::1",
        "https://",
        "https:\\\\h.example",
        "https://h .example/",
        "https://h.example/\x01",
        "https://h.example/\u202e",
        "https://h.example/\ufffd",
        "https://h.example/" + "x" * 3000,
        "https://ndx-x-xdn.example/",
    ],
)
def test_no_link(url: str) -> None:
    assert link(url) is None


@given(NASTY)
def test_every_link_is_printable(text: str) -> None:
    for found in (link(text), link("https://h.example/" + text), link(text, "http://h.example/a/")):
        if found is not None:
            assert found.startswith("https://")
            assert not set(found) & set(" \"'<>`{}\\^|")
            assert found.isascii()
            assert found.isprintable()
            assert not tokens.find_all(found)
            assert "@" not in urlsplit(found).netloc
            assert link(found) == found


def test_a_relative_link() -> None:
    assert link("../b?c", "http://h.example/a/x/") == "https://h.example/a/b?c"


def test_a_token_in_a_link_still_leads_there() -> None:
    found = link(f"https://h.example/{tokens.UNSUBSCRIBE_HTML}")
    assert found == "https://h.example/ndx%2Dunsubscribe-html-xdn"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h.example/a.jpg", "https://h.example/a.jpg"),
        ("https://h.example/a.JPEG?w=2", "https://h.example/a.JPEG?w=2"),
        ("https://h.example/a.svg", None),
        ("https://h.example/a.SVG?x", None),
        ("https://h.example/a.webp", "https://h.example/a.webp"),
        ("https://h.example/a.jpg?format=svg", None),
        ("https://h.example/a.heic", None),
        ("data:image/png;base64,AAAA", None),
    ],
)
def test_picture(url: str, expected: str | None) -> None:
    assert picture(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://h.example/a",
        "https://H.EXAMPLE:443/a/",
        "https://h.example/a?utm_source=x&UTM_medium=y",
        "https://h.example/a/?fbclid=1&gclid=2&mc_cid=3#top",
        "https://h.example/%61?",
    ],
)
def test_one_page_has_one_canonical_address(url: str) -> None:
    assert canonical(url) == "https://h.example/a"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h.example/a?id=1", "https://h.example/a?id=2"),
        ("https://h.example/a", "https://h.example/A"),
        ("https://h.example/a", "https://h.example:8443/a"),
        ("https://h.example/a", "https://www.other.example/a"),
        ("https://h.example/?p=1", "https://h.example/"),
        ("https://h.example/a%2Fb", "https://h.example/a/b"),
    ],
)
def test_two_pages(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_what_is_no_address_stays_as_it_is() -> None:
    assert canonical("") == ""
    assert canonical(" tag:example.com,2025:1 ") == "tag:example.com,2025:1"


@given(NASTY)
def test_canonical_addresses_stay_canonical(text: str) -> None:
    once = canonical("https://h.example/" + text)
    assert canonical(once) == once
    if found := link("https://h.example/" + text):
        assert canonical(found) == once
