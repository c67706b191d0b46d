"""tick, run, serve."""

from __future__ import annotations

import logging
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from newsletter.cli.output import AsJson, context, emit, note

Log = Annotated[
    Literal["text", "json"] | None,
    typer.Option("--log", help="How to write the log, on standard error."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (tick, run, serve):
        app.command()(command)


def tick(as_json: AsJson = False, log: Log = None) -> None:
    """Look once at what is due, and do it: for cron, or a systemd timer."""
    from newsletter.app import logs
    from newsletter.app.clock.timetable_pass import look_at
    from newsletter.app.service.health import STUCK
    from newsletter.cli import progress

    if log:
        logs.start(log)
    else:  # what it did is printed at the end
        logging.getLogger("newsletter.app.clock.tick").setLevel(logging.CRITICAL)
    desk, stop = context.desk(), threading.Event()

    def alive(_: str) -> None:
        signal.alarm(int(STUCK))  # which ends us: cron would start more and more that are stuck

    alive("")
    try:
        with progress.until_stopped(stop), logs.context(newsletter=desk.name):
            done, unheard = look_at(desk, stop, alive)
    finally:
        signal.alarm(0)
    if unheard:
        note(unheard)
    if as_json:
        emit([vars(each) for each in done])
    elif not done:
        print("Nothing is due.")
    else:
        for each in done:
            print(f"{each.kind} {each.issue}: {each.state}: {each.message}")
    if any(each.failed for each in done):
        raise typer.Exit(1)


def run(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR", help="The newsletters' folders; without any, this one."),
    ] = None,
    health: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Answer /healthz on this port of 127.0.0.1."
        ),
    ] = None,
    log: Log = None,
) -> None:
    """Run the timetables of one or several newsletters until stopped: one look a minute."""
    from newsletter.app import logs
    from newsletter.app.service import run as service_run
    from newsletter.web.health import Listener

    logs.start(log or "text")
    service_run.run(
        folders or [context.folder], None if health is None else partial(Listener, health)
    )


def serve(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DIR", help="The newsletters' folders; without any, this one."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen.")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    log: Log = None,
) -> None:
    """Serve the readers' pages and the page to approve, and take what the provider reports."""
    from newsletter.app import identity, logs, open_desk
    from newsletter.web.public import server

    where = folders or [context.folder]
    desks = [open_desk(folder) for folder in where]
    identity.require_different(where, desks)
    logs.start(log or "text")
    server.serve(desks, host, port, lambda address: note(f"Listening on {address}"))
