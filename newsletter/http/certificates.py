"""The certificate authorities that connections trust."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    import ssl

Protocol = Literal["http", "smtp", "imap"]


def ssl_context(protocol: Protocol = "http") -> ssl.SSLContext:
    """A context that trusts the authorities of certifi and of the system.

    SSL_CERT_FILE and SSL_CERT_DIR replace those of the system. Each protocol has a context of
    its own, because HTTP announces itself in it. Each is made once in a process: reading the
    authorities takes longer than most requests. Raises ConfigError when a variable names a file
    or folder without usable certificates.
    """
    return _context(protocol, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _context(_: Protocol, file: str | None, folder: str | None) -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    if file:
        _load(context, "SSL_CERT_FILE", file)
    if folder:
        _load(context, "SSL_CERT_DIR", folder)
    context.load_default_certs()  # skips what it cannot read
    return context


def _load(context: ssl.SSLContext, variable: str, path: str) -> None:
    """Trust the authorities at ``path`` as well. Raises ConfigError with the reason."""
    import ssl

    try:
        if variable == "SSL_CERT_FILE":
            context.load_verify_locations(cafile=path)
            return
        if Path(path).is_dir():
            context.load_verify_locations(capath=path)
            return
        reason = "it is not a folder"
    except ssl.SSLError:
        reason = "it holds no readable certificate"
    except OSError as error:
        reason = str(error.strerror)
    raise ConfigError(
        f"{variable} names {path}, which cannot be used for certificate authorities: {reason}. "
        f"Correct that environment variable, or remove it."
    )
