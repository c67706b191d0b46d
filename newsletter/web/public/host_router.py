"""One server for several newsletters: host and path say which newsletter a request is for.

A request for an unknown host gets no page, so no cache can store a page under a made-up name and no
other site can show ours as its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.app import Desk
from newsletter.errors import ConfigError, NewsletterError

HEALTH = "/healthz"
_LOCAL = {"127.0.0.1", "localhost", "[::1]"}  # for checks from this machine itself


@dataclass(frozen=True)
class Site:
    """One newsletter and its application."""

    current: Callable[[], Desk]
    app: ASGIApp

    @property
    def location(self) -> tuple[str, str]:
        """Host and path of its base_url; empty without one."""
        return location_of(self.current())


class HostRouter:
    """Passes each request to its newsletter, and answers ``/healthz`` for all of them."""

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            await self._sites[0].app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == HEALTH and scope["method"] in ("GET", "HEAD"):
            response: Response = await run_in_threadpool(self._health)
            await response(scope, receive, send)
            return
        match = self._match(_host(scope), path)
        if isinstance(match, Response):
            await match(scope, receive, send)
            return
        site, prefix = match
        await site.app({**scope, "root_path": prefix} if prefix else scope, receive, send)

    def _match(self, host: str, path: str) -> tuple[Site, str] | Response:
        """The newsletter and its part of the path; an error response if there is none."""
        locations = [(site, *site.location) for site in self._sites]
        on_host = [entry for entry in locations if entry[1] in ("", host)]
        if not on_host and host in _LOCAL:
            on_host = locations
        if not on_host:
            return _plain(
                "No newsletter on this server has this host in its base_url. A proxy in front of "
                "it must pass on the Host header unchanged.",
                421,
            )
        candidates = [entry for entry in on_host if _is_below(path, entry[2])]
        if not candidates and len(locations) == 1:  # a proxy has removed the path of base_url
            return locations[0][0], ""
        longest = max((len(prefix) for *_, prefix in candidates), default=0)
        best = [(site, prefix) for site, _, prefix in candidates if len(prefix) == longest]
        return best[0] if len(best) == 1 else _plain("There is no such page.", 404)

    def _health(self) -> Response:
        """Does not name the newsletter whose database fails: anybody may ask."""
        healthy = all(_is_healthy(site.current()) for site in self._sites)
        document = {"status": "ok" if healthy else "the database of a newsletter does not answer"}
        headers = {"Cache-Control": "no-store"}
        return JSONResponse(document, 200 if healthy else 503, headers=headers)


def location_of(desk: Desk) -> tuple[str, str]:
    """Host and path of the newsletter's base_url; empty without one."""
    parts = urlsplit(desk.config.newsletter.base_url or "")
    host = parts.hostname or ""
    return (f"[{host}]" if ":" in host else host), parts.path.rstrip("/")


def require_distinct_addresses(desks: Sequence[Desk]) -> None:
    """Raises ConfigError if two newsletters share one base_url, or one of several has none."""
    folders: dict[tuple[str, str], Path] = {}
    for desk in desks if len(desks) > 1 else ():
        if desk.config.newsletter.base_url is None:
            raise ConfigError(
                f"{desk.folder.resolve()} has no base_url, so no request can be for "
                f"{desk.name!r}. Set it in [newsletter], or serve that newsletter alone."
            )
        other = folders.setdefault(location_of(desk), desk.folder)
        if other != desk.folder:
            raise ConfigError(
                f"{desk.folder.resolve()} and {other.resolve()} have the same base_url. Give each "
                f"newsletter its own host or its own path."
            )


def _is_below(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def _is_healthy(desk: Desk) -> bool:
    try:
        return desk.database.has_tables()
    except NewsletterError:
        return False


def _host(scope: Scope) -> str:
    """The requested host in lower case, without its port."""
    header = next((value for name, value in scope["headers"] if name == b"host"), b"")
    text = str(header, "latin-1").lower()
    host, _, port = text.rpartition(":")
    return host if port.isdigit() else text


def _plain(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status)
