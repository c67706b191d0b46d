"""The public server: readers' pages and provider events of one or several newsletters."""

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
from newsletter.app.feedback.provider_events import endpoints
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
from newsletter.web.public.archive_cache import ArchiveCache
from newsletter.web.public.body_limit import BodyLimit
from newsletter.web.public.current_desk import CurrentDesk
from newsletter.web.public.host_router import HEALTH, HostRouter, Site, require_distinct_addresses
from newsletter.web.public.messages import error_handlers
from newsletter.web.public.sign_up_worker import SignUpWorker
from newsletter.web.public.timeouts import TimeoutProtocol

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 1_000  # at once; more get 503
BACKLOG = 256  # connections that wait to be accepted
MAX_FILES = 4_096  # open at once: connections and databases
MAX_HEAD = 16_384  # bytes of a request before its body
OPTIONS: dict[str, Any] = {
    "http": TimeoutProtocol,
    "ws": "none",
    "lifespan": "off",
    "log_level": "warning",
    "log_config": None,  # uvicorn's messages go to our log, in our format
    "access_log": False,  # addresses contain readers' keys
    "proxy_headers": False,  # client_network reads them, and knows which proxies to trust
    "server_header": False,
    "limit_concurrency": MAX_CONNECTIONS,
    "backlog": BACKLOG,
    "h11_max_incomplete_event_size": MAX_HEAD,
    "timeout_graceful_shutdown": 30,
}


def create_app(*desks: Desk, wake: Callable[[], None] = lambda: None) -> ASGIApp:
    """The public pages of these newsletters as an ASGI application."""
    return _app([CurrentDesk(desk) for desk in desks], wake)


def serve(desks: Sequence[Desk], host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; ``ready`` gets the server's address.

    Raises ConfigError if two newsletters cannot be served together, UsageError if it cannot listen.
    """
    require_distinct_addresses(desks)
    reader_links.require_own_secrets(desks)
    currents = [CurrentDesk(desk) for desk in desks]
    # uvicorn raises the signal again when it has ended; a mail being sent must be finished first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _raise_file_limit()
    listener = listen(host, port, option="--port", backlog=BACKLOG)
    with _sign_up_worker(currents) as worker, suppress(KeyboardInterrupt):
        server = uvicorn.Server(uvicorn.Config(_app(currents, worker.wake), **OPTIONS))
        printed_host = f"[{host}]" if ":" in host else host
        ready(f"http://{printed_host}:{listener.getsockname()[1]}")
        _warn_without_base_url(desks)
        server.run(sockets=[listener])


def _warn_without_base_url(desks: Sequence[Desk]) -> None:
    for desk in desks:
        if desk.config.newsletter.base_url is None:
            log.warning(
                "%s has no base_url in [newsletter], so nobody can sign up and no mail links to a "
                "page. Set it to the address of these pages.",
                desk.name,
            )


def _raise_file_limit() -> None:
    """Most systems allow 1,024 open files at first, and more on request."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MAX_FILES if hard == resource.RLIM_INFINITY else min(MAX_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


@contextmanager
def _sign_up_worker(currents: Sequence[CurrentDesk]) -> Iterator[SignUpWorker]:
    worker = SignUpWorker(currents)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def _app(currents: Sequence[CurrentDesk], wake: Callable[[], None]) -> ASGIApp:
    sites = [Site(current, _newsletter_app(current, currents, wake)) for current in currents]
    return Headers(BodyLimit(HostRouter(sites)), ALWAYS)


def _newsletter_app(
    current: CurrentDesk, currents: Sequence[CurrentDesk], wake: Callable[[], None]
) -> ASGIApp:
    """The pages of one newsletter."""

    def others() -> list[Desk]:
        return [other() for other in currents if other is not current]

    cache = ArchiveCache(current)
    app = Starlette(
        routes=[
            *page.routes(current),
            *sign_up.routes(current, wake),
            *unsubscribe.routes(current),
            *preferences.routes(current, others),
            *provider_events.routes(current),
            *openapi.routes(lambda: endpoints(current()), HEALTH),
            *approval.routes(current),
            *archive.routes(current, cache),
        ],
        exception_handlers=error_handlers(current),
    )
    app.router.default = archive.redirects(cache)
    app.router.redirect_slashes = False  # behind a proxy it does not know its own address
    return Headers(app, {}, lambda: _hsts(current()))


def _hsts(desk: Desk) -> dict[str, str]:
    base = desk.config.newsletter.base_url or ""
    return ONLY_HTTPS if desk.config.public.hsts and base.startswith("https:") else {}
