"""Every word that dates, bylines and captions of publishers may use, and what it is read as."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from newsletter.config import SourceOptions
from newsletter.http import Fetcher
from newsletter.model import Window
from newsletter.sources import Surroundings, build, options, parse_authors, parse_date, split_credit

LA, UTC_ZONE = ZoneInfo("America/Los_Angeles"), ZoneInfo("UTC")
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk", "ru", "uk", "tr", "sv", "da", "nb",
    "fi", "hu", "ro", "el", "id", "ca", "bg", "sr_Latn", "ar",
)  # fmt: skip


def read(text: str, zone: ZoneInfo = UTC_ZONE) -> str | None:
    moment = parse_date(text, zone)
    return f"{moment:%Y-%m-%dT%H:%M:%S}" if moment else None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_months_of_a_language(language: str) -> None:
    for context, width in product(("format", "stand-alone"), ("wide", "abbreviated")):
        for number, name in Locale(language).months[context][width].items():
            if len(name.rstrip(".")) > 2 and not name.startswith("d’ag."):
                for text in (f"14 {name} 2025", f"Mon, 14. {name} 2025 10:30"):
                    assert (read(text) or "")[:10] == f"2025-{number:02}-14", text


@pytest.mark.parametrize(
    ("name", "number"),
    [
        *((name[:3], number) for number, name in enumerate(
            ("January", "February", "March", "April", "May", "June", "July", "August",
             "September", "October", "November", "December"), 1)),
        ("Janu", 1), ("Sept", 9), ("mrz", 3), ("maerz", 3), ("gen", 1), ("ene", 1), ("kov", 5),
        ("fevr", 2), ("août", 8), ("AOUT", 8), ("déc", 12),
    ],
)  # fmt: skip
def test_a_month_cut_short(name: str, number: int) -> None:
    for text in (f"14 {name} 2025", f"{name}. 14, 2025", f"14-{name}-25", f"2025 {name} 14"):
        assert (read(text) or "")[:10] == f"2025-{number:02}-14", text


@pytest.mark.parametrize("name", ["ma", "j", "foo", "Jux", "Marchx", "Mon", "Montag"])
def test_what_is_no_month(name: str) -> None:
    assert read(f"14 {name} 2025") is None


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Z", 0), ("UT", 0), ("UTC", 0), ("GMT", 0), ("WET", 0), ("BST", 1), ("CET", 1),
        ("CEST", 2), ("EET", 2), ("EEST", 3), ("MSK", 3), ("KST", 9), ("JST", 9), ("EST", -5),
        ("EDT", -4), ("CST", -6), ("CDT", -5), ("MEZ", 1), ("MESZ", 2), ("SAST", 2), ("SGT", 8),
        ("HKT", 8), ("AEST", 10), ("AEDT", 11), ("MST", -7), ("MDT", -6), ("PST", -8),
        ("PDT", -7), ("AKST", -9), ("AKDT", -8), ("HST", -10), ("ET", -4), ("CT", -5), ("MT", -6),
        ("PT", -7), ("+0530", 5.5), ("-02:30", -2.5), ("GMT+0900", 9), ("UTC -03", -3),
        ("+0000", 0), ("−0700", -7),
    ],
)  # fmt: skip
def test_the_name_of_a_zone(zone: str, hours: float) -> None:
    expected = datetime(2025, 7, 14, 12, 30, tzinfo=UTC) - timedelta(hours=hours)
    for text in (f"14 July 2025 12:30 {zone}", f"Mon, 14 Jul 2025 12:30:00 {zone}"):
        for own in (UTC_ZONE, LA, ZoneInfo("Asia/Seoul")):
            assert parse_date(text, own) == expected, text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # the half of the day
        ("2025년 7월 14일 오전 9:05", "2025-07-14T09:05:00"),
        ("2025년 7월 14일 오후 9:05", "2025-07-14T21:05:00"),
        ("2025年7月14日 上午9:05", "2025-07-14T09:05:00"),
        ("2025年7月14日 下午9:05", "2025-07-14T21:05:00"),
        ("2025年7月14日 午前9:05", "2025-07-14T09:05:00"),
        ("2025年7月14日 午後9:05", "2025-07-14T21:05:00"),
        ("July 14, 2025 9:05 am", "2025-07-14T09:05:00"),
        ("July 14, 2025 9:05 p.m.", "2025-07-14T21:05:00"),
        ("July 14, 2025 12:05 am", "2025-07-14T00:05:00"),
        ("July 14, 2025 12:05 PM", "2025-07-14T12:05:00"),
        ("July 14, 2025 1 pm", "2025-07-14T13:00:00"),
        ("July 14, 2025 12 a.m.", "2025-07-14T00:00:00"),
        ("July 14, 2025 13:05 pm", "2025-07-14T13:05:00"),
        ("14 juillet 2025 à 18h30", "2025-07-14T18:30:00"),
        ("2025. 7. 14. 18시 30분", "2025-07-14T18:30:00"),
        ("20250714T183015Z", "2025-07-14T18:30:15"),
        ("20250714T1830", "2025-07-14T18:30:00"),
        ("2025-07-14T18:30:15.123456", "2025-07-14T18:30:15"),
        ("2025-07-14 23:59:60", "2025-07-15T00:00:00"),
        ("2025-07-14 24:00", "2025-07-15T00:00:00"),
        ("2025-07-14 25:00", None),
        ("2025-07-14 23:60", None),
        ("2025-07-14 23:59:61", None),
        # in what order the parts stand
        ("2025/07/14", "2025-07-14T00:00:00"),
        ("2025.07.14", "2025-07-14T00:00:00"),
        ("14.7.2025", "2025-07-14T00:00:00"),
        ("14/7/2025", "2025-07-14T00:00:00"),
        ("7/14/2025", "2025-07-14T00:00:00"),
        ("4/5/2025", "2025-05-04T00:00:00"),
        ("Mon Jul 14 18:30:15 2025", "2025-07-14T18:30:15"),
        ("Mon Jul 14 18:30:15 -0700 2025", "2025-07-15T01:30:15"),
        ("July 14th, 2025", "2025-07-14T00:00:00"),
        ("the 1st of July, 2nd July 2025", "2025-07-02T00:00:00"),
        ("23rd July 2025", "2025-07-23T00:00:00"),
        ("14 de julio de 2025", "2025-07-14T00:00:00"),
        ("4 d’abril de 2025", "2025-04-04T00:00:00"),
        ("4 d'octubre del 2025", "2025-10-04T00:00:00"),
        ("14-Jul-68", "2068-07-14T00:00:00"),
        ("14-Jul-69", "1969-07-14T00:00:00"),
        ("1752500000", "2025-07-14T13:33:20"),
        ("1752500000123", "2025-07-14T13:33:20"),
        ("２０２５-０７-１４", "2025-07-14T00:00:00"),
        ("1899-12-31", None),
        ("1900-01-01", "1900-01-01T00:00:00"),
        ("2999-12-31", "2999-12-31T00:00:00"),
        ("3000-01-01", None),
        ("2025-02-29", None),
        ("2025-13-01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_date(text: str, moment: str | None) -> None:
    assert read(text) == moment


def test_a_stroke_is_american_in_america_alone() -> None:
    assert (read("4/5/2025", LA) or "")[:10] == "2025-04-05"
    assert (read("4.5.2025", LA) or "")[:10] == "2025-05-04"
    assert (read("4/5/2025", ZoneInfo("Europe/London")) or "")[:10] == "2025-05-03"


# --- bylines -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "by", ["By", "BY", "by:", "Written by", "Reported by", "Story by", "글:", "글 ="]
)
def test_what_stands_before_a_name(by: str) -> None:
    assert parse_authors([f"{by} Ada Lovelace"]) == ("Ada Lovelace",)
    assert parse_authors([f"  {by}  Ada Lovelace and Sam Lee"]) == ("Ada Lovelace", "Sam Lee")


@pytest.mark.parametrize("between", [" and ", ", ", "; ", ", and ", " & ", "/", " / ", " AND "])
def test_what_stands_between_two_names(between: str) -> None:
    assert parse_authors([f"Ada Lovelace{between}Sam Lee"]) == ("Ada Lovelace", "Sam Lee")


@pytest.mark.parametrize(
    "after",
    ["Jr", "Jr.", "Sr.", "II", "III", "IV", "MD", "M.D.", "PhD", "Ph.D.", "Esq.", "RN", "R.N."],
)
def test_what_belongs_to_a_name(after: str) -> None:
    assert parse_authors([f"By Ada Lovelace, {after}, Sam Lee"]) == (
        f"Ada Lovelace, {after}",
        "Sam Lee",
    )


ROLES = (
    "writer", "reporter", "correspondent", "editor", "contributor", "columnist", "photographer",
)  # fmt: skip
KINDS = (
    "the", "our", "a", "staff", "senior", "special", "chief", "contributing", "freelance", "city",
    "news", "sports", "political",
)  # fmt: skip


@pytest.mark.parametrize("role", [*ROLES, *(f"{kind} writer" for kind in KINDS)])
def test_a_role_is_nobody(role: str) -> None:
    for written in (role, role.title(), f"{role}s", f"{role} at The Daily"):
        assert parse_authors([f"By Ada Lovelace, {written}"]) == ("Ada Lovelace",)


@pytest.mark.parametrize(
    ("line", "people"),
    [
        ("Ada Lovelace (ada@example.com)", ("Ada Lovelace",)),
        ("ada@example.com", ()),
        ("https://example.com/ada", ()),
        ("www.example.com", ()),
        ("(Ada Lovelace)", ("Ada Lovelace",)),
        ("Food and Drug Administration", ("Food and Drug Administration",)),
        ("김서연, 박지훈", ("김서연", "박지훈")),
        ("", ()),
        ("- -", ()),
    ],
)
def test_a_byline(line: str, people: tuple[str, ...]) -> None:
    assert parse_authors([line]) == people


def test_several_bylines_name_each_person_once() -> None:
    lines = ["By Ada Lovelace", "SAM LEE and ada lovelace", "Sam Lee"]
    assert parse_authors(lines) == ("Ada Lovelace", "SAM LEE")


# --- captions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "credit",
    [
        "AP", "AFP", "EPA", "Reuters", "Getty Images", "Yonhap", "Ada via Sam", "Courtesy of Ada",
        "Handout", "Photo by Ada", "Image by Ada", "Illustration by Ada", "ADA LOVELACE",
        "연합뉴스", "뉴시스",
    ],
)  # fmt: skip
def test_a_credit_in_brackets(credit: str) -> None:
    caption, found = split_credit(f"A market at night ({credit})")
    assert caption == "A market at night"
    assert found
    assert credit.endswith(found)


@pytest.mark.parametrize(
    "sign",
    ["Photo by ", "Photo: ", "Photos by ", "Photograph by ", "Photographs: ", "Photography by ",
     "Picture: ", "Image credit: ", "Credit: ", "Credits: ", "사진=", "사진 제공: ", "그래픽: ",
     "Photo courtesy of "],
)  # fmt: skip
def test_a_credit_behind_a_sign(sign: str) -> None:
    assert split_credit(f"A market at night. {sign}Ada Lovelace") == (
        "A market at night.",
        "Ada Lovelace",
    )
    assert split_credit(f"{sign}Ada Lovelace") == ("", "Ada Lovelace")


@pytest.mark.parametrize(
    "aside", ["sic", "laughs", "laughing", "applause", "left", "right", "center", "above"]
)
def test_an_aside_is_no_credit(aside: str) -> None:
    for caption in (f"Ada [{aside}]", f"Ada [{aside.title()}]"):
        assert split_credit(caption) == (caption, "")


@pytest.mark.parametrize(
    "caption",
    ["A market at night (in Seoul)", "He took a photo by the sea", "A / b", "A market", ""],
)
def test_a_caption_without_a_credit(caption: str) -> None:
    assert split_credit(caption) == (caption, "")


# --- the endings of files ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("a.txt", True), ("a.TXT", True), ("a.html", True), ("a.htm", True), ("a.HTML", True),
        ("a.md", False), ("a.pdf", False), ("a.xhtml", False), ("a", False), ("a.txt.bak", False),
    ],
)  # fmt: skip
def test_a_file_of_a_folder(tmp_path: Path, name: str, is_read: bool) -> None:
    page = "<html><head><title>A headline that is long enough</title></head><body><p>x</p></body>"
    text = page if "htm" in name.lower() else "A headline that is long enough\n\nA body.\n"
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / name).write_text(text)
    chosen = options("folder").model_validate({"type": "folder", "path": "saved"})
    assert isinstance(chosen, SourceOptions)
    source = build(chosen, Surroundings(tmp_path, LA, Fetcher()))
    now = datetime(2025, 7, 7, tzinfo=UTC)
    found = list(source.fetch(Window(now - timedelta(days=7), now)))
    assert [article.title for article in found] == ["A headline that is long enough"] * is_read
