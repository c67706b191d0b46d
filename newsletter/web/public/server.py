"""The public side: whatever the outside may ask of us, put together. Nothing of editors is here."""

from __future__ import annotations

import logging
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from newsletter.app import Desk
from newsletter.app.readers import reader_links
from newsletter.web.headers import ALWAYS, ONLY_HTTPS, Headers
from newsletter.web.listening import listen
from newsletter.web.public import (
    approval,
    archive,
    openapi,
    page,
    preferences,
    provider_events,
    sign_up,
    unsubscribe,
)
from newsletter.web.public.archive_cache import Shelf
from newsletter.web.public.body_limit import Limits
from newsletter.web.public.current_desk import Current
from newsletter.web.public.host_router import HEALTH, House, Several, require_different
from newsletter.web.public.messages import faults
from newsletter.web.public.sign_up_worker import Answering
from newsletter.web.public.timeouts import Hasty

log = logging.getLogger(__name__)

CONNECTIONS = 1_000  # at once; more are told to come again
WAITING = 256  # that nobody has taken yet; as many are taken at one go, whatever is open
FILES = 4_096  # open at once: connections, and the databases'
HEAD = 16_384  # bytes of a request before its body
OPTIONS: dict[str, Any] = {
    "http": Hasty,
    "ws": "none",
    "lifespan": "off",
    "log_level": "warning",
    "log_config": None,  # what it says goes into our log, as that is written
    "access_log": False,  # readers' keys stand in addresses
    "proxy_headers": False,  # we read them ourselves, and know whom to believe
    "server_header": False,
    "limit_concurrency": CONNECTIONS,
    "backlog": WAITING,
    "h11_max_incomplete_event_size": HEAD,
    "timeout_graceful_shutdown": 30,
}


def create_app(*desks: Desk, wake: Callable[[], None] = lambda: None) -> ASGIApp:
    """The public side of these newsletters as an application."""
    currents = [Current(desk) for desk in desks]
    return _app(currents, wake)


def serve(desks: Sequence[Desk], host: str, port: int, ready: Callable[[str], None]) -> None:
    """Answer until Ctrl-C or SIGTERM; ``ready`` is told the address where it listens.

    Raises ConfigError where two cannot be served together, UsageError where it cannot listen.
    """
    require_different(desks)
    reader_links.require_own_secrets(desks)
    currents = [Current(desk) for desk in desks]
    # uvicorn gives the signal on when it has ended; a mail that is on its way is to go out first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _allow_files()
    listening = listen(host, port, option="--port", backlog=WAITING)
    with _answering(currents) as answering, suppress(KeyboardInterrupt):
        server = uvicorn.Server(uvicorn.Config(_app(currents, answering.wake), **OPTIONS))
        shown = f"[{host}]" if ":" in host else host
        ready(f"http://{shown}:{listening.getsockname()[1]}")
        _warn(desks)
        server.run(sockets=[listening])


def _warn(desks: Sequence[Desk]) -> None:
    for desk in desks:
        if desk.config.newsletter.base_url is None:
            log.warning(
                "%s has no base_url in [newsletter]: nobody can sign up, and no mail leads to a "
                "page. Set it to the address that readers come by.",
                desk.name,
            )


def _allow_files() -> None:
    """Most systems give a program 1,024 at first, and more to whoever asks."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def _answering(currents: Sequence[Current]) -> Iterator[Answering]:
    answering = Answering(currents)
    answering.start()
    try:
        yield answering
    finally:
        answering.stop()


def _app(currents: Sequence[Current], wake: Callable[[], None]) -> ASGIApp:
    houses = [House(current, _newsletter(current, currents, wake)) for current in currents]
    return Headers(Limits(Several(houses)), ALWAYS)


def _newsletter(
    current: Current, everybody: Sequence[Current], wake: Callable[[], None]
) -> ASGIApp:
    """The pages of one newsletter."""

    def others() -> list[Desk]:
        return [each() for each in everybody if each is not current]

    shelf = Shelf(current)
    app = Starlette(
        routes=[
            *page.routes(current),
            *sign_up.routes(current, wake),
            *unsubscribe.routes(current),
            *preferences.routes(current, others),
            *provider_events.routes(current),
            *openapi.routes(HEALTH),
            *approval.routes(current),
            *archive.routes(current, shelf),
        ],
        exception_handlers=faults(current),
    )
    app.router.default = archive.mended(shelf)
    app.router.redirect_slashes = False  # behind another server it knows no address to lead to
    return Headers(app, {}, lambda: _only_https(current()))


def _only_https(desk: Desk) -> dict[str, str]:
    base = desk.config.newsletter.base_url or ""
    return ONLY_HTTPS if desk.config.public.hsts and base.startswith("https:") else {}
