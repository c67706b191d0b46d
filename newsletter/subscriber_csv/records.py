"""The records of a text with separated cells, as real programs write them."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import TextIO

LONGEST = 1_000_000  # characters of a line, and of a record that goes over several
_MOST_LINES = 1_000  # of one record
_MOST_RUNAWAYS = 1_000
_ADDRESS = re.compile(r"\s*[^\s@]+@[^\s@]+\.[^\s@]+\s*\Z")
Refuse = Callable[[int, str], None]


class _RunawayError(Exception):
    """A quotation mark was opened, and so much follows that it cannot be meant."""


class Records:
    """The records of an open text, each with the number of the line on which it begins.

    A line end in quotation marks belongs to the cell. A mark that is opened and never closed would
    swallow everybody up to the next one: such a line is refused, and those after it are read again.
    """

    def __init__(self, text: TextIO, delimiter: str, refuse: Refuse) -> None:
        self._lines = iter(partial(text.readline, LONGEST), "")
        self._delimiter = delimiter
        self._refuse = refuse
        self._back: deque[str] = deque()  # lines to be read again
        self._taken: list[str] = []  # the lines of the record that is being read
        self._done = 0  # lines before it
        self._runaways = 0
        self.width = 0  # cells of the header; 0 until it is known
        self.email = 0  # the column of addresses

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        taken, reader = self._taken, self._reader()
        while True:
            try:
                for cells in reader:
                    count = len(taken)
                    if count > 1 and self._swallowed():
                        reader = self._again()
                        break
                    line = self._done + 1
                    self._done += count
                    taken.clear()
                    yield line, cells
                else:
                    return
            except _RunawayError:
                reader = self._again()
            except csv.Error as error:
                self._refuse(self._done + 1, f"it cannot be read: {error}")
                self._done += len(taken)
                taken.clear()

    def _reader(self) -> Iterator[list[str]]:
        return csv.reader(self._feed(), delimiter=self._delimiter, skipinitialspace=True)

    def _feed(self) -> Iterator[str]:
        """The lines, each remembered until its record is complete."""
        taken, size = self._taken, 0
        while self._back:
            taken.append(self._back.popleft())
            yield taken[-1]
        for line in self._lines:
            if len(line) >= LONGEST and line[-1] not in "\r\n":
                self._skip_to_the_end()
                self._refuse(self._done + len(taken) + 1, f"it is longer than {LONGEST:,} letters")
                line = "\n"  # in its place, to keep the count
            taken.append(line)
            if len(taken) > 1:
                size += len(line)
                if len(taken) > _MOST_LINES or size > LONGEST:
                    raise _RunawayError
            else:
                size = len(line)
            yield line

    def _skip_to_the_end(self) -> None:
        for piece in self._lines:
            if piece[-1] in "\r\n":
                return

    def _swallowed(self) -> bool:
        """Whether a later line of the record is a record of its own, with an address."""
        for line in self._taken[1:]:
            cells = next(csv.reader([line], delimiter=self._delimiter, skipinitialspace=True), [])
            whole = len(cells) > self.email and (self.width == 1 or len(cells) > 1)
            if whole and _ADDRESS.match(cells[self.email]):
                return True
        return False

    def _again(self) -> Iterator[list[str]]:
        """Refuse the first line of the record, and read the others anew."""
        self._runaways += 1
        if self._runaways > _MOST_RUNAWAYS:
            raise ValueError("its quotation marks do not come in pairs")
        self._done += 1
        self._refuse(self._done, "a quotation mark is opened in it and never closed")
        self._back.extendleft(reversed(self._taken[1:]))
        self._taken.clear()
        return self._reader()
