"""Whom a connection trusts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@cache
def trusted(*, by_environment: bool = False) -> ssl.SSLContext:
    """The authorities of certifi, read once in a process: it takes longer than most requests.

    ``by_environment``: those that SSL_CERT_FILE or SSL_CERT_DIR name, where one of them is set.
    """
    import httpx

    return httpx.create_ssl_context(trust_env=by_environment)
