"""rehearse."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import AsJson, counted, emit, note, receipt_json, receipt_text
from newsletter.model import Doubt

if TYPE_CHECKING:
    from newsletter.app.setup.rehearsal import RehearsalResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rehearse)


def rehearse(
    readers: Annotated[int, typer.Option(min=1, max=1_000_000, help="Made-up readers.")] = 1_000,
    kills: Annotated[
        int,
        typer.Option(min=0, max=10_000, help="At least how many processes to kill with kill -9."),
    ] = 12,
    doubt: Annotated[Doubt, typer.Option(help="What to do with readers in doubt.")] = Doubt.RECALL,
    faults: Annotated[
        float, typer.Option(min=0, max=0.9, help="The share of requests that break.")
    ] = 0.25,
    seed: Annotated[int, typer.Option(help="The same seed breaks the same requests.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Rehearse a send to made-up readers: the provider breaks, and processes are killed."""
    from newsletter.app.setup import rehearsal

    plan = rehearsal.RehearsalPlan(
        readers, kills, doubt=doubt, seed=seed, faults=faults, seconds=0.1
    )
    with tempfile.TemporaryDirectory(prefix="newsletter-rehearsal-") as folder:
        result = rehearsal.rehearse(Path(folder), plan, note)
    if as_json:
        emit(
            receipt_json(result.receipt)
            | {
                "kills": dict(result.kills),
                "twice": list(result.twice),
                "missing": list(result.missing),
                "good": result.good,
            }
        )
    else:
        print(receipt_text(result.receipt))
        print(_summary(result))
    if not result.good:
        raise typer.Exit(1)


def _summary(result: RehearsalResult) -> str:
    twice, missing = len(result.twice), len(result.missing)
    lines = [
        f"After {counted(result.kills.total(), 'kill')}, counted in the readers' mailboxes:",
        f"  {counted(twice, 'reader')} got it twice,",
        f"  {counted(missing, 'reader')} did not get what the receipt says,",
        f"  {counted(result.receipt.in_doubt, 'reader')} are in doubt, all of them listed.",
    ]
    if twice and result.plan.doubt is Doubt.RESEND:
        lines.append(
            "This is what resend means: nothing waits for a person, and some get two copies."
        )
    return "\n".join(lines)
