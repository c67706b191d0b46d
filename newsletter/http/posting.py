"""Reach an address that is a secret: no log and no message names it.

The address is the newsroom's own, so it may lie within its network.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from newsletter import __version__
from newsletter.errors import ConfigError, FetchError
from newsletter.http import urls
from newsletter.http.addresses import resolved
from newsletter.http.limits import Deadline, time_limit
from newsletter.http.trust import trusted

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0


def post_json(url: str, document: object, name: str, seconds: float = SECONDS) -> None:
    """Post it, and want an answer of status 2xx; redirects are not followed.

    Raises FetchError, which calls the address ``name``.
    """
    _reach("POST", url, json.dumps(document, ensure_ascii=False).encode(), name, seconds)


def knock(url: str, name: str, seconds: float = SECONDS) -> None:
    """Ask for it, to show that we are alive; what it says is not read. Raises as ``post_json``."""
    _reach("GET", url, None, name, seconds)


def _reach(method: str, url: str, body: bytes | None, name: str, seconds: float) -> None:
    import httpx

    try:
        here = httpx.URL(url.strip())
        host = here.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        raise FetchError(f"{name} is no web address.") from None
    if here.scheme not in ("http", "https") or not host:
        raise FetchError(f"{name} is no http or https address.")
    with time_limit(seconds) as deadline:
        try:
            status = _answered(method, here, body, deadline)
        except (httpx.HTTPError, OSError) as error:
            if deadline.over():
                raise FetchError(f"{name} did not answer within {seconds:g} seconds.") from None
            why = str(error).partition(" (_ssl.c")[0] or type(error).__name__
            raise FetchError(f"{name} cannot be reached: {why}.") from None
        except ConfigError as error:  # of SSL_CERT_FILE
            raise FetchError(f"{name} cannot be reached: {error}") from None
        except FetchError:  # of the look-up, which names the host
            raise FetchError(f"{name} cannot be reached: its host is not known.") from None
    if 300 <= status < 400:
        raise FetchError(f"{name} answered {status}, a redirect, which is not followed.")
    if not 200 <= status < 300:
        raise FetchError(f"{name} answered {status}.")


def _answered(method: str, url: httpx.URL, body: bytes | None, deadline: Deadline) -> int:
    """The status of the answer. The client of httpx would log the address: its transport not."""
    import httpx

    host = url.raw_host.decode("ascii")
    headers = {
        "host": url.netloc.decode("ascii"),
        "user-agent": f"NewsletterDesk/{__version__}",
        "connection": "close",
    }
    if body is not None:
        headers["content-type"] = "application/json"
    addresses = resolved(host, urls.port(url), host, deadline)
    with httpx.HTTPTransport(verify=trusted()) as transport:
        for address in addresses:
            left = deadline.remaining()
            request = httpx.Request(
                method,
                url.copy_with(host=address, userinfo=b"", fragment=None),
                headers=headers,
                content=body,
                extensions={
                    "timeout": httpx.Timeout(left).as_dict(),
                    "sni_hostname": host,
                    "trace": deadline.trace,
                },
            )
            try:
                response = transport.handle_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
            else:
                response.close()
                return response.status_code
    raise AssertionError("a host that is found has an address")
