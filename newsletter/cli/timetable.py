"""schedule, status, reschedule."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.common import AsJson, context, emit, receipt_json, receipt_text, table

if TYPE_CHECKING:
    from newsletter.app.clock.status import Overview
    from newsletter.schedule import Moment


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (schedule, status, reschedule):
        app.command()(command)


def schedule(
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="From this day on.")
    ] = None,
    count: Annotated[int, typer.Option("--next", min=1, metavar="N", help="How many.")] = 10,
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
        raise UsageError(f"--only {only!r} is no kind of moment; there are {', '.join(KINDS)}.")
    desk = context.desk()
    first = issues.parse_day(start, "--from") if start else None
    if first and not 1970 <= first.year <= 9000:
        raise UsageError(f"--from {start} is too far away. Give a day of this century.")
    coming = moves.coming(desk, first)
    found = list(islice((m for m in coming if only in {None, m.kind}), count))
    if as_json:
        emit([_moment_json(moment) for moment in found])
    else:
        print(f"In {desk.config.newsletter.timezone}, and in UTC:\n{moments_text(found)}")


def status(as_json: AsJson = False) -> None:
    """Say what comes next, what went out last, and what waits for a person."""
    from newsletter import issues
    from newsletter.app.clock.status import overview

    found = overview(context.desk())
    if as_json:
        emit(
            {
                "newsletter": found.newsletter,
                "timezone": found.timezone,
                "next": [_moment_json(moment) for moment in found.next],
                "last_send": receipt_json(found.last) | {"addresses": None} if found.last else None,
                "occurrences": [vars(each) for each in found.recent],
                "sources": [issues.source_out(source) for source in found.sources],
                "waiting": list(found.waiting),
            }
        )
    else:
        print(_status_text(found))


def reschedule(
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The send date of the issue.")],
    to: Annotated[
        str | None,
        typer.Argument(metavar="TIME", help='"tue 09:00" or "2025-07-08 09:00", in its zone.'),
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Back to the timetable's own time.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send one issue at another time than the timetable says."""
    from datetime import UTC

    from newsletter import issues
    from newsletter.app.timetable import moves
    from newsletter.errors import UsageError

    if back is (to is not None):
        raise UsageError('Say when: newsletter reschedule ISSUE "tue 09:00"; or give --back.')
    at = moves.reschedule(context.desk(), issues.parse_name(issue), to)
    if as_json:
        emit({"issue": issue, "local": at.isoformat(), "utc": at.astimezone(UTC).isoformat()})
    else:
        utc = f"{at.astimezone(UTC):%a %Y-%m-%d %H:%M} UTC"
        print(f"Issue {issue} is sent {at:%a %Y-%m-%d %H:%M %Z} ({utc}).")


def _moment_json(moment: Moment) -> dict[str, object]:
    found: dict[str, object] = {
        "kind": moment.kind,
        "issue": moment.issue,
        "local": moment.local.isoformat(),
        "utc": moment.utc.isoformat(),
    }
    return {**found, "moved": True} if moment.moved else found


def moments_text(moments: Iterable[Moment]) -> str:
    """A line for each, in the newsletter's zone and in UTC."""
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


def _status_text(found: Overview) -> str:
    parts = [f"{found.newsletter} ({found.timezone})", f"Next:\n{moments_text(found.next)}"]
    if found.last:
        parts.append(receipt_text(found.last))
    else:
        parts.append("Nothing was sent yet.")
    if found.sources:
        rows = ((s.status.value, s.name, s.said) for s in found.sources)
        parts.append(f"Sources at the last gather:\n{table(rows)}")
    if found.waiting:
        parts.append("Waits for a person:\n" + "\n".join(f"  {line}" for line in found.waiting))
    else:
        parts.append("Nothing waits for a person.")
    return "\n\n".join(parts)
