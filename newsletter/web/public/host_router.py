"""One server for several newsletters: which of them a request means, by host and path.

A request for a host that is nobody's gets no page: neither does a cache in between keep one under
a made-up name, nor a foreign site show ours as its own.
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
_LOCAL = {"127.0.0.1", "localhost", "[::1]"}  # whoever looks on this machine itself


@dataclass(frozen=True)
class House:
    """One newsletter, and the application that answers for it."""

    current: Callable[[], Desk]
    app: ASGIApp

    @property
    def place(self) -> tuple[str, str]:
        """Host and path of its base_url; empty where there is none."""
        return place_of(self.current())


class Several:
    """Leads each request to its newsletter; answers by itself whether all is well."""

    def __init__(self, houses: Sequence[House]) -> None:
        self._houses = houses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._houses[0].app(scope, receive, send)
            return
        path: str = scope["path"]
        if path == HEALTH and scope["method"] in ("GET", "HEAD"):
            answer: Response = await run_in_threadpool(self._health)
            await answer(scope, receive, send)
            return
        found = self._meant(_host(scope), path)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        house, prefix = found
        await house.app({**scope, "root_path": prefix} if prefix else scope, receive, send)

    def _meant(self, host: str, path: str) -> tuple[House, str] | Response:
        """The newsletter, and the part of the path that is its own; or why there is none."""
        places = [(house, *house.place) for house in self._houses]
        here = [each for each in places if each[1] in ("", host)]
        if not here and host in _LOCAL:
            here = places
        if not here:
            return _plain(
                "No newsletter of this server has that host in its base_url. A proxy in front of "
                "it must pass the Host header on as it came.",
                421,
            )
        below = [each for each in here if _is_below(path, each[2])]
        if not below and len(places) == 1:  # a proxy has taken the path of base_url away
            return places[0][0], ""
        longest = max((len(each[2]) for each in below), default=0)
        found = [each for each in below if len(each[2]) == longest]
        if len(found) != 1:
            return _plain("There is no such page.", 404)
        return found[0][0], found[0][2]

    def _health(self) -> Response:
        """The names of those whose database does not answer go into no answer to the outside."""
        well = all(_is_well(house.current()) for house in self._houses)
        words = {"status": "ok" if well else "the database of a newsletter does not answer"}
        kept = {"Cache-Control": "no-store"}
        return JSONResponse(words, 200 if well else 503, headers=kept)


def place_of(desk: Desk) -> tuple[str, str]:
    """Host and path of its base_url; empty where there is none."""
    parts = urlsplit(desk.config.newsletter.base_url or "")
    host = parts.hostname or ""
    return (f"[{host}]" if ":" in host else host), parts.path.rstrip("/")


def require_different(desks: Sequence[Desk]) -> None:
    """Raises ConfigError where two newsletters have one address, or one of several has none."""
    seen: dict[tuple[str, str], Path] = {}
    for desk in desks if len(desks) > 1 else ():
        if desk.config.newsletter.base_url is None:
            raise ConfigError(
                f"{desk.folder.resolve()} has no base_url, so nobody knows which requests are "
                f"for {desk.name!r}. Set it in [newsletter], or serve that newsletter alone."
            )
        other = seen.setdefault(place_of(desk), desk.folder)
        if other != desk.folder:
            raise ConfigError(
                f"{desk.folder.resolve()} and {other.resolve()} have one base_url. Give each "
                f"newsletter its own host, or its own path behind it."
            )


def _is_below(path: str, prefix: str) -> bool:
    return not prefix or path == prefix or path.startswith(f"{prefix}/")


def _is_well(desk: Desk) -> bool:
    try:
        return desk.database.answers()
    except NewsletterError:
        return False


def _host(scope: Scope) -> str:
    """The host that was asked for, in small letters, without its port."""
    said = next((value for name, value in scope["headers"] if name == b"host"), b"")
    text = str(said, "latin-1").lower()
    whole, _, port = text.rpartition(":")
    return whole if port.isdigit() else text


def _plain(sentence: str, status: int) -> Response:
    return PlainTextResponse(f"{sentence}\n", status)
