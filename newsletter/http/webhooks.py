"""Requests to the newsroom's own webhooks, whose addresses are secrets.

Neither logs nor messages contain the address. It may lie in a private network.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from newsletter import __version__
from newsletter.errors import ConfigError, FetchError
from newsletter.http import urls
from newsletter.http.addresses import resolve
from newsletter.http.certificates import ssl_context
from newsletter.http.limits import Deadline, time_limit

if TYPE_CHECKING:
    import httpx

TIMEOUT = 10.0  # seconds


def post_json(url: str, document: object, name: str, timeout: float = TIMEOUT) -> None:
    """Post ``document`` as JSON. ``timeout`` is in seconds; redirects are not followed.

    Raises FetchError, which calls the address ``name``, unless the status is 2xx.
    """
    _request("POST", url, json.dumps(document, ensure_ascii=False).encode(), name, timeout)


def ping(url: str, name: str, timeout: float = TIMEOUT) -> None:
    """Request ``url`` and ignore the body of the response. Raises FetchError like ``post_json``."""
    _request("GET", url, None, name, timeout)


def _request(method: str, url: str, body: bytes | None, name: str, timeout: float) -> None:
    import httpx

    try:
        parsed = httpx.URL(url.strip())
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError):
        raise FetchError(f"{name} is not a web address.") from None
    if parsed.scheme not in ("http", "https") or not host:
        raise FetchError(f"{name} is not an http or https address.")
    with time_limit(timeout) as deadline:
        try:
            status = _status(method, parsed, body, deadline)
        except (httpx.HTTPError, OSError) as error:
            if deadline.expired():
                raise FetchError(f"{name} did not answer within {timeout:g} seconds.") from None
            reason = str(error).partition(" (_ssl.c")[0] or type(error).__name__
            raise FetchError(f"{name} cannot be reached: {reason}.") from None
        except ConfigError as error:  # from SSL_CERT_FILE
            raise FetchError(f"{name} cannot be reached: {error}") from None
        except FetchError:  # from the resolver; its message contains the host
            raise FetchError(f"{name} cannot be reached: its host name cannot be found.") from None
    if 300 <= status < 400:
        raise FetchError(f"{name} answered {status}, a redirect; redirects are not followed.")
    if not 200 <= status < 300:
        raise FetchError(f"{name} answered {status}.")


def _status(method: str, url: httpx.URL, body: bytes | None, deadline: Deadline) -> int:
    """The status of the response.

    Uses the transport of httpx, because its client logs the address.
    """
    import httpx

    host = url.raw_host.decode("ascii")
    headers = {
        "host": url.netloc.decode("ascii"),
        "user-agent": f"NewsletterDesk/{__version__}",
        "connection": "close",
    }
    if body is not None:
        headers["content-type"] = "application/json"
    addresses = resolve(host, urls.port(url), host, deadline)
    with httpx.HTTPTransport(verify=ssl_context()) as transport:
        for address in addresses:
            request = httpx.Request(
                method,
                url.copy_with(host=address, userinfo=b"", fragment=None),
                headers=headers,
                content=body,
                extensions={
                    "timeout": httpx.Timeout(deadline.remaining()).as_dict(),
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
    raise AssertionError("resolve returns at least one address")
