"""Ask for a page or picture that readers will ask for, as they would."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from newsletter.app.desk import Desk
from newsletter.errors import FetchError
from newsletter.http import Fetcher, Response
from newsletter.text.urls import split

_MADE_UP = (".test", ".example", ".invalid", ".example.com", ".example.net", ".example.org")
_BUSY = frozenset({429, 503})
_FIRST = 1 / 3  # of the time is for the question whether a page is there


def is_made_up(url: str) -> bool:
    """Whether the address is of a host that stands in documentation and nowhere else."""
    return f".{split(url).hostname or ''}".endswith(_MADE_UP)


def reach(desk: Desk, fetcher: Fetcher, url: str) -> Response:
    """What is there; raises FetchError."""
    return _asked(desk, fetcher.get, url)


def refusal(desk: Desk, fetcher: Fetcher, url: str) -> FetchError | None:
    """Why the page cannot be had; None where it can, or is of a made-up host.

    The page itself is asked for only where a server refuses to say whether it is there, or says
    nothing; both together take no longer than one request may.
    """
    if is_made_up(url):
        return None
    try:
        _asked(desk, partial(fetcher.head, share=_FIRST), url)
    except FetchError as fault:
        if fault.status in _BUSY:
            return fault
    else:
        return None
    try:
        _asked(desk, partial(fetcher.get, share=1 - _FIRST), url)
    except FetchError as fault:
        return fault
    return None


def _asked(desk: Desk, ask: Callable[[str], Response], url: str) -> Response:
    """Inside one's own network pages often have no https."""
    try:
        return ask(url)
    except FetchError as fault:
        if fault.status is not None or split(url).netloc not in desk.config.gather.allow_hosts:
            raise
    return ask(f"http{url.removeprefix('https')}")
