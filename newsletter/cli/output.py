"""What all commands share: the open newsletter, arguments, questions and printing."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from newsletter.app import Desk
    from newsletter.model import Finding, Receipt

IssueArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="ISSUE", help="The send date, such as 2025-07-07. Default: the next issue due."
    ),
]
SentIssue = Annotated[
    str | None,
    typer.Argument(
        metavar="ISSUE", help="The send date, such as 2025-07-07. Default: the last issue sent."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@dataclass
class Context:
    """The global options, and the newsletter once it is open."""

    folder: Path = Path()
    debug: bool = False
    _desk: Desk | None = field(default=None, repr=False)

    def desk(self) -> Desk:
        """The newsletter in the folder. Raises ConfigError if newsletter.toml is wrong."""
        from newsletter.app import open_desk

        if self._desk is None:
            logging.basicConfig(
                level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr
            )
            self._desk = open_desk(self.folder)
        return self._desk

    def close(self) -> None:
        """Close the newsletter's database."""
        if self._desk is not None:
            self._desk.close()


context = Context()


def emit(document: object) -> None:
    """Print one JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, indent=1, default=_encode))


def note(message: str) -> None:
    """Print a remark on standard error."""
    print(message, file=sys.stderr, flush=True)


def ask(question: str, yes: bool) -> None:
    """Ask for confirmation, unless ``yes``. Raises UsageError without a terminal."""
    from newsletter.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Confirm with --yes, because there is no terminal to ask on.")
    typer.confirm(question, abort=True, err=True)


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> str:
    """The rows as aligned columns."""
    cells = [list(row) for row in rows]
    if not cells:
        return ""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = (
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 story``, ``2 stories``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def findings_text(findings: Sequence[Finding]) -> str:
    """The findings as text, in their order."""
    lines = []
    for finding in findings:
        place = f" [{finding.place}]" if finding.place else ""
        lines.append(f"  {finding.level}: {finding.message}{place}\n         {finding.remedy}")
    return "\n".join(lines)


def receipt_text(receipt: Receipt) -> str:
    """The receipt as text."""
    parts = [
        ("accepted by the provider", receipt.accepted),
        ("excluded before the send", receipt.excluded),
        ("rejected by the provider", receipt.rejected),
        ("in doubt", receipt.in_doubt),
        ("waiting", receipt.waiting),
    ]
    rows = [(name, f"{number:>9,}") for name, number in parts]
    rows.append(("eligible (the sum)", f"{receipt.eligible:>9,}"))
    return f"Receipt for {receipt.issue} ({receipt.state})\n{table(rows)}"


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """The numbers of a receipt for ``--json``."""
    return {
        "issue": receipt.issue,
        "state": receipt.state,
        "reason": receipt.reason,
        "eligible": receipt.eligible,
        "accepted": receipt.accepted,
        "excluded": receipt.excluded,
        "rejected": receipt.rejected,
        "in_doubt": receipt.in_doubt,
        "waiting": receipt.waiting,
        "send_at": receipt.send_at.isoformat() if receipt.send_at else None,
    }


def _encode(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
