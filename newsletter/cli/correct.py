"""correct."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.output import AsJson, SentIssue, context, counted, emit, note

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.app.archive.corrections import CorrectionResult
    from newsletter.model import Correction


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(correct)


def correct(
    issue: SentIssue = None,
    note_text: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="A note for readers, shown with the date.")
    ] = "",
    replace: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD", help="Text on the page to replace; may be repeated."),
    ] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="NEW", help="The new text.")] = None,
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD", help="A link's address to replace; may be repeated."),
    ] = None,
    to: Annotated[list[str] | None, typer.Option(metavar="NEW", help="The new address.")] = None,
    mail: Annotated[
        bool, typer.Option("--mail", help="Draft a mail with the note, for the issue's readers.")
    ] = False,
    undo: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Withdraw this correction.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the corrections.")] = False,
    as_json: AsJson = False,
) -> None:
    """Correct the web page of a sent issue; without ISSUE, of the last one."""
    from newsletter.app.archive import corrections
    from newsletter.app.send import receipts
    from newsletter.errors import UsageError
    from newsletter.issues import parse_name
    from newsletter.model import IssueName

    desk = context.desk()
    name = parse_name(issue) if issue else receipts.requested_issue(desk, None)
    if (list_ or undo is not None) and (note_text or replace or by or link or to or mail):
        raise UsageError("--list and --undo cannot be combined with a correction.")
    if undo is not None and corrections.withdraw(desk, name, undo).mailed:
        mail_name = IssueName(name.date, undo)
        note(
            f"Its mail, {mail_name}, can no longer be sent: remove its folder. A send that has "
            f"started continues; see newsletter receipt {mail_name}, and end it with newsletter "
            f"cancel {mail_name}"
        )
    if list_ or undo is not None:
        _print_list(corrections.list_corrections(desk, name), desk.config.zone, as_json)
        return
    result = corrections.correct(
        desk,
        name,
        note=note_text,
        words=_pairs("--replace OLD --by NEW", replace, by),
        links=_pairs("--link OLD --to NEW", link, to),
        mail=mail,
    )
    if as_json:
        emit(_result_json(result))
    else:
        print(f"Corrected: {result.address}")
        for change, places in zip(result.correction.changes, result.places, strict=True):
            where = counted(places, "place") if places else "the subject"
            print(f"   {change.old} → {change.new} (in {where})")
    if not result.public:
        note("The page is not public: the issue is not out yet, or its send was stopped.")
    if result.mail:
        note(
            f"Drafted the mail {result.mail}, for {counted(result.readers, 'reader')} who got the "
            f"issue. Nothing was sent yet. Review it and send it like an issue:\n"
            f"  newsletter preview {result.mail}\n  newsletter test {result.mail}\n"
            f"  newsletter build {result.mail}\n  newsletter approve {result.mail}\n"
            f"  newsletter send {result.mail}"
        )


def _pairs(options: str, old: list[str] | None, new: list[str] | None) -> list[tuple[str, str]]:
    from newsletter.errors import UsageError

    if len(old or ()) != len(new or ()):
        raise UsageError(f"Each change needs the old and the new: {options}.")
    return list(zip(old or (), new or (), strict=True))


def _print_list(corrections: tuple[Correction, ...], zone: ZoneInfo, as_json: bool) -> None:
    if as_json:
        emit([_correction_json(correction) for correction in corrections])
        return
    for correction in corrections:
        marks = ", with a mail" if correction.mailed else ""
        marks += ", withdrawn" if correction.withdrawn else ""
        at = f"{correction.at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        print(f"{correction.number}. {at}{marks}: {correction.note or '(no note)'}")
        for change in correction.changes:
            print(f"   {change.kind}: {change.old} → {change.new}")
    if not corrections:
        print("There are no corrections.")


def _result_json(result: CorrectionResult) -> dict[str, Any]:
    return {
        "issue": result.issue,
        "address": result.address,
        "correction": _correction_json(result.correction),
        "public": result.public,
        "places": result.places,
        "mail": str(result.mail) if result.mail else None,
        "readers": result.readers,
    }


def _correction_json(correction: Correction) -> dict[str, Any]:
    return asdict(correction) | {
        "at": correction.at.isoformat(),
        "withdrawn": correction.withdrawn.isoformat() if correction.withdrawn else None,
    }
