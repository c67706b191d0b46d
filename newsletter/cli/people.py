"""subscribers import, export, add, remove, show, erase."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from newsletter.cli.common import AsJson, Yes, ask, context, counted, emit, note, table

subscribers = typer.Typer(
    name="subscribers", help="The people on the newsletter's list.", no_args_is_help=True
)
Address = Annotated[str, typer.Argument(metavar="ADDRESS")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(subscribers)


@subscribers.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: email, and if there are any name, status.")],
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Import the others all the same.")
    ] = False,
    as_json: AsJson = False,
    yes: Yes = False,  # noqa: ARG001 - accepted everywhere, so that scripts need not know
) -> None:
    """Put everybody in a CSV file on the list."""
    from newsletter.app import people

    done = people.import_file(context.desk(), file, skip_bad_lines=skip_bad_lines)
    if as_json:
        refused = [{"line": line, "reason": reason} for line, reason in done.refused]
        emit({"imported": done.used, "refused": refused})
        return
    print(f"Imported {counted(done.used, 'subscriber')} from {file}.")
    for line, reason in done.refused:
        note(f"  line {line} was not used: {reason}")


@subscribers.command()
def export() -> None:
    """Print the list as CSV, safe to open in a spreadsheet."""
    from newsletter import subscriber_csv
    from newsletter.app import people

    rows = ((p.email, p.name, p.status) for p in people.everyone(context.desk()))
    print(subscriber_csv.write(rows), end="")


@subscribers.command()
def add(
    address: Address, name: Annotated[str, typer.Option(help="The reader's name.")] = ""
) -> None:
    """Put one person on the list."""
    from newsletter.app import people

    people.add(context.desk(), address, name)
    print(f"{address} is on the list.")


@subscribers.command()
def remove(address: Address, yes: Yes = False) -> None:
    """Unsubscribe one person."""
    from newsletter.app import people

    desk = context.desk()
    ask(f"Unsubscribe {address}?", yes)
    people.remove(desk, address)
    print(f"{address} is unsubscribed.")


@subscribers.command()
def show(as_json: AsJson = False) -> None:
    """Print everybody on the list."""
    from newsletter.app import people

    found = people.everyone(context.desk())
    if as_json:
        emit(
            [
                {
                    "email": p.email,
                    "name": p.name,
                    "status": p.status,
                    "since": p.since,
                    "suppressed": p.suppressed,
                }
                for p in found
            ]
        )
        return
    print(table(((p.email, p.name, p.suppressed or p.status) for p in found), indent=""))
    active = sum(p.status == "active" and not p.suppressed for p in found)
    note(f"{counted(len(found), 'subscriber')}, {active:,} of them active.")


@subscribers.command()
def erase(address: Address, yes: Yes = False) -> None:
    """Forget one person for good; the address is never mailed again, not even if imported anew."""
    from newsletter.app import people

    desk = context.desk()
    ask(f"Erase {address} for good?", yes)
    known = people.erase(desk, address)
    found = "is erased" if known else "was not known"
    print(f"{address} {found}; it will never be mailed again.")
