"""tick, run, serve."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from dataclasses import asdict
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


def tick(
    as_json: AsJson = False,
    log: Log = None,
    signs: Annotated[float | None, typer.Option(hidden=True)] = None,
) -> None:
    """Do what is due now: for cron, or a systemd timer."""
    from newsletter.app import logs
    from newsletter.app.clock.timetable_pass import tick_and_ping
    from newsletter.app.service.health import STUCK
    from newsletter.cli import progress

    if log:
        logs.start(log)
    else:  # what it did is printed at the end
        logging.getLogger("newsletter.app.clock.tick").setLevel(logging.CRITICAL)
    if signs is not None:
        _tick_with_signs(signs)
        return
    desk, stop = context.desk(), threading.Event()

    def alive(_: str) -> None:
        _end_after(STUCK)  # or cron would start more and more that are stuck

    alive("")
    try:
        with progress.until_stopped(stop), logs.context(newsletter=desk.name):
            settled, ping_failure = tick_and_ping(desk, stop, alive)
    finally:
        _end_after(0)
    if ping_failure:
        note(ping_failure)
    if as_json:
        emit([vars(moment) for moment in settled])
    elif not settled:
        print("Nothing is due.")
    else:
        for moment in settled:
            print(f"{moment.kind} {moment.issue}: {moment.state}: {moment.message}")
    if any(moment.failed for moment in settled):
        raise typer.Exit(1)


def _tick_with_signs(stuck: float) -> None:
    """A tick for ``newsletter run``: signs of life and the result on standard output."""
    from newsletter.app.clock.timetable_pass import run_pass
    from newsletter.app.service.newsletter import ALIVE, SENDS

    stop, last = threading.Event(), time.monotonic()

    def alive(step: str) -> None:
        nonlocal last
        _end_after(stuck)
        if step == "planned" or time.monotonic() - last > 1:
            last = time.monotonic()
            write(SENDS if step == "planned" else ALIVE)

    def write(line: str) -> None:
        with suppress(OSError):  # without the service, there is still work to do
            os.write(1, line.encode())

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    alive("")
    write(json.dumps(asdict(run_pass(context.folder, stop, alive))) + "\n")


def _end_after(seconds: float) -> None:
    """End this process by a signal after that time; 0: never."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


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
    """Keep the timetables of one or several newsletters until stopped."""
    from newsletter.app import logs
    from newsletter.app.service import run as service

    style = log or "text"
    logs.start(style)
    if health is None:
        service.run(folders or [context.folder], style)
    else:
        from newsletter.web.health import serve as serve_health

        service.run(folders or [context.folder], style, partial(serve_health, health))


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
