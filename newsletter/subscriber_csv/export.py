"""Write a CSV file that is safe to open in a spreadsheet and can be imported again."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

HEADER = ("email", "name", "status")

# A spreadsheet would compute such a cell, so it gets an apostrophe. A cell that has one already
# gets another, so that an import can remove exactly what the export added.
_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def write(file: TextIO, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows, without any cell that is a formula."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_escape(cell) for cell in row] for row in rows)


def unescape(cell: str) -> str:
    """The cell without the apostrophe that ``write`` added."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _escape(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell
