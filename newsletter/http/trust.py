"""Whom a connection trusts."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def trusted(*, by_environment: bool = False) -> ssl.SSLContext:
    """The authorities of certifi, read once in a process: it takes longer than most requests.

    ``by_environment``: those that SSL_CERT_FILE or SSL_CERT_DIR name, where one of them is set.
    """
    named = [os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")]
    return _read(*named) if by_environment and any(named) else _read()


@cache
def _read(*named: str | None) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(trust_env=bool(named))
