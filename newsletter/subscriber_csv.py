"""Subscribers as CSV files: what people bring in, line by line, and what they take out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from newsletter.errors import ContentError

ACTIVE, UNSUBSCRIBED = "active", "unsubscribed"

_EMAIL = ("email", "e-mail", "email address", "e-mail address", "mail", "address")
_STATUS = ("status", "state", "subscription", "active_subscription", "subscribed", "active")
_FIRST, _LAST = ("first name", "firstname", "given name"), ("last name", "lastname", "surname")
_STATES = {
    **dict.fromkeys(("", "active", "subscribed", "confirmed", "enabled", "true", "yes"), ACTIVE),
    **dict.fromkeys(
        ("unsubscribed", "unreachable", "bounced", "cleaned", "complained", "inactive"),
        UNSUBSCRIBED,
    ),
    **dict.fromkeys(("disabled", "blocklisted", "false", "no"), UNSUBSCRIBED),
}


@dataclass(frozen=True)
class Row:
    """One person of the file, with the address in its normal form."""

    line: int
    email: str
    name: str
    status: str


@dataclass(frozen=True)
class Refused:
    """One line that cannot be used, and why."""

    line: int
    reason: str


def read(path: Path) -> tuple[list[Row], list[Refused]]:
    """Everybody in the file, and every line that names nobody.

    Raises ContentError where the file cannot be read, or has no column of addresses.
    """
    lines = _table(_text(path))
    header = next(lines, (0, []))[1]
    columns = [cell.strip().lower() for cell in header]
    email = _column(columns, _EMAIL)
    if email is None:
        raise ContentError(
            f"{path} has no column of addresses. Its first line must name the columns, and one "
            f"of them must be called email, such as: email,name,status"
        )
    rows, refused = [], []
    for number, cells in lines:
        try:
            status = _status(_cell(cells, _column(columns, _STATUS)))
            address = normalised(_cell(cells, email))
            rows.append(Row(number, address, _name(columns, cells), status))
        except ValueError as error:
            refused.append(Refused(number, str(error)))
    return rows, refused


def write(people: Iterable[tuple[str, str, str]]) -> str:
    """``email,name,status`` for a spreadsheet, in which no cell can be a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["email", "name", "status"])
    writer.writerows([_harmless(cell) for cell in person] for person in people)
    return out.getvalue()


def normalised(address: str) -> str:
    """The address in the form that is stored; raises ValueError with the reason if it is none."""
    from email_validator import EmailNotValidError, validate_email

    address = address.strip()
    if not address:
        raise ValueError("there is no address")
    try:
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"{address!r} is not an address: {error}") from error
    return valid.normalized.lower()


def clean_name(name: str) -> str:
    """A name on one line, without anything that is not to be seen."""
    return "".join(c for c in " ".join(name.split()) if c.isprintable())[:200]


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ContentError(f"{path} cannot be read: {error.strerror}. Mend the path.") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _table(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines with their numbers; whatever separates the header's cells separates all."""
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield reader.line_num, cells


def _column(columns: list[str], names: tuple[str, ...]) -> int | None:
    return next((columns.index(name) for name in names if name in columns), None)


def _cell(cells: list[str], column: int | None) -> str:
    return cells[column].strip() if column is not None and column < len(cells) else ""


def _name(columns: list[str], cells: list[str]) -> str:
    whole = _cell(cells, _column(columns, ("name", "full name", "nom")))
    parts = (_cell(cells, _column(columns, names)) for names in (_FIRST, _LAST))
    name = whole or " ".join(part for part in parts if part)
    return clean_name(name)


def _status(value: str) -> str:
    try:
        return _STATES[value.lower()]
    except KeyError:
        raise ValueError(f"the status {value!r} is unknown; write active or unsubscribed") from None


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
