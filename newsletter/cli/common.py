"""What every command shares: the newsletter it works on, and ways to print."""

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
        metavar="ISSUE", help="The send date, such as 2025-07-07; without it the next one due."
    ),
]
SentIssue = Annotated[
    str | None,
    typer.Argument(
        metavar="ISSUE", help="The send date, such as 2025-07-07; without it the last one sent."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


@dataclass
class Context:
    """The global options, and the desk once it is open."""

    folder: Path = Path()
    debug: bool = False
    _desk: Desk | None = field(default=None, repr=False)

    def desk(self) -> Desk:
        """The newsletter in the folder; raises ConfigError where it is wrong."""
        from newsletter.app import open_desk

        if self._desk is None:
            logging.basicConfig(
                level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr
            )
            self._desk = open_desk(self.folder)
        return self._desk

    def close(self) -> None:
        """Let go of what is open."""
        if self._desk is not None:
            self._desk.close()


context = Context()


def emit(document: object) -> None:
    """One JSON document on standard output."""
    print(json.dumps(document, ensure_ascii=False, indent=1, default=_plain))


def note(message: str) -> None:
    """A word on what happens meanwhile, on standard error."""
    print(message, file=sys.stderr, flush=True)


def ask(question: str, yes: bool) -> None:
    """Go on only when a person says so; raises UsageError where there is nobody to ask."""
    from newsletter.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is nobody to ask: say it with --yes.")
    typer.confirm(question, abort=True, err=True)


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> str:
    """Rows in columns, aligned."""
    listed = [list(row) for row in rows]
    if not listed:
        return ""
    widths = [max(len(row[i]) for row in listed) for i in range(len(listed[0]))]
    lines = (
        indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in listed
    )
    return "\n".join(line.rstrip() for line in lines)


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 story``, ``2 stories``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def findings_text(findings: Sequence[Finding]) -> str:
    """The findings for people, errors first."""
    lines = []
    for finding in findings:
        place = f" [{finding.place}]" if finding.place else ""
        lines.append(f"  {finding.level}: {finding.message}{place}\n         {finding.remedy}")
    return "\n".join(lines)


def receipt_text(receipt: Receipt) -> str:
    """The receipt for people; it adds up."""
    parts = [
        ("accepted by the provider", receipt.accepted),
        ("excluded before the send", receipt.excluded),
        ("rejected by the provider", receipt.rejected),
        ("in doubt", receipt.in_doubt),
        ("waiting", receipt.waiting),
    ]
    rows = [(name, f"{number:>9,}") for name, number in parts]
    rows.append(("eligible, the sum of these", f"{receipt.eligible:>9,}"))
    return f"Receipt for {receipt.issue} ({receipt.state})\n{table(rows)}"


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """The numbers of a receipt as the contract has them."""
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


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value)
