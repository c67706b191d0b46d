"""subscribers import, export, add, remove, show, erase."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.output import AsJson, Yes, ask, context, counted, emit, note, table
from newsletter.model import Status

if TYPE_CHECKING:
    from newsletter.app.readers.lists import ImportResult
    from newsletter.store.subscribers import Subscriber

subscribers = typer.Typer(
    name="subscribers", help="The subscribers of the newsletter's list.", no_args_is_help=True
)
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="One email address.")]
PAGE = 1_000  # rows that are aligned together


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(subscribers)


def _status(word: str) -> Status:
    try:
        return Status[word.upper()]
    except KeyError:
        statuses = ", ".join(status.word for status in Status)
        raise typer.BadParameter(f"{word!r} is not a status. Use one of: {statuses}.") from None


@subscribers.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A CSV file, as other services export it.")
    ],
    status: Annotated[
        Status | None,
        typer.Option(
            parser=_status,
            metavar="STATUS",
            help="The least strict status that anyone in the file can have.",
        ),
    ] = None,
    skip_bad_lines: Annotated[
        bool, typer.Option("--skip-bad-lines", help="Import the other lines anyway.")
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The file's character encoding, such as shift_jis."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rejected lines to this CSV file.")
    ] = None,
    as_json: AsJson = False,
    yes: Yes = False,  # noqa: ARG001 - scripts may pass it to any command
) -> None:
    """Import a list from a CSV file; people who unsubscribed stay unsubscribed."""
    from newsletter.app.readers import lists
    from newsletter.cli.progress import steps
    from newsletter.errors import RejectedLinesError

    try:
        with steps() as progress:
            result = lists.import_file(
                context.desk(),
                file,
                skip_bad_lines=skip_bad_lines,
                status=status,
                encoding=encoding,
                report=report,
                progress=progress,
            )
    except RejectedLinesError as error:
        if as_json:
            emit({"imported": 0, "refused": _refused_json(error.rejected)})
        raise
    if as_json:
        emit(_imported_json(result))
    else:
        _print_import(file, result)


def _print_import(file: Path, result: ImportResult) -> None:
    note(f"Read {file.name} as {result.file_format}.")
    states = ", ".join(f"{count:,} {s.word}" for s, count in sorted(result.statuses.items()))
    people = counted(result.people, "subscriber")
    print(f"Imported {people} from {file}: {states}; {result.new:,} new.")
    if result.repeated:
        lines = counted(result.repeated, "line names", "lines name")
        print(f"{lines} a person again; the strictest status of each person counts.")
    if result.kept_out:
        print(
            counted(
                result.kept_out,
                "person is active in the file but unsubscribed or suppressed here, and stays so.",
                "people are active in the file but unsubscribed or suppressed here, and stay so.",
            )
        )
    if result.rejected_count:
        note(f"{counted(result.rejected_count, 'line was', 'lines were')} rejected:")
    for line, reason in result.rejected[:20]:
        note(f"  line {line}: {reason}")
    if result.report:
        note(f"They are listed in {result.report}.")


def _imported_json(result: ImportResult) -> dict[str, Any]:
    return {
        "imported": result.people,
        "new": result.new,
        "statuses": {status.word: count for status, count in sorted(result.statuses.items())},
        "repeated": result.repeated,
        "kept_out": result.kept_out,
        "read_as": result.file_format,
        "not_used": result.rejected_count,
        "refused": _refused_json(result.rejected),
    }


def _refused_json(refused: Iterable[tuple[int, str]]) -> list[dict[str, object]]:
    return [{"line": line, "reason": reason} for line, reason in refused]


@subscribers.command()
def export() -> None:
    """Print the list as CSV, for a spreadsheet or another import."""
    from newsletter import subscriber_csv
    from newsletter.app.readers import lists

    rows = ((p.email, p.name, p.word) for p in lists.everyone(context.desk()))
    subscriber_csv.write(sys.stdout, subscriber_csv.HEADER, rows)


@subscribers.command()
def add(
    address: Address,
    name: Annotated[str, typer.Option(help="The reader's name.")] = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also if their mail bounced or they were blocked.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add one person to the list, even if they had unsubscribed."""
    from newsletter.app.readers import lists

    email = lists.add(context.desk(), address, name, again=again)
    _report(as_json, f"{email} is on the list.", email=email, status=Status.ACTIVE.word)


@subscribers.command()
def remove(address: Address, yes: Yes = False, as_json: AsJson = False) -> None:
    """Unsubscribe one person."""
    from newsletter.app.readers import lists

    desk = context.desk()
    ask(f"Unsubscribe {address}?", yes)
    email = lists.remove(desk, address)
    _report(as_json, f"{email} is unsubscribed.", email=email, status=Status.UNSUBSCRIBED.word)


@subscribers.command()
def show(as_json: AsJson = False) -> None:
    """Print the list as a table."""
    from newsletter.app.readers import lists

    people = lists.everyone(context.desk())
    if as_json:
        _emit_people(people)
        return
    count = active = 0
    while page := list(islice(people, PAGE)):
        print(table(((p.email, p.name, p.suppressed or p.status) for p in page), indent=""))
        count += len(page)
        active += sum(p.word == Status.ACTIVE.word for p in page)
    note(f"{counted(count, 'subscriber')}, {active:,} of them active.")


@subscribers.command()
def erase(address: Address, yes: Yes = False, as_json: AsJson = False) -> None:
    """Erase one person for good; the address is never mailed again, even if imported again."""
    from newsletter.app.readers import lists

    desk = context.desk()
    ask(f"Erase {address} for good?", yes)
    email, existed = lists.erase(desk, address)
    outcome = "was erased" if existed else "was not on any list"
    message = f"{email} {outcome}; it will never be mailed again."
    _report(as_json, message, email=email, known=existed)


def _report(as_json: bool, message: str, **facts: object) -> None:
    if as_json:
        emit(facts)
    else:
        print(message)


def _emit_people(people: Iterable[Subscriber]) -> None:
    """One JSON document, printed person by person: a list may have a million."""
    separator = "["
    for p in people:
        person = {
            "email": p.email,
            "name": p.name,
            "status": p.status,
            "since": p.since.isoformat(),
            "suppressed": p.suppressed,
        }
        print(f"{separator}\n {json.dumps(person, ensure_ascii=False)}", end="")
        separator = ","
    print("[]" if separator == "[" else "\n]")
