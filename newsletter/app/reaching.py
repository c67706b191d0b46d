"""Ask for a page or picture that readers will ask for, as they would."""

from __future__ import annotations

from urllib.parse import urlsplit

from newsletter.app.desk import Desk
from newsletter.errors import FetchError
from newsletter.http import Door, Fetched

_MADE_UP = (".test", ".example", ".invalid", ".example.com", ".example.net", ".example.org")


def is_made_up(url: str) -> bool:
    """Whether the address is of a host that stands in documentation and nowhere else."""
    return f".{urlsplit(url).hostname or ''}".endswith(_MADE_UP)


def reach(desk: Desk, door: Door, url: str) -> Fetched:
    """What is there; raises FetchError. Inside one's own network pages often have no https."""
    try:
        return door.get(url)
    except FetchError as fault:
        if fault.status is not None or urlsplit(url).netloc not in desk.config.gather.allow_hosts:
            raise
    return door.get(f"http{url.removeprefix('https')}")
