"""One look at a timetable with all that belongs to it: for ``tick`` and for ``run``."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from newsletter.app import identity, logs
from newsletter.app.clock.tick import MomentResult, tick
from newsletter.app.desk import Desk, open_desk
from newsletter.app.send.delivery import SendObserver
from newsletter.app.timetable import moves
from newsletter.errors import ConfigError, FetchError, NewsletterError
from newsletter.http.webhooks import ping

log = logging.getLogger(__name__)


def _nothing(_: str) -> None:
    pass


@dataclass(frozen=True)
class Look:
    """What came of a look. ``trouble``: why it could not be done; the next one may do better.

    ``broken``: a person has to mend the configuration. ``unheard``: why the ping that follows a
    good look was not answered.
    """

    newsletter: str | None
    trouble: str | None = None
    broken: bool = False
    unheard: str | None = None


def look(
    folder: Path,
    stop: threading.Event,
    alive: Callable[[str], None] = _nothing,
    *,
    first: bool = False,
) -> Look:
    """Read the configuration as it is now, and do what is due. Never raises.

    ``alive`` is called with each step that it comes to (``ticking.CHECKPOINTS``), and now and then
    while it sends. At the ``first`` look the log says what comes next.
    """
    try:
        desk = open_desk(folder)
    except NewsletterError as error:
        return Look(None, str(error), broken=True)
    with logs.context(newsletter=desk.name):
        try:
            if first:
                coming = islice(moves.upcoming_unsent(desk), 2)
                said = (f"{m.kind} {m.issue} at {m.local:%a %Y-%m-%d %H:%M %Z}" for m in coming)
                log.info("Next: %s", ", ".join(said))
            _, unheard = look_at(desk, stop, alive)
        except NewsletterError as error:
            return Look(desk.name, str(error), broken=isinstance(error, ConfigError))
        except Exception as error:
            log.exception("This look failed")
            return Look(desk.name, f"{type(error).__name__}: {error}")
        finally:
            desk.close()
    return Look(desk.name, unheard=unheard)


def look_at(
    desk: Desk, stop: threading.Event, alive: Callable[[str], None] = _nothing
) -> tuple[list[MomentResult], str | None]:
    """Do what is due, then ping. What was done, and why the ping was not answered.

    Raises NewsletterError where the timetable could not be looked at.
    """
    identity.require_own_name(desk)
    observer = SendObserver(stop=stop, checkpoint=alive, heartbeat=partial(alive, ""))
    done = tick(desk, observer)
    url = desk.config.alerts.ping_url
    if url is None or stop.is_set():
        return done, None
    try:
        ping(url, "The address of [alerts] ping_url")
    except FetchError as error:
        return done, f"{error} See whether it is right, and can be reached from this machine."
    return done, None
