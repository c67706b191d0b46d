"""schedule, status, reschedule."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.output import AsJson, context, emit, receipt_json, receipt_text, table

if TYPE_CHECKING:
    from newsletter.app.clock.status import Overview
    from newsletter.schedule import Moment


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (schedule, status, reschedule):
        app.command()(command)


def schedule(
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Start at this day.")
    ] = None,
    count: Annotated[
        int, typer.Option("--next", min=1, metavar="N", help="How many moments.")
    ] = 10,
    only: Annotated[
        str | None, typer.Option(metavar="KIND", help="gather, remind, deadline or send.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the coming moments of the timetable, in the newsletter's zone and in UTC."""
    from newsletter import issues
    from newsletter.app.timetable import moves
    from newsletter.errors import UsageError
    from newsletter.schedule import KINDS

    if only is not None and only not in KINDS:
        raise UsageError(f"--only {only!r} is not a kind of moment. Use one of {', '.join(KINDS)}.")
    desk = context.desk()
    first = issues.parse_day(start, "--from") if start else None
    if first and not 1970 <= first.year <= 9000:
        raise UsageError(f"--from {start} is too far away. Use a day of this century.")
    coming = moves.upcoming(desk, first)
    moments = list(islice((m for m in coming if only in {None, m.kind}), count))
    if as_json:
        emit([_moment_json(moment) for moment in moments])
    else:
        print(f"In {desk.config.newsletter.timezone} and in UTC:\n{moments_text(moments)}")


def status(as_json: AsJson = False) -> None:
    """Show what comes next, what was sent last, and what waits for a person."""
    from newsletter import issues
    from newsletter.app.clock.status import overview

    overview_ = overview(context.desk())
    if as_json:
        emit(
            {
                "newsletter": overview_.newsletter,
                "timezone": overview_.timezone,
                "next": [_moment_json(moment) for moment in overview_.next],
                "last_send": receipt_json(overview_.last) | {"addresses": None}
                if overview_.last
                else None,
                "occurrences": [vars(occurrence) for occurrence in overview_.recent],
                "sources": [issues.source_out(source) for source in overview_.sources],
                "waiting": list(overview_.waiting),
            }
        )
    else:
        print(_status_text(overview_))


def reschedule(
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The send date of the issue.")],
    to: Annotated[
        str | None,
        typer.Argument(
            metavar="TIME",
            help='"tue 09:00" or "2025-07-08 09:00", in the newsletter\'s time zone.',
        ),
    ] = None,
    back: Annotated[
        bool, typer.Option("--back", help="Move it back to the timetable's time.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send one issue at another time than the timetable's."""
    from datetime import UTC

    from newsletter import issues
    from newsletter.app.timetable import moves
    from newsletter.errors import UsageError

    if back is (to is not None):
        raise UsageError('Give a time: newsletter reschedule ISSUE "tue 09:00"; or use --back.')
    at = moves.reschedule(context.desk(), issues.parse_name(issue), to)
    if as_json:
        emit({"issue": issue, "local": at.isoformat(), "utc": at.astimezone(UTC).isoformat()})
    else:
        utc = f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC"
        print(f"Issue {issue} will be sent {at:%a %Y-%m-%d %H:%M %Z} ({utc}).")


def _moment_json(moment: Moment) -> dict[str, object]:
    document: dict[str, object] = {
        "kind": moment.kind,
        "issue": moment.issue,
        "local": moment.local.isoformat(),
        "utc": moment.utc.isoformat(),
    }
    return {**document, "moved": True} if moment.moved else document


def moments_text(moments: Iterable[Moment]) -> str:
    """One line for each moment, in the newsletter's time zone and in UTC."""
    return table(
        (
            moment.kind,
            str(moment.issue),
            f"{moment.local:%a %Y-%m-%d %H:%M %Z}",
            f"{moment.utc:%a %Y-%m-%d %H:%M} UTC",
            "moved by a person" if moment.moved else "",
        )
        for moment in moments
    )


def _status_text(overview_: Overview) -> str:
    parts = [
        f"{overview_.newsletter} ({overview_.timezone})",
        f"Next:\n{moments_text(overview_.next)}",
    ]
    if overview_.last:
        parts.append(receipt_text(overview_.last))
    else:
        parts.append("Nothing was sent yet.")
    if overview_.sources:
        rows = ((s.status.value, s.name, s.summary) for s in overview_.sources)
        parts.append(f"Sources at the last gather:\n{table(rows)}")
    if overview_.waiting:
        parts.append(
            "Waiting for a person:\n" + "\n".join(f"  {line}" for line in overview_.waiting)
        )
    else:
        parts.append("Nothing is waiting for a person.")
    return "\n\n".join(parts)
