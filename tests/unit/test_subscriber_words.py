"""Every word that a subscriber file may use: its columns, its states, its name, its encoding.

The words stand here once more, so that none can be lost or change its meaning unnoticed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import ContentError
from newsletter.model import Status
from newsletter.subscriber_csv import open_subscribers

ADDRESS = "a@example.com"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("words")


def only_row(folder: Path, *header: str, cells: tuple[str, ...]) -> tuple[str, str, str]:
    """Address, name and state of the one person in a file with that header."""
    path = folder / "readers.csv"
    path.write_text(f"{';'.join(header)}\n{';'.join(cells)}\n", encoding="utf-8")
    with open_subscribers(path) as file:
        (row,) = file.rows(pytest.fail)
    return row.email, row.name, row.status.word


EMAIL = """
email|e mail|email address|e mail address|이메일|이메일 주소|이메일주소|전자우편|메일주소
메일 주소|메일|adresse e mail|adresse email|adresse mail|courriel|e mail adresse|emailadresse
correo electrónico|correo electronico|correo|indirizzo email|e posta|メールアドレス|电子邮件
電子郵件|邮箱|mail|address
"""
WHOLE = """
name|full name|fullname|display name|subscriber name|contact name|이름|성명|성함|이름 (전체)
nom complet|nom|nombre|nombre completo|nome|naam|氏名|名前|姓名
"""
FIRST = """
first name|firstname|fname|given name|forename|prénom|prenom|vorname|nombre de pila|voornaam|名
"""
LAST = """
last name|lastname|lname|surname|family name|nachname|familienname|apellido|apellidos|cognome
achternaam|nom de famille|성|姓
"""
STATES = """
status|subscription status|subscriber status|member status|email status|email marketing status
email subscription status|email permission status|list status|contact status|subscriber type
subscription|active subscription|subscribed|subscribed to emails|active|is active|enabled
is subscribed|accepts marketing|accepts email marketing|opt in|opted in|email opt in
marketing consent|상태|구독상태|구독 상태|구독여부|구독 여부|수신동의|수신 동의|statut|estado
stato|state
"""
CONFIRMATIONS = "confirmed|is confirmed|email confirmed|verified|is verified"
MARKS = {
    "unsubscribed": """
unsubscribed|is unsubscribed|unsub time|unsubscribed at|unsubscribe time|unsubscribe date
unsubscribed date|unsubscribed on|date unsubscribed|email disabled|opted out|opt out
email opt out|optout date|opted out at|do not email|deleted at|cancelled at|canceled at|수신거부
구독취소일
""",
    "blocked": "blocked|blocklisted|blacklisted|email blacklisted|suppressed",
    "bounced": """
bounced|is bounced|bounced at|bounce date|clean time|cleaned at|hard bounced at|undeliverable at
""",
    "complained": "complained|complained at|complaint date|spam reported at",
}
CELLS = {
    "active": """
active|subscribed|confirmed|enabled|true|yes|y|t|1|on|regular|premium|구독|구독중|구독 중|활성
예|동의
""",
    "pending": """
pending|unconfirmed|not confirmed|unactivated|waiting|validating|invited|nonsubscribed
non subscribed|not subscribed|never subscribed|transactional|대기|미확인|미인증
""",
    "unsubscribed": """
unsubscribed|unsubscribe|inactive|disabled|false|no|n|f|0|off|opted out|optout|opt out|removed
deleted|archived|cancelled|canceled|구독취소|구독 취소|구독해지|구독 해지|수신거부|수신 거부
해지|탈퇴|비활성|아니요|미동의
""",
    "blocked": "blocked|blocklisted|blacklisted|banned|suppressed|차단",
    "bounced": """
bounced|bounce|hard bounce|hard bounced|cleaned|unreachable|undeliverable|invalid|반송
""",
    "complained": """
complained|complaint|spam complaint|spam|marked as spam|reported as spam|junk|abuse|스팸신고
""",
}
NO = "false|no|n|f|0|off|null|none|nil|아니요"


def entries(table: str) -> list[str]:
    return [word for line in table.split("\n") for word in line.split("|") if word]


def of_each(tables: dict[str, str]) -> list[tuple[str, str]]:
    return [(word, state) for state, table in tables.items() for word in entries(table)]


@pytest.mark.parametrize("column", entries(EMAIL))
def test_a_column_of_addresses(folder: Path, column: str) -> None:
    for written in (column, column.upper(), column.replace(" ", "_"), f" {column}: "):
        found = only_row(folder, "phone", written, "tags", cells=("x@y", ADDRESS, "z@example.com"))
        assert found == (ADDRESS, "", "active")


@pytest.mark.parametrize("column", entries(WHOLE))
def test_a_column_of_whole_names(folder: Path, column: str) -> None:
    found = only_row(folder, "email", column, cells=(ADDRESS, "Ada Lovelace"))
    assert found == (ADDRESS, "Ada Lovelace", "active")


@pytest.mark.parametrize("column", entries(FIRST))
def test_a_column_of_first_names(folder: Path, column: str) -> None:
    found = only_row(folder, "surname", "email", column, cells=("Lovelace", ADDRESS, "Ada"))
    assert found == (ADDRESS, "Ada Lovelace", "active")


@pytest.mark.parametrize("column", entries(LAST))
def test_a_column_of_last_names(folder: Path, column: str) -> None:
    found = only_row(folder, column, "email", "first name", cells=("Lovelace", ADDRESS, "Ada"))
    assert found == (ADDRESS, "Ada Lovelace", "active")


@pytest.mark.parametrize("first", ["prénom", "prenom"])
def test_beside_a_first_name_nom_is_the_family_name(folder: Path, first: str) -> None:
    found = only_row(folder, "nom", first, "email", cells=("Curie", "Marie", ADDRESS))
    assert found == (ADDRESS, "Marie Curie", "active")
    found = only_row(folder, "name", "vorname", "email", cells=("Noether", "Emmy", ADDRESS))
    assert found == (ADDRESS, "Emmy Noether", "active")
    found = only_row(folder, "name", first, "email", cells=("Marie Curie", "Marie", ADDRESS))
    assert found == (ADDRESS, "Marie Curie", "active")


@pytest.mark.parametrize("column", entries(STATES))
def test_a_column_of_states(folder: Path, column: str) -> None:
    for cell, state in (("no", "unsubscribed"), ("yes", "active"), ("", "active")):
        assert only_row(folder, "email", column, cells=(ADDRESS, cell))[2] == state


@pytest.mark.parametrize(
    "place", ["city", "zip", "zip code", "postal code", "country", "street", "county"]
)
def test_beside_a_place_state_is_a_part_of_the_country(folder: Path, place: str) -> None:
    found = only_row(folder, "email", "state", place, cells=(ADDRESS, "unsubscribed", "x"))
    assert found[2] == "active"


@pytest.mark.parametrize("column", entries(CONFIRMATIONS))
def test_a_column_of_confirmations(folder: Path, column: str) -> None:
    for cell, state in (("no", "pending"), ("yes", "active"), ("bounced", "bounced")):
        assert only_row(folder, "email", column, cells=(ADDRESS, cell))[2] == state


@pytest.mark.parametrize(("column", "state"), of_each(MARKS))
def test_a_column_that_is_filled(folder: Path, column: str, state: str) -> None:
    for cell in ("2024-01-01 10:00:00", "1", "yes"):
        assert only_row(folder, "email", column, cells=(ADDRESS, cell))[2] == state
    for cell in ("", *entries(NO)):
        assert only_row(folder, "email", column, cells=(ADDRESS, cell))[2] == "active"


@pytest.mark.parametrize(("cell", "state"), of_each(CELLS))
def test_a_state(folder: Path, cell: str, state: str) -> None:
    for written in (cell, f" {cell.upper()} ", cell.replace(" ", "-")):
        assert only_row(folder, "email", "status", cells=(ADDRESS, written))[2] == state


@pytest.mark.parametrize(
    ("stricter", "laxer"),
    [
        ("complained", "bounced"), ("bounced", "blocked"), ("blocked", "unsubscribed"),
        ("unsubscribed", "pending"), ("pending", "active"),
    ],
)  # fmt: skip
def test_of_two_states_the_stricter_counts_in_either_order(
    folder: Path, stricter: str, laxer: str
) -> None:
    header = ("email", "status", "list status")
    for cells in ((ADDRESS, stricter, laxer), (ADDRESS, laxer, stricter)):
        assert only_row(folder, *header, cells=cells)[2] == stricter


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("unsub.csv", Status.UNSUBSCRIBED), ("my optout list.csv", Status.UNSUBSCRIBED),
        ("opt_out.csv", Status.UNSUBSCRIBED), ("Cleaned-Export.csv", Status.BOUNCED),
        ("bounces.csv", Status.BOUNCED), ("nonsubscribed.csv", Status.PENDING),
        ("non-subscribed.csv", Status.PENDING), ("pending.csv", Status.PENDING),
        ("unconfirmed.csv", Status.PENDING), ("suppression.csv", Status.BLOCKED),
        ("blocklist.csv", Status.BLOCKED), ("complaints.csv", Status.COMPLAINED),
        ("수신거부 명단.csv", Status.UNSUBSCRIBED), ("구독취소.csv", Status.UNSUBSCRIBED),
        ("unsubscribed and bounced.csv", Status.BOUNCED), ("readers.csv", Status.ACTIVE),
        ("subscribed.csv", Status.ACTIVE), ("confirmed.csv", Status.ACTIVE),
    ],
)  # fmt: skip
def test_what_the_name_of_a_file_says(folder: Path, name: str, state: Status) -> None:
    path = folder / name
    path.write_text(f"email\n{ADDRESS}\n")
    with open_subscribers(path) as file:
        assert file.suggested_status == state


@pytest.mark.parametrize(
    ("start", "fact"),
    [
        (b"PK\x03\x04xl/workbook.xml", "xlsx"),
        (b"\xd0\xcf\x11\xe0", "Excel"),
        (b"%PDF-1.4", "PDF"),
        (b"\x1f\x8b\x08", "compressed"),
    ],
)
def test_a_file_that_is_no_text_is_named_for_what_it_is(
    folder: Path, start: bytes, fact: str
) -> None:
    path = folder / "readers.csv"
    path.write_bytes(start + bytes(100))
    with pytest.raises(ContentError, match=fact), open_subscribers(path):
        pass


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32"),
        ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252"),
    ],
)  # fmt: skip
def test_the_encoding_is_named(folder: Path, encoding: str, name: str) -> None:
    path = folder / "readers.csv"
    path.write_bytes(f"email,name\n{ADDRESS},José Núñez\n".encode(encoding))
    with open_subscribers(path) as file:
        assert file.encoding == name
        (row,) = file.rows(pytest.fail)
    assert row.name == "José Núñez"
