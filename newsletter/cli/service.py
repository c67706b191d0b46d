"""schedule, status, tick, run, serve."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.common import AsJson, context, emit, note, receipt_json, receipt_text, table

if TYPE_CHECKING:
    from newsletter.app.overview import Overview
    from newsletter.schedule import Moment


log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (schedule, status, tick, run, serve):
        app.command()(command)


def schedule(
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="From this day on.")
    ] = None,
    count: Annotated[int, typer.Option("--next", min=1, metavar="N", help="How many.")] = 10,
    only: Annotated[str | None, typer.Option(metavar="KIND", help="gather or send.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the coming moments of the timetable, in the newsletter's zone and in UTC."""
    from newsletter import issues
    from newsletter.app import overview
    from newsletter.errors import UsageError
    from newsletter.schedule import KINDS

    if only is not None and only not in KINDS:
        raise UsageError(f"--only {only!r} is no kind of moment; there are {', '.join(KINDS)}.")
    desk = context.desk()
    first = issues.parse_name(start) if start else None
    if first and not 1970 <= first.year <= 9000:
        raise UsageError(f"--from {start} is too far away. Give a day of this century.")
    coming = overview.moments(desk, first)
    found = list(islice((m for m in coming if only in {None, m.kind}), count))
    if as_json:
        emit([_moment_json(moment) for moment in found])
    else:
        print(f"In {desk.config.newsletter.timezone}, and in UTC:\n{_moments_text(found)}")


def status(as_json: AsJson = False) -> None:
    """Say what comes next, what went out last, and what waits for a person."""
    from newsletter import issues
    from newsletter.app.overview import overview

    found = overview(context.desk())
    if as_json:
        emit(
            {
                "newsletter": found.newsletter,
                "timezone": found.timezone,
                "next": [_moment_json(moment) for moment in found.next],
                "last_send": receipt_json(found.last) | {"addresses": None} if found.last else None,
                "occurrences": [asdict(each) for each in found.recent],
                "sources": [issues.source_out(source) for source in found.sources],
                "waiting": list(found.waiting),
            }
        )
    else:
        print(_status_text(found))


def tick(as_json: AsJson = False) -> None:
    """Look once at what is due, and do it: for cron, or a systemd timer."""
    from newsletter.app.ticking import tick as look
    from newsletter.cli import progress

    stop = threading.Event()
    with progress.until_stopped(stop):
        done = look(context.desk(), stop)
    if as_json:
        emit([asdict(each) for each in done])
    elif not done:
        print("Nothing is due.")
    else:
        for each in done:
            print(f"{each.kind} {each.issue}: {each.state}: {each.message}")
    if any(each.failed for each in done):
        raise typer.Exit(1)


def run() -> None:
    """Run the timetable until stopped: one look a minute."""
    from newsletter import schedule as timetable
    from newsletter.app.ticking import tick as look

    desk = context.desk()
    logging.basicConfig(force=True, level=logging.INFO, format=_LOG, stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    first = _moments_text(list(islice(_coming(), 2)))
    note(f"Running {desk.name} ({desk.config.newsletter.timezone}). Next:\n{first}")

    stop, busy = threading.Event(), threading.Lock()

    def safely() -> None:
        with busy:
            look_once()

    def look_once() -> None:
        try:
            for each in look(desk, stop):
                level = logging.WARNING if each.failed else logging.INFO
                log.log(level, "%s %s: %s: %s", each.kind, each.issue, each.state, each.message)
        except Exception as error:  # noqa: BLE001 - the timetable must outlive one bad look
            log.error("this look failed: %s", error)  # noqa: TRY400

    timetable.loop(safely, stop.set)
    with busy:  # a send that is under way gets its answers first
        note("Stopped.")


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Take what the provider reports about mails (POST /events/sendgrid), until stopped."""
    from newsletter.web import public

    desk = context.desk()
    logging.basicConfig(force=True, level=logging.INFO, format=_LOG, stream=sys.stderr)
    note(f"Listening on http://{host}:{port}")
    public.serve(desk, host, port)


_LOG = "%(asctime)s %(levelname)s %(message)s"


def _coming() -> islice[Moment]:
    from newsletter.app import overview

    return islice(overview.moments(context.desk()), 10)


def _moment_json(moment: Moment) -> dict[str, str]:
    return {
        "kind": moment.kind,
        "issue": moment.issue,
        "local": moment.local.isoformat(),
        "utc": moment.utc.isoformat(),
    }


def _moments_text(moments: list[Moment] | tuple[Moment, ...]) -> str:
    return table(
        (
            moment.kind,
            moment.issue,
            f"{moment.local:%a %Y-%m-%d %H:%M %Z}",
            f"{moment.utc:%a %Y-%m-%d %H:%M} UTC",
        )
        for moment in moments
    )


def _status_text(found: Overview) -> str:
    parts = [f"{found.newsletter} ({found.timezone})", f"Next:\n{_moments_text(found.next)}"]
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
