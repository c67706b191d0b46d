"""tick, run, serve."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import asdict
from itertools import islice
from typing import Annotated

import typer

from newsletter.cli.common import AsJson, context, emit, note

log = logging.getLogger(__name__)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (tick, run, serve):
        app.command()(command)


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
    from newsletter import schedule
    from newsletter.app.ticking import tick as look
    from newsletter.app.timetable import coming
    from newsletter.cli.timetable import moments_text

    desk = context.desk()
    logging.basicConfig(force=True, level=logging.INFO, format=_LOG, stream=sys.stderr)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    first = moments_text(islice(coming(desk), 2))
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

    schedule.loop(safely, stop.set)
    with busy:  # a send that is under way gets its answers first
        note("Stopped.")


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve the page to approve by a link, and take what the provider reports, until stopped."""
    from newsletter.web import public

    desk = context.desk()
    logging.basicConfig(force=True, level=logging.INFO, format=_LOG, stream=sys.stderr)
    note(f"Listening on http://{host}:{port}")
    public.serve(desk, host, port)


_LOG = "%(asctime)s %(levelname)s %(message)s"
