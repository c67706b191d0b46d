"""People as a CSV file that a spreadsheet may open, and that can be imported again."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

HEADER = ("email", "name", "status")

# What a spreadsheet would compute. An apostrophe before it makes it words; one that stood there
# already gets another one, so that both can be told apart when the file comes back.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def write(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write rows below their header; no cell can be a formula."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)


def as_it_was(cell: str) -> str:
    """The cell without the apostrophe that ``write`` put before it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
