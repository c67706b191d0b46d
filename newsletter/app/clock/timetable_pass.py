"""One pass over a newsletter: a tick, for ``tick`` and for ``run``, and the ping that follows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from newsletter.app import identity, logs
from newsletter.app.clock.tick import MomentResult, tick
from newsletter.app.desk import Desk, open_desk
from newsletter.app.send.delivery import SendObserver
from newsletter.errors import ConfigError, FetchError, NewsletterError
from newsletter.http import webhooks

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PassResult:
    """How a pass went."""

    trouble: str | None = None
    """Why the timetable could not be acted on; the next pass may be able to."""
    misconfigured: bool = False
    """Whether a person has to fix the configuration first."""
    ping_failure: str | None = None
    """Why the ping that follows a good pass was not answered."""


def run_pass(folder: Path, stop: threading.Event, alive: Callable[[str], None]) -> PassResult:
    """Read the configuration as it is now, and do what is due. Never raises.

    ``alive`` is called with each step of the tick (``tick.CHECKPOINTS``), and now and then with ""
    while it sends.
    """
    try:
        desk = open_desk(folder)
    except NewsletterError as error:
        return PassResult(str(error), misconfigured=True)
    with logs.context(newsletter=desk.name):
        try:
            _, ping_failure = tick_and_ping(desk, stop, alive)
        except NewsletterError as error:
            return PassResult(str(error), misconfigured=isinstance(error, ConfigError))
        except Exception as error:
            log.exception("The tick failed")
            return PassResult(f"{type(error).__name__}: {error}")
        finally:
            desk.close()
    return PassResult(ping_failure=ping_failure)


def tick_and_ping(
    desk: Desk, stop: threading.Event, alive: Callable[[str], None] = lambda _: None
) -> tuple[list[MomentResult], str | None]:
    """Do what is due, then ping. Returns what was done, and why the ping was not answered.

    Raises NewsletterError if the timetable could not be acted on.
    """
    identity.require_own_name(desk)
    settled = tick(desk, SendObserver(stop=stop, checkpoint=alive, heartbeat=partial(alive, "")))
    return settled, None if stop.is_set() else ping(desk)


def ping(desk: Desk) -> str | None:
    """Ask for [alerts] ping_url, if there is one. Returns why it was not answered."""
    url = desk.config.alerts.ping_url
    if url is None:
        return None
    try:
        webhooks.ping(url, "The address of [alerts] ping_url")
    except FetchError as error:
        return f"{error} See whether it is right, and can be reached from this machine."
    return None
