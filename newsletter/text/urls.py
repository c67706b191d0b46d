"""Parse addresses that may be broken."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

_EMPTY = SplitResult("", "", "", "", "")


@lru_cache(maxsize=512)
def split(address: str) -> SplitResult:
    """The parts of an address; all empty when it cannot be parsed."""
    try:
        parts = urlsplit(address.strip())
        _ = parts.port  # raises ValueError, too
    except ValueError:
        return _EMPTY
    return parts


def host_of(address: str) -> str:
    """The host in lower case; empty when the address has no valid one."""
    host = split(address).hostname or ""
    return "" if any(character.isspace() for character in host) else host
