"""Split a CSV text into records, and survive unbalanced quotation marks."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TextIO

MAX_LENGTH = 1_000_000  # characters of a line, and of a record of several lines
_MAX_LINES = 1_000  # of one record
_MAX_UNCLOSED = 1_000  # quotation marks in a file
_ADDRESS = re.compile(r"\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*\Z")
Reject = Callable[[int, str], None]  # receives a line number and the reason


class _UnclosedError(Exception):
    """A quoted cell is so long that its closing quotation mark must be missing."""


class Records:
    """The records of an open text, each with the number of its first line.

    A line break within quotation marks belongs to the cell. A quotation mark that is never closed
    would swallow all lines up to the next one, so its line is rejected, and the lines after it
    are read again.
    """

    def __init__(self, text: TextIO, delimiter: str, reject: Reject) -> None:
        self._lines = iter(partial(text.readline, MAX_LENGTH), "")
        self._delimiter = delimiter
        self._reject = reject
        self._pending: deque[str] = deque()  # lines to read again
        self._record: list[str] = []  # the lines of the current record
        self._line = 0  # how many lines precede it
        self._unclosed = 0
        self.width = 0  # cells of the header; 0 before it is read
        self.email = 0  # the column of addresses

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        record, reader = self._record, self._reader()
        while True:
            try:
                for cells in reader:
                    count = len(record)
                    if count > 1 and self._swallows_record():
                        reader = self._retry()
                        break
                    line = self._line + 1
                    self._line += count
                    record.clear()
                    yield line, cells
                else:
                    return
            except _UnclosedError:
                reader = self._retry()
            except csv.Error as error:
                self._reject(self._line + 1, f"it cannot be read: {error}")
                self._line += len(record)
                record.clear()

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), delimiter=self._delimiter, skipinitialspace=True)

    def _feed(self) -> Iterator[str]:
        """The lines, each kept until its record is complete."""
        record, size = self._record, 0
        while self._pending:
            record.append(self._pending.popleft())
            yield record[-1]
        for line in self._lines:
            if len(line) >= MAX_LENGTH and line[-1] not in "\r\n":
                self._skip_line()
                self._reject(
                    self._line + len(record) + 1, f"it is longer than {MAX_LENGTH:,} letters"
                )
                line = "\n"  # keeps the line numbers right
            record.append(line)
            if len(record) > 1:
                size += len(line)
                if len(record) > _MAX_LINES or size > MAX_LENGTH:
                    raise _UnclosedError
            else:
                size = len(line)
            yield line

    def _skip_line(self) -> None:
        for rest in self._lines:
            if rest[-1] in "\r\n":
                return

    def _swallows_record(self) -> bool:
        """Whether a later line of the record is a complete record with an address."""
        for line in self._record[1:]:
            cells = next(csv.reader([line], delimiter=self._delimiter, skipinitialspace=True), [])
            is_complete = len(cells) > self.email and (self.width == 1 or len(cells) > 1)
            if is_complete and _ADDRESS.match(cells[self.email]):
                return True
        return False

    def _retry(self) -> Iterator[list[str]]:
        """Reject the first line of the record, and read the others again."""
        self._unclosed += 1
        if self._unclosed > _MAX_UNCLOSED:
            raise ValueError("its quotation marks do not come in pairs")
        self._line += 1
        self._reject(self._line, "it has a quotation mark that is never closed")
        self._pending.extendleft(reversed(self._record[1:]))
        self._record.clear()
        return self._reader()
