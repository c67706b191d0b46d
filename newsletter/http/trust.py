"""Whom a connection trusts."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import ConfigError

if TYPE_CHECKING:
    import ssl


def trusted(*, by_environment: bool = False) -> ssl.SSLContext:
    """The authorities of certifi, read once in a process: it takes longer than most requests.

    ``by_environment``: those that SSL_CERT_FILE or SSL_CERT_DIR name, where one of them is set.
    Raises ConfigError where it names none.
    """
    return _read(*_named()) if by_environment else _read()


def require_named() -> None:
    """Raises ConfigError where SSL_CERT_FILE or SSL_CERT_DIR names no authorities: the ssl module
    takes no notice of that, and trusts nobody.
    """
    if named := _named():
        _read(*named)


def _named() -> tuple[str, ...]:
    """The variable that names authorities, and what it names; nothing where none does."""
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        if place := os.environ.get(variable):
            return variable, place
    return ()


@cache
def _read(variable: str = "", place: str = "") -> ssl.SSLContext:
    import ssl

    import httpx

    if variable == "SSL_CERT_DIR" and not Path(place).is_dir():  # nobody else would say so
        raise _unusable(variable, place, "it is no folder")
    try:
        return httpx.create_ssl_context(trust_env=bool(variable))
    except ssl.SSLError:
        why = "no certificate can be read in it"
    except OSError as error:
        why = str(error.strerror)
    raise _unusable(variable, place, why)


def _unusable(variable: str, place: str, why: str) -> ConfigError:
    return ConfigError(
        f"{variable} names {place} as what vouches for servers, and it cannot be used: {why}. "
        f"Mend that environment variable, or leave it out."
    )
