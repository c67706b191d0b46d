"""``newsletter run``: a look at every newsletter each minute, each look in a process of its own.

The process that waits holds neither configuration nor connections. A look reads newsletter.toml
as it is then, one newsletter cannot hold up another, and what a gather needs of memory goes with
it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from newsletter.app import identity, logs
from newsletter.app.desk import Desk, open_desk
from newsletter.app.service.health import STUCK, Watched, health
from newsletter.app.service.process import EVERY, MOST, Health, Listener, Service
from newsletter.errors import NewsletterError
from newsletter.http.certificates import ssl_context

log = logging.getLogger(__name__)

Listen = Callable[[Health], Listener]


def run(
    folders: Sequence[Path],
    listen: Listen | None = None,
    every: float = EVERY,
    stuck: float = STUCK,
    most: int = MOST,
) -> None:
    """Look at the newsletters in these folders ``every`` so many seconds until SIGTERM or SIGINT.

    A look that gives no sign for ``stuck`` seconds is ended; at most ``most``, besides those that
    send, are under way at once. ``listen`` makes what answers /healthz. One whose configuration
    cannot be read is waited for; raises ConfigError where that is all of them, UsageError where two
    are one newsletter.
    """
    watched, desks = _opened(folders)
    if len(watched) > 1:
        identity.require_different(folders, desks)
    listener = listen(lambda: health(watched, time.monotonic())) if listen else None

    def begin() -> None:
        for desk in desks:
            with logs.context(newsletter=desk.name):
                log.info("Running %s (%s)", desk.name, desk.config.newsletter.timezone)
        if listener:
            log.info("/healthz is answered on http://127.0.0.1:%d/healthz", listener.port)
        if any(desk.config.alerts.ping_url for desk in desks):
            ssl_context()  # once, for all looks

    Service(watched, listener, begin, every, stuck, most).run()
    log.info("Stopped.")


def _opened(folders: Sequence[Path]) -> tuple[list[Watched], list[Desk]]:
    """What is to be watched, and those newsletters whose configuration can be read."""
    watched, desks = [], list[Desk]()
    for folder in folders:
        try:
            desk = open_desk(folder)
            identity.database_location(desk)  # and the database's driver is there for all looks
            desks.append(desk)
            watched.append(Watched(folder, desk.name, time.monotonic()))
        except NewsletterError as error:
            watched.append(Watched(folder, None, time.monotonic(), str(error), broken=True))
            fault = error
    if not desks:
        raise fault
    for each in watched:
        if each.trouble:
            log.error("%s", each.trouble)
    return watched, desks
