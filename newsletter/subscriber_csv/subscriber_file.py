"""Read subscribers from a CSV file, whatever program wrote it."""

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
from newsletter.subscriber_csv import encoding as encodings
from newsletter.subscriber_csv import statuses
from newsletter.subscriber_csv.addresses import clean_name, normalize_address
from newsletter.subscriber_csv.columns import Columns, find_columns, has_email
from newsletter.subscriber_csv.export import unescape
from newsletter.subscriber_csv.records import MAX_LENGTH, Records, Reject

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_SEP = re.compile(r'"?sep=(.)"?\s*\Z', re.IGNORECASE)  # Excel's own first line
_HEADER_LINES = 20  # the header begins within these
_HANGUL = re.compile(r"[가-힣]+\Z")


class Row(NamedTuple):
    """One person of the file."""

    line: int
    email: str  # as it is stored
    name: str
    status: Status


class SubscriberFile:
    """An open file: its format, and its people."""

    def __init__(self, path: Path, binary: BinaryIO, text: TextIO, encoding: str) -> None:
        self._path, self._binary, self._text = path, binary, text
        self._size = max(1, binary.seek(0, io.SEEK_END))
        self.encoding = encoding
        self.delimiter, self.columns = self._read_header()

    @property
    def progress(self) -> float:
        """The part of the file that has been read, from 0 to 1."""
        return min(1.0, self._binary.tell() / self._size)

    @property
    def suggested_status(self) -> Status:
        """The status that the file's name suggests if it has no status column, or ACTIVE."""
        if self.columns.statuses:
            return Status.ACTIVE
        return statuses.from_file_name(self._path.stem)

    @property
    def description(self) -> str:
        """The format of the file, for people to check."""
        columns = self.columns
        names = " and ".join(f"“{title}”" for title in columns.titles(columns.name))
        indexes = [index for index, _ in columns.statuses]
        status_titles = " and ".join(f"“{title}”" for title in columns.titles(indexes))
        parts = [
            f"{self.encoding.removesuffix('-sig').upper()}, {_DELIMITERS[self.delimiter]}",
            f"addresses from “{columns.header[columns.email]}”",
            f"names from {names}" if names else "no names",
            f"statuses from {status_titles}" if status_titles else "no statuses",
        ]
        return "; ".join(parts)

    def rows(self, reject: Reject, minimum: Status = Status.ACTIVE) -> Iterator[Row]:
        """The people of the file, each with the strictest status of the line.

        ``minimum`` is the least strict status that a person can have. ``reject`` receives every
        line that cannot be used. Raises ContentError when the file is not CSV.
        """
        self._text.seek(0)
        records = Records(self._text, self.delimiter, reject)
        records.width, records.email = len(self.columns.header), self.columns.email
        try:
            header = next(cells for _, cells in records if _is_header(cells, self.delimiter))
            for line, cells in records:
                if not cells or cells == header:
                    continue
                try:
                    yield self._row(line, cells, minimum)
                except ValueError as error:
                    if any(map(str.strip, cells)):
                        reject(line, str(error))
        except ValueError as error:  # from the records: the file is beyond repair
            raise ContentError(
                f"{self._path} is not a CSV file: {error}. Export it again."
            ) from error

    def _row(self, line: int, cells: Sequence[str], status: Status) -> Row:
        columns = self.columns
        width = len(columns.header)
        address = normalize_address(_cell(cells, columns.email))
        if len(cells) > width and columns.statuses and any(map(str.strip, cells[width:])):
            raise ValueError(
                f"it has {len(cells)} cells where the header has {width}, so its status may be in "
                f"the wrong one; put names with {_DELIMITERS[self.delimiter]} in quotation marks"
            )
        for index, parse_status in columns.statuses:
            if index < len(cells) and (stricter := parse_status(cells[index])) > status:
                status = stricter
        return Row(line, address, _name(columns, cells), status)

    def _read_header(self) -> tuple[str, Columns]:
        """The delimiter and the columns: those that make sense of the header.

        Raises ContentError when none do.
        """
        self._text.seek(0)
        lines = [self._text.readline(MAX_LENGTH) for _ in range(_HEADER_LINES)]
        first = next((line for line in lines if line.strip()), "")
        if not first:
            raise ContentError(f"{self._path} is empty. Export it again, or choose another file.")
        if len(first) >= MAX_LENGTH:
            raise ContentError(
                f"{self._path} is not a CSV file: its first line has more than {MAX_LENGTH:,} "
                f"letters. Export it again."
            )
        match = _SEP.match(first)
        candidates = [match[1]] if match and match[1] in _DELIMITERS else list(_DELIMITERS)
        headers = {delimiter: _split_header(lines, delimiter) for delimiter in candidates}
        with_email = [delimiter for delimiter in candidates if has_email(headers[delimiter])]
        delimiter = max(with_email or candidates, key=lambda candidate: len(headers[candidate]))
        try:
            return delimiter, find_columns(headers[delimiter])
        except ValueError as error:
            names = (" ".join(cell.split())[:40] for cell in headers[delimiter][:12])
            titles = ", ".join(f"“{name}”" for name in names)
            raise ContentError(
                f"{self._path} has {error}. Its first line must name the columns, and one of them "
                f"must be called email, such as: email,name,status. It is now: {titles}"
            ) from error


@contextmanager
def open_subscribers(path: Path, encoding: str | None = None) -> Iterator[SubscriberFile]:
    """Open a file, and detect its ``encoding`` if none is given.

    Raises ContentError when it cannot be read, is not CSV, or has no column of addresses.
    """
    try:
        with _open_seekable(path) as binary:
            if encoding:
                encodings.require(binary, encoding, path)
            else:
                encoding = encodings.detect(binary, path)
            text = io.TextIOWrapper(binary, encoding, encodings.ERRORS, newline="")
            yield SubscriberFile(path, binary, text, encoding)
    except OSError as error:
        raise ContentError(f"{path} cannot be read: {error.strerror}. Name a CSV file.") from error


@contextmanager
def _open_seekable(path: Path) -> Iterator[BinaryIO]:
    """The file, or a copy if it can be read only once, such as a pipe."""
    with path.open("rb") as file:
        if file.seekable():
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            yield copy


def _split_header(lines: list[str], delimiter: str) -> list[str]:
    records = Records(io.StringIO("".join(lines), newline=""), delimiter, lambda *_: None)
    return next((cells for _, cells in records if _is_header(cells, delimiter)), [])


def _is_header(cells: Sequence[str], delimiter: str) -> bool:
    return any(map(str.strip, cells)) and not _SEP.match(delimiter.join(cells))


def _name(columns: Columns, cells: Sequence[str]) -> str:
    full, first, last = columns.name
    if name := _cell(cells, full):
        return clean_name(name)
    first_name, last_name = _cell(cells, first), _cell(cells, last)
    if _HANGUL.match(first_name) and _HANGUL.match(last_name):  # 길동, 홍 is 홍길동
        return clean_name(last_name + first_name)
    return clean_name(f"{first_name} {last_name}")


def _cell(cells: Sequence[str], index: int) -> str:
    if not 0 <= index < len(cells):
        return ""
    cell = cells[index].strip()
    return unescape(cell) if cell.startswith("'") else cell
