"""migrate-database: from SQLite to PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

from newsletter.cli.output import AsJson, context, counted, emit, note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(migrate_database)


def migrate_database(
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="URL", help="The new, empty database. Default: DATABASE_URL."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move the database of newsletter.toml from SQLite to PostgreSQL, completely or not at all."""
    from newsletter.app.setup.migrate_database import migrate

    announced: set[str] = set()

    def progress(table: str, _: int) -> None:
        if table not in announced:
            announced.add(table)
            note(f"Copying {table}")

    move = migrate(context.folder, to, progress)
    rows = sum(move.rows.values())
    if as_json:
        emit({"from": move.source, "to": move.target, "rows": rows, "tables": move.rows})
        return
    print(f"Moved {counted(rows, 'row')} from {move.source} to {move.target}.")
    print(
        "Now set [database] url in newsletter.toml to the new address, or set DATABASE_URL for "
        "every process, and restart `run` and `serve`. The old file accepts no more writes; keep "
        "it as a backup, or delete it."
    )
