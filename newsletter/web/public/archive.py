"""The archive: its front, every issue that was sent, search, feeds, and links that were mended."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from newsletter.app import Desk
from newsletter.app.archive import issue_page, past_issues
from newsletter.errors import NewsletterError
from newsletter.web.public import client_network, feeds, issue_list, pictures
from newsletter.web.public.archive_cache import Shelf, Stand
from newsletter.web.public.cached_response import Answer

T = TypeVar("T")

log = logging.getLogger(__name__)

_HTML = "text/html; charset=utf-8"
# The mail's styles stand in its elements; nothing in it may run or be sent.
_ISSUE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_SHORT = {"Cache-Control": "public, max-age=60"}  # a correction is to be seen soon
_MACHINES: dict[str, tuple[str, Callable[[Stand], str]]] = {
    "/feed.xml": ("application/rss+xml; charset=utf-8", feeds.rss),
    "/atom.xml": ("application/atom+xml; charset=utf-8", feeds.atom),
    "/feed.json": ("application/feed+json; charset=utf-8", feeds.json_feed),
    "/sitemap.xml": ("application/xml; charset=utf-8", feeds.sitemap),
}


def routes(current: Callable[[], Desk], shelf: Shelf) -> list[Route]:
    """All that anybody may read."""

    async def search(request: Request) -> Response:
        stand = await _answering(shelf.stand())
        asked = request.query_params.get("q", "")
        number = issue_list.number_of(request.query_params.get("page"))
        if number is None:
            raise HTTPException(404)
        network = client_network.network(request, stand.desk.config.public.trusted_proxies)
        page = await _answering(run_in_threadpool(issue_list.found, stand, asked, number, network))
        if page is None:
            raise HTTPException(404)
        return page

    async def robots(_: Request) -> Response:
        return Response(feeds.robots(current()), media_type="text/plain", headers=_SHORT)

    issue = _Kept(
        shelf, lambda scope: f"/issues/{scope['path_params']['issue']}", _issue, mended(shelf)
    )
    front = _Kept(shelf, _page_asked, _front)
    return [
        Route("/issues/{issue}", issue, methods=["GET"]),
        Route("/issues/{issue}/", issue, methods=["GET"]),
        *pictures.routes(current),
        Route("/", front, methods=["GET"]),
        *(
            Route(path, _Kept(shelf, _always(path), _for_machines), methods=["GET"])
            for path in _MACHINES
        ),
        Route("/robots.txt", robots),
        Route("/search", search),
    ]


def mended(shelf: Shelf) -> ASGIApp:
    """Where an address of our own leads at which there is nothing, when a correction says so."""

    async def lead(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        request = Request(scope)
        asked = scope["path"].removeprefix(scope.get("root_path", ""))
        if request.url.query:
            asked += f"?{request.url.query}"
        stand = await _answering(shelf.stand())
        if (to := past_issues.redirected(stand.desk, stand.issues, asked)) is None:
            raise HTTPException(404)
        await RedirectResponse(to, 302, headers=_SHORT)(scope, receive, send)

    return lead


class _Kept:
    """What is made once, and served from memory. ``key`` says what a request is for;
    ``otherwise`` answers where there is nothing.
    """

    def __init__(
        self,
        shelf: Shelf,
        key: Callable[[Scope], str | None],
        make: Callable[[Stand, str], Answer | None],
        otherwise: ASGIApp | None = None,
    ) -> None:
        self._shelf = shelf
        self._key = key
        self._make = make
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises HTTPException."""
        key = self._key(scope)
        answer: ASGIApp | None = (
            await _answering(self._shelf.page(key, self._make)) if key else None
        )
        answer = answer or self._otherwise
        if answer is None:
            raise HTTPException(404)
        await answer(scope, receive, send)


def _issue(stand: Stand, key: str) -> Answer | None:
    issue = stand.find(key.removeprefix("/issues/"))
    if issue is None:
        return None
    headers = {**_SHORT, "Content-Security-Policy": _ISSUE_POLICY}
    return Answer(issue_page.page(stand.desk, issue).encode(), _HTML, headers)


def _page_asked(scope: Scope) -> str | None:
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("page")
    number = issue_list.number_of(asked[-1] if asked else None)
    return None if number is None else f"/?page={number}"


def _always(path: str) -> Callable[[Scope], str]:
    return lambda _: path


def _front(stand: Stand, key: str) -> Answer | None:
    page = issue_list.front(stand, int(key.rpartition("=")[2]))
    return None if page is None else Answer(page.encode(), _HTML, _SHORT)


def _for_machines(stand: Stand, path: str) -> Answer | None:
    """Addresses in it are whole, so there is none without base_url."""
    if stand.desk.config.newsletter.base_url is None:
        return None
    kind, make = _MACHINES[path]
    return Answer(make(stand).encode(), kind, _SHORT)


async def _answering(asked: Awaitable[T]) -> T:
    """What is asked for; where the database does not answer, the reader hears to come again."""
    try:
        return await asked
    except NewsletterError as error:
        log.warning("%s", error)
        raise HTTPException(503) from error
