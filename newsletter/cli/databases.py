"""migrate-database: from SQLite to PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.common import AsJson, context, counted, emit, note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(migrate_database)


def migrate_database(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="The new, empty one; without it DATABASE_URL."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move the database of newsletter.toml from SQLite to PostgreSQL, whole or not at all."""
    from newsletter.app.setup import database_move

    said: set[str] = set()

    def progress(table: str, _: int) -> None:
        if table not in said:
            said.add(table)
            note(f"Copying {table}")

    found = database_move.move(context.folder, to, progress)
    rows = sum(found.rows.values())
    if as_json:
        emit({"from": found.source, "to": found.target, "rows": rows, "tables": found.rows})
        return
    print(f"Moved {counted(rows, 'row')} from {found.source} to {found.target}.")
    print(
        "Now write the new address into [database] url of newsletter.toml, or set DATABASE_URL "
        "wherever the program runs, and start `run` and `serve` again. The old file takes nothing "
        "more; keep it as a backup, or delete it."
    )
