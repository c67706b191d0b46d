"""Saved pages: every part lands in its own field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter.errors import FetchError
from newsletter.http import Fetcher
from newsletter.model import Article, Dateline, EditorBox, Window
from newsletter.sources import Surroundings, _article_page, _saved_text
from newsletter.sources.folder import FolderSource

LA = ZoneInfo("America/Los_Angeles")
ALWAYS = Window(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
PAGE = """\
71.6 F
Gardena
Wednesday, July 2, 2025

Choir sings for the harbor

Singers at the pier on Monday. [DAILY]
Singers at the pier on Monday, in blue. [DAILY]


The choir sang at the pier. Forty people came.

"It was loud," one said [laughing].

BY JOON-HO PARK AND MIA O'NEIL \xa0 [joonho.park@example.com]

- Advertisement -
Joon-ho Park
Joon-ho Park
Joon-ho Park edits the weekly letter and sings bass."""


def fetch(folder: Path) -> list[Article]:
    source = FolderSource(
        FolderSource.Options(type="folder", path="saved", section="News"),
        Surroundings(folder, LA, Fetcher()),
    )
    return list(source.fetch(ALWAYS))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str, str | bytes], Article]:
    def save(name: str, content: str | bytes) -> Article:
        (tmp_path / "saved").mkdir(exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "saved" / name).write_bytes(data)
        (article,) = fetch(tmp_path)
        return article

    return save


def test_a_saved_text(saved: Callable[[str, str], Article]) -> None:
    found = saved("a.txt", PAGE)
    assert found.title == "Choir sings for the harbor"
    assert found.authors == ("Joon-ho Park", "Mia O'Neil")
    assert found.byline_email == "joonho.park@example.com"
    assert (found.caption, found.credit) == ("Singers at the pier on Monday, in blue.", "DAILY")
    assert found.blurb.startswith("The choir sang at the pier.")
    assert "Advertisement" not in found.blurb
    assert (found.published, found.url, found.section) == (None, None, "News")
    assert found.page
    assert found.page.dateline == Dateline("Gardena", 71.6, "F", date(2025, 7, 2))
    assert found.page.advertisements == 1
    assert found.page.editor
    assert found.page.editor.name == "Joon-ho Park"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n\n", "\n"),
    ],
)
def test_line_ends_and_encodings_make_no_difference(
    saved: Callable[[str, str | bytes], Article], change: Callable[[str], str | bytes]
) -> None:
    found = saved("a.txt", change(PAGE))
    assert found.title == "Choir sings for the harbor"
    assert found.authors == ("Joon-ho Park", "Mia O'Neil")


def test_korean_in_the_old_encoding(saved: Callable[[str, bytes], Article]) -> None:
    assert saved("a.txt", "합창단 공연\n\n본문이다.".encode("cp949")).title == "합창단 공연"


def test_only_a_headline_and_a_paragraph(saved: Callable[[str, str], Article]) -> None:
    found = saved("a.txt", "By the sea\n\nBy noon the fog had gone.\n")
    assert (found.title, found.blurb, found.authors) == (
        "By the sea",
        "By noon the fog had gone.",
        (),
    )


def test_the_id_follows_the_file_not_the_words(saved: Callable[[str, str], Article]) -> None:
    first = saved("a.txt", PAGE)
    assert saved("a.txt", PAGE.replace("Choir sings", "Choir roars")).id == first.id


def test_a_saved_html_page(saved: Callable[[str, str], Article]) -> None:
    found = saved(
        "a.html",
        """<html lang="en"><head><title>Pool opens - The Daily</title>
<meta property="og:site_name" content="The Daily">
<meta property="og:title" content="Pool opens - The Daily">
<meta property="og:image" content="https://www.example.com/p.jpg">
<link rel="canonical" href="https://www.example.com/pool">
<script type="application/ld+json">{broken</script>
<script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","headline":"x",
"datePublished":"2025-07-02T08:00:00-07:00",
"author":[{"name":"Kim Ray"},{"name":"Lou Cho"}]}]}</script>
</head><body><nav><p>Menu</p></nav><article><h1>Pool opens</h1>
<figure><figcaption>The pool at dawn [AP]</figcaption></figure>
<p>It opened on <b>Tuesday</b>.</p></article></body></html>""",
    )
    assert (found.title, found.url) == ("Pool opens", "https://www.example.com/pool")
    assert found.authors == ("Kim Ray", "Lou Cho")
    assert found.published == datetime(2025, 7, 2, 15, tzinfo=UTC)
    assert (found.caption, found.credit) == ("The pool at dawn", "AP")
    assert found.blurb == "It opened on Tuesday."
    assert found.image == "https://www.example.com/p.jpg"


def test_files_without_an_article_are_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "empty.txt").write_text("\n\n")
    (tmp_path / "saved" / "empty.html").write_text("")
    (tmp_path / "saved" / "picture.jpg").write_bytes(b"\xff")
    (tmp_path / "saved" / "good.txt").write_text("Headline\n\nText.")
    assert [article.title for article in fetch(tmp_path)] == ["Headline"]
    assert "empty.txt was passed over" in caplog.text
    assert "empty.html was passed over" in caplog.text


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="cannot be read"):
        fetch(tmp_path)


def test_the_first_users_own_article(shared_data: Path) -> None:
    (file,) = (shared_data / "saved").glob("*.txt")
    page = _saved_text.read(file.read_text(encoding="utf-8"))
    assert page.title.startswith("North Korea may soon")
    assert page.page.dateline == Dateline("Los Angeles", 63.3, "F", date(2025, 7, 3))
    assert page.credit == "YONHAP"
    assert page.caption
    assert page.caption.startswith("North Korean leader Kim Jong-un is seen")
    assert page.alt
    assert "YONHAP" not in page.alt + page.caption
    assert page.authors == ("Mooyoung Lee",)
    assert page.byline_email == "lee.mooyoung@koreadaily.com"
    assert page.page.advertisements == 1
    assert page.page.editor
    assert page.page.editor.name == "Mooyoung Lee"
    assert "oversees the weekly" in page.page.editor.bio
    assert len(page.body) == 9
    assert page.body[0].startswith("North Korea may deploy")
    assert page.body[-1].endswith("July or August.")


# --- tolerance ---------------------------------------------------------------------------

BODY = "\n\nThe choir sang at the pier on Monday evening, and forty people came to hear it.\n"


@pytest.mark.parametrize(
    ("masthead", "expected"),
    [
        (
            "17.4 C\nSeoul\n2025년 7월 3일 목요일\n\n",
            Dateline("Seoul", 17.4, "C", date(2025, 7, 3)),
        ),
        ("−2 °F\n\n", Dateline(None, -2.0, "F", None)),
        ("63.3 F\nLos Angeles\n\n", Dateline("Los Angeles", 63.3, "F", None)),
        ("Los Angeles\nJuly 3, 2025\n\n", Dateline("Los Angeles", None, None, date(2025, 7, 3))),
        ("2025-07-03\n\n", Dateline(None, None, None, date(2025, 7, 3))),
        ("", None),
    ],
)
def test_mastheads(masthead: str, expected: Dateline | None) -> None:
    found = _saved_text.read(f"{masthead}Choir sings for the harbor of all{BODY}")
    assert found.title == "Choir sings for the harbor of all"
    assert found.page.dateline == expected


@pytest.mark.parametrize(
    ("line", "authors", "email"),
    [
        ("BY KIM RAY", ("Kim Ray",), None),
        ("By Kim Ray", ("Kim Ray",), None),
        (
            "BY KIM RAY AND LOU MCCHO [ray@d.example, cho@d.example]",
            ("Kim Ray", "Lou McCho"),
            "ray",
        ),
        ("BY KIM RAY\n[ray@d.example]", ("Kim Ray",), "ray"),
        ("BY HYE-RAN OSGOOD (ray@d.example)", ("Hye-ran Osgood",), "ray"),
        ("김태훈 기자 ray@d.example", ("김태훈 기자",), "ray"),
        ("By Monday the fog had gone.", (), None),
        ("By the time it was over they had sung", (), None),
    ],
)
def test_bylines(line: str, authors: tuple[str, ...], email: str | None) -> None:
    found = _saved_text.read(f"Choir sings{BODY}\nHye-ran Osgood sang as well.\n\n{line}\n")
    assert found.authors == authors
    assert found.byline_email == (email and f"{email}@d.example")
    assert (line in found.body) is (not authors)


def test_several_pictures() -> None:
    found = _saved_text.read(
        "Choir sings\n\nThe choir at the pier. [YONHAP]\nThe choir at a pier. [YONHAP]\n"
        f"{BODY}\nPeople listen. [AP]\n\nThe end came in the Old Town [Gaslamp]\n\n"
        "They left [laughing]\n"
    )
    assert [(p.caption, p.credit) for p in found.pictures] == [
        ("The choir at a pier.", "YONHAP"),
        ("People listen.", "AP"),
    ]
    assert (found.alt, found.caption) == ("The choir at the pier.", "The choir at a pier.")
    assert found.body[1:] == ["The end came in the Old Town [Gaslamp]", "They left [laughing]"]


def test_a_picture_without_a_credit() -> None:
    found = _saved_text.read(f"Choir sings\n\nThe choir at the pier.\nThe choir at a pier.\n{BODY}")
    assert (found.alt, found.caption) == ("The choir at the pier.", "The choir at a pier.")
    assert (found.credit, len(found.body)) == (None, 1)


def test_a_box_that_does_not_start_with_the_name_and_adverts_everywhere() -> None:
    found = _saved_text.read(
        f"Choir sings\n- Advertisement -{BODY}\nBY KIM RAY\n\nADVERTISEMENT\n\nLou Cho\nLou Cho\n"
        "Edits this letter.\nAnd sings.\n[광고]\n"
    )
    assert found.page.editor == EditorBox("Lou Cho", "Edits this letter. And sings.")
    assert found.page.advertisements == 3
    assert found.authors == ("Kim Ray",)
    assert len(found.body) == 1


def test_lines_of_a_fixed_width_are_joined() -> None:
    paragraph = (
        "The choir sang at the pier on Monday evening, and forty people had come to listen, "
    )
    wrapped = "\n".join([paragraph.strip()] * 4 + ["and then it went home."])
    found = _saved_text.read(f"Choir sings\n\n{wrapped}\n\nNobody else came.\n")
    assert len(found.body) == 2
    assert found.body[0].endswith("listen, and then it went home.")


@pytest.mark.parametrize("name", ["a.txt", "a.html"])
def test_what_is_no_text_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / name).write_bytes(
        b"%PDF-1.4\n\x00\x01" if name == "a.txt" else b"<!-- -->"
    )
    assert fetch(tmp_path) == []
    assert f"{name} was passed over" in caplog.text


def test_foreign_words_on_a_saved_page_are_harmless(saved: Callable[[str, str], Article]) -> None:
    found = saved("a.txt", PAGE.replace("Gardena", "Gar\u202edena").replace("choir", "<b>choir"))
    assert found.page
    assert found.page.dateline
    assert found.page.dateline.city == "Gardena"
    assert found.blurb.startswith("The <b>choir sang at the pier.")


def test_a_page_with_little_to_say(saved: Callable[[str, str | bytes], Article]) -> None:
    found = saved(
        "a.html",
        """<html lang="ko"><meta charset="euc-kr"><title>수영장 - 데일리</title>
<meta property="og:site_name" content="데일리"><link rel="canonical" href="https://d.example/">
<article><figure><img src="https://d.example/p.jpg">
<figcaption>수영장. <i class="credit">사진=홍길동</i></figcaption></figure>
<time datetime="2025-07-02 08:00"></time><a rel="author">By Kim Ray</a>
<p>문을 열었다.</p></article>""".encode("cp949"),
    )
    assert (found.title, found.url, found.language) == ("수영장", None, "ko")
    assert (found.image, found.caption, found.credit) == (
        "https://d.example/p.jpg",
        "수영장.",
        "홍길동",
    )
    assert found.published == datetime(2025, 7, 2, 15, tzinfo=UTC)
    assert (found.authors, found.blurb) == (("Kim Ray",), "문을 열었다.")
    assert not found.needs_date


def test_the_collected_pages_have_their_headlines(shared_data: Path) -> None:
    for name, title, author in (
        ("us-FoxNews_2023_04_28.html", "House China Committee demands answers", "Aaron Kliegman"),
        ("za-TheCitizen_2025_11_28.html", "Severe storms escalate in Gauteng", "Enkosi Selane"),
        ("us-RestOfWorld_2025_10_21.html", "The world needs more spaceports", "Laura Jedeed"),
    ):
        found = _article_page.read((shared_data / "pages" / name).read_bytes(), LA)
        assert found.title.startswith(title)
        assert found.authors == (author,)
        assert found.published
        assert found.image


@pytest.mark.parametrize(("lines", "joined"), [(2, False), (3, True), (4, True)])
def test_lines_of_a_fixed_width_are_joined_where_there_are_three(lines: int, joined: bool) -> None:
    full = [
        "The harbor was quiet on the morning after the long storm had gone",
        "Nobody expected seven hundred lanterns, least of all their makers",
        "Copper prices doubled within a month, which ruined several bakers",
        "Children drew thistles on every wall between here and the granary",
    ]
    body = [*full[:lines], "the end."]
    found = _saved_text.read("\n".join(["A headline", "", *body]))
    assert found.body == ([" ".join(body)] if joined else body)
