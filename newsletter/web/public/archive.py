"""Routes of the archive: its front page, every sent issue, search, feeds, and redirects."""

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
from newsletter.web.public.archive_cache import ArchiveCache, Render, Snapshot
from newsletter.web.public.cached_response import CachedResponse

T = TypeVar("T")

log = logging.getLogger(__name__)

_HTML = "text/html; charset=utf-8"
# The mail's styles are in its elements; nothing in it may run or be submitted.
_ISSUE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' https:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_ONE_MINUTE = {"Cache-Control": "public, max-age=60"}  # so that corrections show soon
_FEEDS: dict[str, tuple[str, Callable[[Snapshot], str]]] = {
    "/feed.xml": ("application/rss+xml; charset=utf-8", feeds.rss),
    "/atom.xml": ("application/atom+xml; charset=utf-8", feeds.atom),
    "/feed.json": ("application/feed+json; charset=utf-8", feeds.json_feed),
    "/sitemap.xml": ("application/xml; charset=utf-8", feeds.sitemap),
}


def routes(current: Callable[[], Desk], cache: ArchiveCache) -> list[Route]:
    """The public pages of the archive."""

    async def search(request: Request) -> Response:
        snapshot = await _or_503(cache.snapshot())
        query = request.query_params.get("q", "")
        number = issue_list.page_number(request.query_params.get("page"))
        if number is None:
            raise HTTPException(404)
        network = client_network.client_network(
            request, snapshot.desk.config.public.trusted_proxies
        )
        page = await _or_503(
            run_in_threadpool(issue_list.search_results, snapshot, query, number, network)
        )
        if page is None:
            raise HTTPException(404)
        return page

    async def robots(_: Request) -> Response:
        return Response(feeds.robots(current()), media_type="text/plain", headers=_ONE_MINUTE)

    issue = _CachedPage(
        cache, lambda scope: f"/issues/{scope['path_params']['issue']}", _issue, redirects(cache)
    )
    return [
        Route("/issues/{issue}", issue, methods=["GET"]),
        Route("/issues/{issue}/", issue, methods=["GET"]),
        *pictures.routes(current),
        Route("/", _CachedPage(cache, _front_key, _front), methods=["GET"]),
        *(
            Route(path, _CachedPage(cache, _constant(path), _feed), methods=["GET"])
            for path in _FEEDS
        ),
        Route("/robots.txt", robots),
        Route("/search", search),
    ]


def redirects(cache: ArchiveCache) -> ASGIApp:
    """Redirects missing addresses where a correction says so; 404 otherwise."""

    async def redirect(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        request = Request(scope)
        address = scope["path"].removeprefix(scope.get("root_path", ""))
        if request.url.query:
            address += f"?{request.url.query}"
        snapshot = await _or_503(cache.snapshot())
        target = past_issues.redirect_target(snapshot.desk, snapshot.issues, address)
        if target is None:
            raise HTTPException(404)
        await RedirectResponse(target, 302, headers=_ONE_MINUTE)(scope, receive, send)

    return redirect


class _CachedPage:
    """An endpoint that answers from the cache."""

    def __init__(
        self,
        cache: ArchiveCache,
        key: Callable[[Scope], str | None],  # the page's path in the cache; None: 404
        render: Render,
        fallback: ASGIApp | None = None,  # answers if there is no such page
    ) -> None:
        self._cache = cache
        self._key = key
        self._render = render
        self._fallback = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI). Raises HTTPException."""
        key = self._key(scope)
        page = await _or_503(self._cache.page(key, self._render)) if key else None
        response: ASGIApp | None = page or self._fallback
        if response is None:
            raise HTTPException(404)
        await response(scope, receive, send)


def _issue(snapshot: Snapshot, key: str) -> CachedResponse | None:
    issue = snapshot.find(key.removeprefix("/issues/"))
    if issue is None:
        return None
    headers = {**_ONE_MINUTE, "Content-Security-Policy": _ISSUE_POLICY}
    return CachedResponse(issue_page.page(snapshot.desk, issue).encode(), _HTML, headers)


def _front_key(scope: Scope) -> str | None:
    values = parse_qs(scope["query_string"].decode("latin-1")).get("page")
    number = issue_list.page_number(values[-1] if values else None)
    return None if number is None else f"/?page={number}"


def _constant(path: str) -> Callable[[Scope], str]:
    return lambda _: path


def _front(snapshot: Snapshot, key: str) -> CachedResponse | None:
    page = issue_list.front_page(snapshot, int(key.rpartition("=")[2]))
    return None if page is None else CachedResponse(page.encode(), _HTML, _ONE_MINUTE)


def _feed(snapshot: Snapshot, path: str) -> CachedResponse | None:
    """A feed or the sitemap; their addresses are absolute, so they need base_url."""
    if snapshot.desk.config.newsletter.base_url is None:
        return None
    media_type, render = _FEEDS[path]
    return CachedResponse(render(snapshot).encode(), media_type, _ONE_MINUTE)


async def _or_503(result: Awaitable[T]) -> T:
    """The result; 503 if the database does not answer."""
    try:
        return await result
    except NewsletterError as error:
        log.warning("%s", error)
        raise HTTPException(503) from error
