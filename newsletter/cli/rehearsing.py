"""rehearse."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.common import AsJson, counted, emit, note, receipt_json, receipt_text
from newsletter.model import Doubt

if TYPE_CHECKING:
    from newsletter.app.setup.rehearsal import Verdict


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(rehearse)


def rehearse(
    readers: Annotated[int, typer.Option(min=1, max=1_000_000, help="Made-up readers.")] = 1_000,
    kills: Annotated[
        int, typer.Option(min=0, max=10_000, help="How often to kill -9, or a little more.")
    ] = 12,
    doubt: Annotated[Doubt, typer.Option(help="What is done about doubt.")] = Doubt.RECALL,
    faults: Annotated[float, typer.Option(min=0, max=0.9, help="Requests that break.")] = 0.25,
    seed: Annotated[int, typer.Option(help="The same seed breaks the same requests.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Try a send to made-up readers, with a provider that breaks and programs that are killed."""
    from newsletter.app.setup import rehearsal

    play = rehearsal.Play(readers, kills, doubt=doubt, seed=seed, faults=faults, seconds=0.1)
    with tempfile.TemporaryDirectory(prefix="newsletter-rehearsal-") as folder:
        verdict = rehearsal.rehearse(Path(folder), play, note)
    if as_json:
        emit(
            receipt_json(verdict.receipt)
            | {
                "kills": dict(verdict.kills),
                "twice": list(verdict.twice),
                "missing": list(verdict.missing),
                "good": verdict.good,
            }
        )
    else:
        print(receipt_text(verdict.receipt))
        print(_said(verdict))
    if not verdict.good:
        raise typer.Exit(1)


def _said(verdict: Verdict) -> str:
    twice, missing = len(verdict.twice), len(verdict.missing)
    said = [
        f"After {counted(verdict.kills.total(), 'kill')}, counted in the readers' mailboxes:",
        f"  {counted(twice, 'reader')} got it twice,",
        f"  {counted(missing, 'reader')} did not get what the receipt says,",
        f"  {counted(verdict.receipt.in_doubt, 'reader')} in doubt, all of them listed.",
    ]
    if twice and verdict.play.doubt is Doubt.RESEND:
        said.append("That is what resend means: nobody waits for a person, and some get two.")
    return "\n".join(said)
