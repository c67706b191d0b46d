"""Whom a connection trusts."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    import ssl

Protocol = Literal["http", "smtp", "imap"]


def trusted(protocol: Protocol = "http") -> ssl.SSLContext:
    """The authorities of certifi and of the system, and in the system's place those that
    SSL_CERT_FILE or SSL_CERT_DIR name. Read once in a process: it takes longer than most requests.

    Each protocol has a context of its own, as HTTP says by it what it speaks. Raises ConfigError
    where a variable names no authorities.
    """
    return _read(protocol, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _read(_: Protocol, file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    if file:
        _load(context, "SSL_CERT_FILE", file)
    if folder:
        _load(context, "SSL_CERT_DIR", folder)
    context.load_default_certs()  # what cannot be read is left out without a word
    return context


def _load(context: ssl.SSLContext, variable: str, place: str) -> None:
    """Trust them as well, or say why that cannot be."""
    import ssl

    try:
        if variable == "SSL_CERT_FILE":
            context.load_verify_locations(cafile=place)
            return
        if Path(place).is_dir():
            context.load_verify_locations(capath=place)
            return
        why = "it is no folder"
    except ssl.SSLError:
        why = "no certificate can be read in it"
    except OSError as error:
        why = str(error.strerror)
    raise ConfigError(
        f"{variable} names {place} as what vouches for servers, and it cannot be used: {why}. "
        f"Mend that environment variable, or leave it out."
    )
