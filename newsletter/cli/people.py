"""subscribers import, export, add, remove, show, erase."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.common import AsJson, Yes, ask, context, counted, emit, note, table
from newsletter.model import Status

if TYPE_CHECKING:
    from newsletter.app.readers.lists import Imported
    from newsletter.store.subscribers import Person

subscribers = typer.Typer(
    name="subscribers", help="The people on the newsletter's list.", no_args_is_help=True
)
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="One email address.")]
PAGE = 1_000  # people whose columns are aligned with each other


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(subscribers)


def _status(word: str) -> Status:
    try:
        return Status[word.upper()]
    except KeyError:
        known = ", ".join(status.word for status in Status)
        raise typer.BadParameter(f"{word!r} is none of {known}.") from None


@subscribers.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file, as other programs export it.")
    ],
    status: Annotated[
        Status | None,
        typer.Option(
            parser=_status, metavar="STATUS", help="What everybody in the file is at least."
        ),
    ] = None,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Import the other lines all the same.")
    ] = False,
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="The letters of the file, such as shift_jis.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the lines not used into this CSV.")
    ] = None,
    as_json: AsJson = False,
    yes: Yes = False,  # noqa: ARG001 - accepted everywhere, so that scripts need not know
) -> None:
    """Put everybody in a CSV file on the list; who has unsubscribed stays so."""
    from newsletter.app.readers import lists
    from newsletter.cli.steps import steps
    from newsletter.errors import LinesError

    try:
        with steps() as watch:
            done = lists.import_file(
                context.desk(),
                file,
                skip_bad_lines=skip_bad_lines,
                status=status,
                encoding=encoding,
                report=report,
                watch=watch,
            )
    except LinesError as error:
        if as_json:
            emit({"imported": 0, "refused": _refused_json(error.refused)})
        raise
    if as_json:
        emit(_imported_json(done))
    else:
        _say_imported(file, done)


def _say_imported(file: Path, done: Imported) -> None:
    note(f"Read {file.name} as {done.read_as}.")
    states = ", ".join(f"{count:,} {s.word}" for s, count in sorted(done.statuses.items()))
    print(f"Imported {counted(done.used, 'subscriber')} from {file}: {states}; {done.new:,} new.")
    if done.repeated:
        lines = counted(done.repeated, "line names", "lines name")
        print(f"{lines} somebody again; the strictest status of each person counts.")
    if done.kept_out:
        print(
            counted(
                done.kept_out,
                "person who is active in the file has left or is suppressed here, and stays so.",
                "people who are active in the file have left or are suppressed here, and stay so.",
            )
        )
    if done.not_used:
        note(f"{counted(done.not_used, 'line was', 'lines were')} not used:")
    for line, reason in done.refused[:20]:
        note(f"  line {line}: {reason}")
    if done.report:
        note(f"They stand in {done.report}.")


def _imported_json(done: Imported) -> dict[str, Any]:
    return {
        "imported": done.used,
        "new": done.new,
        "statuses": {status.word: count for status, count in sorted(done.statuses.items())},
        "repeated": done.repeated,
        "kept_out": done.kept_out,
        "read_as": done.read_as,
        "not_used": done.not_used,
        "refused": _refused_json(done.refused),
    }


def _refused_json(refused: Iterable[tuple[int, str]]) -> list[dict[str, object]]:
    return [{"line": line, "reason": reason} for line, reason in refused]


@subscribers.command()
def export() -> None:
    """Print the list as CSV, safe to open in a spreadsheet and to import again."""
    from newsletter import subscriber_csv
    from newsletter.app.readers import lists

    rows = ((p.email, p.name, p.word) for p in lists.everyone(context.desk()))
    subscriber_csv.write(sys.stdout, subscriber_csv.HEADER, rows)


@subscribers.command()
def add(
    address: Address,
    name: Annotated[str, typer.Option(help="The reader's name.")] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Even if mail to them has bounced, or was blocked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put one person on the list, also one who had unsubscribed."""
    from newsletter.app.readers import lists

    email = lists.add(context.desk(), address, name, again=again)
    _done(as_json, f"{email} is on the list.", email=email, status=Status.ACTIVE.word)


@subscribers.command()
def remove(address: Address, yes: Yes = False, as_json: AsJson = False) -> None:
    """Unsubscribe one person."""
    from newsletter.app.readers import lists

    desk = context.desk()
    ask(f"Unsubscribe {address}?", yes)
    email = lists.remove(desk, address)
    _done(as_json, f"{email} is unsubscribed.", email=email, status=Status.UNSUBSCRIBED.word)


@subscribers.command()
def show(as_json: AsJson = False) -> None:
    """Print everybody on the list."""
    from newsletter.app.readers import lists

    found = lists.everyone(context.desk())
    if as_json:
        _emit_each(found)
        return
    count = active = 0
    while page := list(islice(found, PAGE)):
        print(table(((p.email, p.name, p.suppressed or p.status) for p in page), indent=""))
        count += len(page)
        active += sum(p.word == Status.ACTIVE.word for p in page)
    note(f"{counted(count, 'subscriber')}, {active:,} of them active.")


@subscribers.command()
def erase(address: Address, yes: Yes = False, as_json: AsJson = False) -> None:
    """Forget one person for good; the address is never mailed again, not even if imported anew."""
    from newsletter.app.readers import lists

    desk = context.desk()
    ask(f"Erase {address} for good?", yes)
    email, known = lists.erase(desk, address)
    found = "is erased" if known else "was not known"
    said = f"{email} {found}; it will never be mailed again."
    _done(as_json, said, email=email, known=known)


def _done(as_json: bool, said: str, **facts: object) -> None:
    if as_json:
        emit(facts)
    else:
        print(said)


def _emit_each(found: Iterable[Person]) -> None:
    """One JSON document, printed as the people come: a list may have a million."""
    before = "["
    for p in found:
        person = {
            "email": p.email,
            "name": p.name,
            "status": p.status,
            "since": p.since.isoformat(),
            "suppressed": p.suppressed,
        }
        print(f"{before}\n {json.dumps(person, ensure_ascii=False)}", end="")
        before = ","
    print("[]" if before == "[" else "\n]")
