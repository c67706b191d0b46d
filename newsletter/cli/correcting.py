"""correct."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.common import AsJson, SentIssue, context, counted, emit, note

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.app.archive.corrections import CorrectionResult
    from newsletter.model import Correction


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(correct)


def correct(
    issue: SentIssue = None,
    words: Annotated[
        str, typer.Option("--note", metavar="TEXT", help="What readers are told, with the date.")
    ] = "",
    replace: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD", help="Words on the page; may be said several times."),
    ] = None,
    by: Annotated[list[str] | None, typer.Option(metavar="NEW", help="… and the new ones.")] = None,
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="OLD", help="Where a link on the page leads; several times, too."),
    ] = None,
    to: Annotated[
        list[str] | None, typer.Option(metavar="NEW", help="… and where it is to lead.")
    ] = None,
    mail: Annotated[
        bool, typer.Option("--mail", help="Make a mail of the note, for those who got the issue.")
    ] = False,
    undo: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Take a correction back that was a mistake itself."),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show what was corrected.")] = False,
    as_json: AsJson = False,
) -> None:
    """Mend the web page of an issue that was sent; without ISSUE the last one."""
    from newsletter.app.archive import corrections
    from newsletter.app.send import receipts
    from newsletter.errors import UsageError
    from newsletter.issues import parse_name
    from newsletter.model import IssueName

    desk = context.desk()
    day = parse_name(issue) if issue else receipts.meant(desk, None)
    if (show or undo is not None) and (words or replace or by or link or to or mail):
        raise UsageError("--list and --undo stand alone. Leave them out to correct something.")
    if undo is not None and corrections.withdraw(desk, day, undo).mailed:
        name = IssueName(day.date, undo)
        note(
            f"The mail about it, {name}, can be sent no more: remove its folder. A send of it that "
            f"has begun goes on; see newsletter receipt {name}, and end it with newsletter cancel "
            f"{name}"
        )
    if show or undo is not None:
        _show(corrections.list_corrections(desk, day), desk.config.zone, as_json)
        return
    done = corrections.correct(
        desk,
        day,
        note=words,
        words=_pairs("--replace OLD --by NEW", replace, by),
        links=_pairs("--link OLD --to NEW", link, to),
        mail=mail,
    )
    if as_json:
        emit(_document(done))
    else:
        print(f"Corrected: {done.address}")
        for change, places in zip(done.correction.changes, done.places, strict=True):
            where = counted(places, "place") if places else "the subject"
            print(f"   {change.old} → {change.new} (in {where})")
    if not done.public:
        note("Nobody can read that page now: the issue is not out yet, or its send was stopped.")
    if done.mail:
        note(
            f"The mail about it is {done.mail}, for {counted(done.readers, 'reader')} who got the "
            f"issue. Nothing was sent yet. Look at it, and send it like an issue:\n"
            f"  newsletter preview {done.mail}\n  newsletter test {done.mail}\n"
            f"  newsletter build {done.mail}\n  newsletter approve {done.mail}\n"
            f"  newsletter send {done.mail}"
        )


def _pairs(said: str, old: list[str] | None, new: list[str] | None) -> list[tuple[str, str]]:
    from newsletter.errors import UsageError

    if len(old or ()) != len(new or ()):
        raise UsageError(f"Each change names the old and the new: {said}.")
    return list(zip(old or (), new or (), strict=True))


def _show(found: tuple[Correction, ...], zone: ZoneInfo, as_json: bool) -> None:
    if as_json:
        emit([_correction(each) for each in found])
        return
    for each in found:
        more = (", with a mail" if each.mailed else "") + (", undone" if each.withdrawn else "")
        at = f"{each.at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        print(f"{each.number}. {at}{more}: {each.note or '(no note)'}")
        for change in each.changes:
            print(f"   {change.kind}: {change.old} → {change.new}")
    if not found:
        print("Nothing was corrected.")


def _document(done: CorrectionResult) -> dict[str, Any]:
    return {
        "issue": done.issue,
        "address": done.address,
        "correction": _correction(done.correction),
        "public": done.public,
        "places": done.places,
        "mail": str(done.mail) if done.mail else None,
        "readers": done.readers,
    }


def _correction(found: Correction) -> dict[str, Any]:
    return asdict(found) | {
        "at": found.at.isoformat(),
        "withdrawn": found.withdrawn.isoformat() if found.withdrawn else None,
    }
