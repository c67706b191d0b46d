"""Addresses in a mail, any of which may be broken."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

_NONE = SplitResult("", "", "", "", "")


@lru_cache(maxsize=512)
def split(address: str) -> SplitResult:
    """The parts of an address; empty ones where it cannot be read."""
    try:
        found = urlsplit(address.strip())
        _ = found.port  # raises ValueError, too
    except ValueError:
        return _NONE
    return found


def host_of(address: str) -> str:
    """The host in small letters; empty where there is none that can be read."""
    host = split(address).hostname or ""
    return "" if any(letter.isspace() for letter in host) else host
