"""Who stands in a file, line by line, whatever program wrote it."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from newsletter.errors import ContentError
from newsletter.model import Status
from newsletter.subscriber_csv import columns, decoding, states
from newsletter.subscriber_csv.addresses import clean_name, normalised
from newsletter.subscriber_csv.columns import Columns
from newsletter.subscriber_csv.records import LONGEST, Records, Refuse
from newsletter.subscriber_csv.writing import as_it_was

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SEP = re.compile(r'"?sep=(.)"?\s*\Z', re.IGNORECASE)  # Excel's own first line
_LOOKED_AT = 20  # lines in which the header must begin
_HANGUL = re.compile(r"[가-힣]+\Z")


class Row(NamedTuple):
    """One person of the file, with the address in its normal form."""

    line: int
    email: str
    name: str
    status: Status


class SubscriberFile:
    """An open file: what was understood of it, and its people."""

    def __init__(self, path: Path, binary: BinaryIO, text: TextIO, encoding: str) -> None:
        self._path, self._binary, self._text = path, binary, text
        self._size = max(1, binary.seek(0, io.SEEK_END))
        self.encoding = encoding
        self.delimiter, self.columns = self._header()

    @property
    def share(self) -> float:
        """How much of the file has been read, from 0 to 1."""
        return min(1.0, self._binary.tell() / self._size)

    @property
    def unsaid(self) -> Status:
        """What the file's name says of everybody in it, where no column says anything."""
        return Status.ACTIVE if self.columns.states else states.of_file_name(self._path.stem)

    @property
    def described(self) -> str:
        """What was understood of the file, for people to look over."""
        found = self.columns
        named = " and ".join(f"“{name}”" for name in found.named(found.name))
        said = " and ".join(f"“{name}”" for name in found.named([n for n, _ in found.states]))
        parts = [
            f"{self.encoding.removesuffix('-sig').upper()}, {_DELIMITERS[self.delimiter]}",
            f"addresses from “{found.header[found.email]}”",
            f"names from {named}" if named else "no names",
            f"states from {said}" if said else "no states",
        ]
        return "; ".join(parts)

    def rows(self, refuse: Refuse, otherwise: Status = Status.ACTIVE) -> Iterator[Row]:
        """Everybody, the strictest state of each line counting; ``refuse`` gets the other lines.

        ``otherwise``: what everybody is at least. Raises ContentError where the file is no CSV.
        """
        self._rewind()
        records = Records(self._text, self.delimiter, refuse)
        records.width, records.email = len(self.columns.header), self.columns.email
        try:
            header = next(cells for _, cells in records if _is_header(cells, self.delimiter))
            for line, cells in records:
                if not cells or cells == header:
                    continue
                try:
                    yield self._row(line, cells, otherwise)
                except ValueError as error:
                    if any(map(str.strip, cells)):
                        refuse(line, str(error))
        except ValueError as error:  # of the records: beyond help
            raise ContentError(f"{self._path} is no CSV file: {error}. Export it again.") from error

    def _row(self, line: int, cells: Sequence[str], status: Status) -> Row:
        found = self.columns
        width = len(found.header)
        address = normalised(_cell(cells, found.email))
        if len(cells) > width and found.states and any(map(str.strip, cells[width:])):
            raise ValueError(
                f"it has {len(cells)} cells where the header has {width}, so its state may stand "
                f"in the wrong one; put names with {_DELIMITERS[self.delimiter]} in quotation marks"
            )
        for number, says in found.states:
            if number < len(cells) and (said := says(cells[number])) > status:
                status = said
        return Row(line, address, _name(found, cells), status)

    def _header(self) -> tuple[str, Columns]:
        """What separates the cells, and what the columns are: what makes sense of the first line.

        Raises ContentError where nothing does.
        """
        self._rewind()
        lines = [self._text.readline(LONGEST) for _ in range(_LOOKED_AT)]
        first = next((line for line in lines if line.strip()), "")
        if not first:
            raise ContentError(f"{self._path} is empty. Export it again, or choose another file.")
        if len(first) >= LONGEST:
            raise ContentError(
                f"{self._path} is no CSV file: its first line has more than {LONGEST:,} letters. "
                f"Export it again."
            )
        match = _SEP.match(first)
        marks = [match[1]] if match and match[1] in _DELIMITERS else list(_DELIMITERS)
        headers = {mark: self._cells(lines, mark) for mark in marks}
        sure = [mark for mark in marks if columns.is_sure(headers[mark])]
        delimiter = max(sure or marks, key=lambda mark: len(headers[mark]))
        try:
            return delimiter, columns.find(headers[delimiter])
        except ValueError as error:
            names = (" ".join(cell.split())[:40] for cell in headers[delimiter][:12])
            shown = ", ".join(f"“{name}”" for name in names)
            raise ContentError(
                f"{self._path} has {error}. Its first line must name the columns, and one of them "
                f"must be called email, such as: email,name,status. It is now: {shown}"
            ) from error

    def _cells(self, lines: list[str], delimiter: str) -> list[str]:
        records = Records(io.StringIO("".join(lines), newline=""), delimiter, lambda *_: None)
        return next((cells for _, cells in records if _is_header(cells, delimiter)), [])

    def _rewind(self) -> None:
        self._text.seek(0)


@contextmanager
def opened(path: Path, encoding: str | None = None) -> Iterator[SubscriberFile]:
    """The file, understood. ``encoding``: where it cannot be found out by itself.

    Raises ContentError where it cannot be read, is no CSV, or has no column of addresses.
    """
    try:
        with _bytes(path) as binary:
            if encoding:
                decoding.require(binary, encoding, path)
            else:
                encoding = decoding.encoding_of(binary, path)
            text = io.TextIOWrapper(binary, encoding, decoding.BROKEN, newline="")
            yield SubscriberFile(path, binary, text, encoding)
    except OSError as error:
        raise ContentError(f"{path} cannot be read: {error.strerror}. Name a CSV file.") from error


@contextmanager
def _bytes(path: Path) -> Iterator[BinaryIO]:
    """The file; what can be read only once, such as a pipe, is put aside first."""
    with path.open("rb") as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            yield copy


def _is_header(cells: Sequence[str], delimiter: str) -> bool:
    return any(map(str.strip, cells)) and not _SEP.match(delimiter.join(cells))


def _name(found: Columns, cells: Sequence[str]) -> str:
    whole, first, last = found.name
    if name := _cell(cells, whole):
        return clean_name(name)
    given, family = _cell(cells, first), _cell(cells, last)
    if _HANGUL.match(given) and _HANGUL.match(family):  # 길동, 홍 is 홍길동
        return clean_name(family + given)
    return clean_name(f"{given} {family}")


def _cell(cells: Sequence[str], number: int) -> str:
    if not 0 <= number < len(cells):
        return ""
    cell = cells[number].strip()
    return as_it_was(cell) if cell.startswith("'") else cell
