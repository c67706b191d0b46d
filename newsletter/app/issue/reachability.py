"""Request a page or picture as a reader would, to see whether it is there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from newsletter.app.desk import Desk
from newsletter.errors import FetchError
from newsletter.http import Fetcher, Response
from newsletter.text.urls import split

_RESERVED = (".test", ".example", ".invalid", ".example.com", ".example.net", ".example.org")
_BUSY = frozenset({429, 503})
_HEAD_SHARE = 1 / 3  # of the time limit is for the HEAD request


def is_made_up(url: str) -> bool:
    """Whether the host is reserved for documentation, so nothing can be there."""
    return f".{split(url).hostname or ''}".endswith(_RESERVED)


def fetch(desk: Desk, fetcher: Fetcher, url: str) -> Response:
    """The response. Raises FetchError."""
    return _request(desk, fetcher.get, url)


def refusal(desk: Desk, fetcher: Fetcher, url: str) -> FetchError | None:
    """Why the page is not available; None if it is, or if its host is reserved.

    GET follows only if HEAD fails; both together take no longer than one request may.
    """
    if is_made_up(url):
        return None
    try:
        _request(desk, partial(fetcher.head, share=_HEAD_SHARE), url)
    except FetchError as fault:
        if fault.status in _BUSY:
            return fault
    else:
        return None
    try:
        _request(desk, partial(fetcher.get, share=1 - _HEAD_SHARE), url)
    except FetchError as fault:
        return fault
    return None


def _request(desk: Desk, get: Callable[[str], Response], url: str) -> Response:
    """Try http for allowed hosts, which are inside one's own network and often have no https."""
    try:
        return get(url)
    except FetchError as fault:
        if fault.status is not None or split(url).netloc not in desk.config.gather.allow_hosts:
            raise
    return get(f"http{url.removeprefix('https')}")
