"""init and demo."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.output import AsJson, context, emit, receipt_json, receipt_text


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(demo)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The new newsletter's folder.")],
    name: Annotated[str, typer.Option(help="The newsletter's name.")] = "Our Week",
    template: Annotated[
        str, typer.Option(help="The template to begin with: weekly, or plain (a letter).")
    ] = "weekly",
) -> None:
    """Start a new newsletter: its configuration, templates to edit, and an issues folder."""
    from newsletter.app.setup.init import init as create

    create(directory, name, template)
    print(
        f"Created a newsletter in {directory}. Next:\n"
        f"  1. cd {shlex.quote(str(directory))}\n"
        f"  2. edit newsletter.toml: name, addresses, sources\n"
        f"  3. newsletter gather\n"
        f"  4. newsletter preview"
    )


def demo(as_json: AsJson = False) -> None:
    """Run the whole job on a made-up week, offline: gather, build, test, send to the outbox."""
    from newsletter.app.setup.demo import ISSUE
    from newsletter.app.setup.demo import demo as run_demo

    folder = context.folder
    receipt = run_demo(folder, (lambda _: None) if as_json else print)
    if as_json:
        emit(receipt_json(receipt))
        return
    directory = "" if folder == Path() else f" -C {shlex.quote(str(folder))}"
    command = "newsletter" if shutil.which("newsletter") else sys.argv[0]
    print(
        f"\n{receipt_text(receipt)}\n\nWhere to look:\n"
        f"  {folder / 'outbox' / str(ISSUE)}: the {receipt.accepted} mails, as .eml files\n"
        f"  {folder / 'issues' / str(ISSUE) / 'build'}: the built mail\n"
        f"  {command}{directory} preview {ISSUE}: the issue in your browser"
    )
