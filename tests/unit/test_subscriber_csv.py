"""Files of subscribers as programs and people really write them."""

from __future__ import annotations

import codecs
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import ContentError, NewsletterError
from newsletter.model import Status
from newsletter.subscriber_csv import HEADER, clean_name, open_subscribers, write

Refused = list[tuple[int, str]]


def read(path: Path, encoding: str | None = None) -> tuple[list[tuple[str, str, str]], Refused]:
    refused: Refused = []
    with open_subscribers(path, encoding) as file:
        rows = list(file.rows(lambda line, reason: refused.append((line, reason))))
    return [(row.email, row.name, row.status.word) for row in rows], refused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "readers.csv"


def said(path: Path, text: str | bytes) -> tuple[list[tuple[str, str, str]], Refused]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path)


def people(path: Path, text: str | bytes) -> list[tuple[str, str, str]]:
    """Everybody in a file of which no line may be refused."""
    found, refused = said(path, text)
    assert refused == []
    return found


TEXT = "email,name\na@example.com,{}\nb@example.com,{}\n"
KOREAN, WESTERN = ("김서연", "박지훈"), ("José Núñez", "Åsa Öberg")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("utf-8", KOREAN), ("utf-8", WESTERN), ("utf-8-sig", KOREAN), ("utf-16", KOREAN),
        ("cp949", KOREAN), ("euc-kr", KOREAN), ("cp949", ("똠방각하", "펲시콜라")),
        ("cp1252", WESTERN), ("cp1252", ("Åsa", "Zoë €")), ("latin-1", WESTERN),
        ("latin-1", ("\x81\x8d".strip() + "é", "É")), ("utf-16-le", WESTERN), ("utf-32", KOREAN),
    ],
)  # fmt: skip
def test_the_encoding_is_found_out(path: Path, encoding: str, names: tuple[str, str]) -> None:
    path.write_bytes(TEXT.format(*names).encode(encoding))
    found, refused = read(path)
    if any("\x81" in name for name in names):
        assert "control character" in refused[0][1]
    else:
        assert [name for _, name, _ in found] == list(names)


def test_big_endian_with_its_mark(path: Path) -> None:
    assert people(path, codecs.BOM_UTF16_BE + TEXT.format(*KOREAN).encode("utf-16-be"))[0][1] == (
        "김서연"
    )


def test_an_encoding_that_cannot_be_found_out_is_named(path: Path) -> None:
    path.write_bytes("email,name\na@example.com,山田太郎\n".encode("shift_jis"))
    assert read(path, "shift_jis")[0] == [("a@example.com", "山田太郎", "active")]
    with pytest.raises(NewsletterError, match="no encoding 'klingon'"):
        read(path, "klingon")
    with pytest.raises(NewsletterError, match="is not in utf-8"):
        read(path, "utf-8")


def test_one_broken_byte_does_not_spoil_the_other_names(path: Path) -> None:
    good = TEXT.format(*KOREAN).encode()
    found, refused = said(path, good + b"c@example.com,Jos\xe9\n")
    assert [name for _, name, _ in found] == list(KOREAN)
    assert refused == [(4, refused[0][1])]
    assert "save the file as UTF-8" in refused[0][1]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(path: Path, mark: str, end: str) -> None:
    lines = ("email,name,status", 'a@example.com,"Lovelace, Ada",active', "b@example.com,B,no")
    text = end.join(line.replace('"Lovelace, Ada"', "A").replace(",", mark) for line in lines)
    assert people(path, text) == [
        ("a@example.com", "A", "active"),
        ("b@example.com", "B", "unsubscribed"),
    ]


def test_a_header_with_another_separator_in_it(path: Path) -> None:
    text = '"Email";"Last, first"\n"a@example.com";"x"\n'
    assert people(path, text) == [("a@example.com", "", "active")]


def test_the_line_that_excel_writes_for_itself(path: Path) -> None:
    assert people(path, "sep=;\r\nEmail;Name\r\na@example.com;A\r\n") == [
        ("a@example.com", "A", "active")
    ]


def test_blank_lines_blanks_and_headers_that_come_again(path: Path) -> None:
    text = "\n  \nemail , name\n\n a@example.com\t, A \n,\nemail , name\n\n'b@example.com,B\n"
    found, refused = said(path, text)
    assert found[0] == ("a@example.com", "A", "active")
    assert found[1][0] == "'b@example.com"  # an apostrophe may stand in an address
    assert refused == []


def test_a_line_end_in_quotation_marks_belongs_to_the_cell(path: Path) -> None:
    text = (
        'email,name,note\na@example.com,"Du\nPont","Call\nb@example.org\nfirst"\nc@example.com,C,\n'
    )
    assert people(path, text) == [
        ("a@example.com", "Du Pont", "active"),
        ("c@example.com", "C", "active"),
    ]


def test_quotation_marks_out_of_place(path: Path) -> None:
    text = 'email, name\n "a@example.com", "A ""The"" B"\nb@example.com,B "The" C\n'
    assert people(path, text) == [
        ("a@example.com", 'A "The" B', "active"),
        ("b@example.com", 'B "The" C', "active"),
    ]


def test_a_quotation_mark_that_is_never_closed_swallows_nobody(path: Path) -> None:
    lines = [f"r{number}@example.com,R" for number in range(3_000)]
    lines[10] = 'open@example.com,"Open'
    lines[20] = 'closes@example.com,"C"'
    lines[500] = 'again@example.com,"Again'  # and no other mark follows, to the end of the file
    found, refused = said(path, "email,name\n" + "\n".join(lines))
    assert [line for line, _ in refused] == [12, 502]
    assert "never closed" in refused[0][1]
    assert len(found) == 2_998


def test_every_line_has_an_open_quotation_mark(path: Path) -> None:
    with pytest.raises(ContentError, match="do not come in pairs"):
        said(path, "email,name\n" + 'a@example.com,"x ""\n' * 5_000)


def test_short_and_long_lines(path: Path) -> None:
    assert people(path, "name,email,phone\nA,a@example.com\nB,b@example.com,1,,,\n") == [
        ("a@example.com", "A", "active"),
        ("b@example.com", "B", "active"),
    ]
    assert said(path, "phone,email\n1\n")[1] == [(2, "there is no address")]


def test_a_shifted_line_is_refused_where_its_state_might_be_misread(path: Path) -> None:
    text = "email,name,status\na@example.com,Lovelace, active,unsubscribed\n"
    found, refused = said(path, text)
    assert found == []
    assert "4 cells where the header has 3" in refused[0][1]


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Email Address,First Name,Last Name", "a@example.com,Ada,Lovelace", "Ada Lovelace"),
        ("E-mail,Full name", "a@example.com,Ada Lovelace", "Ada Lovelace"),
        ("EMAIL_ADDRESS,FNAME,LNAME", "a@example.com,Ada,", "Ada"),
        ("이름,이메일", "김서연,a@example.com", "김서연"),
        ("이메일 주소,성,이름", "a@example.com,홍,길동", "홍길동"),
        ("Email,First name,Last name", "a@example.com,길동,홍", "홍길동"),
        ("Courriel,Prénom,Nom", "a@example.com,Marie,Curie", "Marie Curie"),
        ("E-Mail-Adresse;Name;Vorname", "a@example.com;Noether;Emmy", "Emmy Noether"),
        ("Nom,Adresse e-mail", "Du Pont,a@example.com", "Du Pont"),
        ("Subscriber Email,Name", "a@example.com,Ada", "Ada"),
        ("name,First Name,Last Name,email", ",Ada,Lovelace,a@example.com", "Ada Lovelace"),
        ('"Email:",Name*', "a@example.com,Ada", "Ada"),
        ("Email,Tags,Tags", "a@example.com,x,y", ""),
        ("Address,Email", "1 Example Street,a@example.com", ""),
    ],
)
def test_headers(path: Path, header: str, row: str, name: str) -> None:
    assert people(path, f"{header}\n{row}\n") == [("a@example.com", name, "active")]


@pytest.mark.parametrize(
    ("header", "cell", "status"),
    [
        # Mailchimp
        ("UNSUB_TIME", "2024-01-01 10:00:00", Status.UNSUBSCRIBED),
        ("UNSUB_TIME", "", Status.ACTIVE),
        ("CLEAN_TIME", "2024-01-01 10:00:00", Status.BOUNCED),
        ("Email Marketing Status", "Cleaned", Status.BOUNCED),
        # Substack
        ("active_subscription", "false", Status.UNSUBSCRIBED),
        ("active_subscription", "TRUE", Status.ACTIVE),
        ("email_disabled", "true", Status.UNSUBSCRIBED),
        ("email_disabled", "false", Status.ACTIVE),
        # listmonk
        ("status", "enabled", Status.ACTIVE),
        ("status", "disabled", Status.UNSUBSCRIBED),
        ("status", "blocklisted", Status.BLOCKED),
        ("status", "unconfirmed", Status.PENDING),
        # Keila
        ("Status", "unreachable", Status.BOUNCED),
        ("Status", "", Status.ACTIVE),
        # Ghost
        ("subscribed_to_emails", "false", Status.UNSUBSCRIBED),
        ("subscribed_to_emails", "true", Status.ACTIVE),
        ("deleted_at", "2024-01-01T00:00:00.000Z", Status.UNSUBSCRIBED),
        # others
        ("Status", " Subscribed ", Status.ACTIVE),
        ("Status", "Non-Subscribed", Status.PENDING),
        ("subscriber status", "complained", Status.COMPLAINED),
        ("confirmed", "no", Status.PENDING),
        ("unsubscribed", "1", Status.UNSUBSCRIBED),
        ("상태", "수신거부", Status.UNSUBSCRIBED),
        ("구독여부", "Y", Status.ACTIVE),
        ("state", "unsubscribed", Status.UNSUBSCRIBED),
    ],
)
def test_states(path: Path, header: str, cell: str, status: Status) -> None:
    assert people(path, f"email,{header}\na@example.com,{cell}\n")[0][2] == status.word


def test_the_strictest_of_several_states_counts(path: Path) -> None:
    text = "email,status,unsubscribed_at,bounced\na@example.com,active,2024-01-01,no\n"
    assert people(path, text)[0][2] == "unsubscribed"


def test_california_is_no_state_of_a_subscription(path: Path) -> None:
    text = "email,city,state,zip\na@example.com,Los Angeles,CA,90001\n"
    assert people(path, text) == [("a@example.com", "", "active")]


def test_a_state_that_nobody_knows_is_refused(path: Path) -> None:
    found, refused = said(path, "email,status\na@example.com,sleeping\nb@example.com,active\n")
    assert [email for email, *_ in found] == ["b@example.com"]
    assert refused == [(2, "the status 'sleeping' is unknown; write active or unsubscribed")]


def test_the_name_of_the_file_may_say_what_no_column_does(tmp_path: Path) -> None:
    for name, status in {
        "cleaned_email_audience_export_1.csv": Status.BOUNCED,
        "unsubscribed_email_audience_export_1.csv": Status.UNSUBSCRIBED,
        "nonsubscribed_email_audience_export_1.csv": Status.PENDING,
        "subscribed_email_audience_export_1.csv": Status.ACTIVE,
    }.items():
        path = tmp_path / name
        path.write_text("Email Address\na@example.com\n")
        with open_subscribers(path) as file:
            assert file.suggested_status == status
        path.write_text("Email Address,Status\na@example.com,active\n")
        with open_subscribers(path) as file:
            assert file.suggested_status == Status.ACTIVE


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (b"\n \r\n\n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (zipped("xl/workbook.xml"), "save it as CSV"),
        (zipped("subscribed_export.csv"), "Unpack it"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel workbook"),
        (b"%PDF-1.7\n", "is a PDF"),
        (b"\x1f\x8b\x08\x00", "is compressed"),
        (bytes(range(256)) * 9, "is not a text file"),
        ("email\na@example.com\n".encode("utf-16")[:-1], "damaged or incomplete"),
        (b"name,phone\nAda,1\n", "no column of addresses.*“name”, “phone”"),
        (b"ada@example.com,Ada\n", "must name the columns.*“ada@example.com”"),
        (b"email 1,email 2\na@example.com,\n", "several columns.*“email 1” or “email 2”"),
        (b"x" * 2_000_000, "more than 1,000,000 letters"),
    ],
)
def test_what_is_no_list_is_said_with_what_to_do(path: Path, data: bytes, expected: str) -> None:
    with pytest.raises(ContentError, match=expected):
        said(path, data)


def test_a_line_without_an_end_in_the_middle(path: Path) -> None:
    text = "email,name\na@example.com,A\nb@example.com," + "x" * 3_000_000 + "\nc@example.com,C\n"
    found, refused = said(path, text)
    assert [email for email, *_ in found] == ["a@example.com", "c@example.com"]
    assert refused == [(3, "it is longer than 1,000,000 letters")]


def test_a_cell_beyond_measure(path: Path) -> None:
    text = "email,note\na@example.com," + "x" * 200_000 + "\nb@example.com,B\n"
    found, refused = said(path, text)
    assert [email for email, *_ in found] == ["b@example.com"]
    assert refused[0][0] == 2


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="Is a directory"):
        read(tmp_path)
    with pytest.raises(ContentError, match="No such file"):
        read(tmp_path / "none.csv")


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs"]), max_size=20)


@given(st.lists(st.tuples(CELLS, st.sampled_from("=+-@'\t\"ab1＝")), max_size=5))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("round") / "a.csv"
    people = [
        (f"={number}@example.com", clean_name(f"{start}{cell}"), "active")
        for number, (cell, start) in enumerate(cells)
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        write(file, HEADER, people)
    assert "\n=" not in path.read_text(encoding="utf-8")
    assert read(path) == (people, [])
