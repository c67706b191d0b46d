"""Where a request comes from: the client's network, and whether another site sent the form."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

from newsletter.text.urls import split

_UNKNOWN = "nowhere"
_SAME_SITE = {"same-origin", "same-site", "none"}  # values of Sec-Fetch-Site


def client_network(request: Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The /24 or /64 of the client.

    X-Forwarded-For is read from the right, as long as a trusted proxy wrote it; anything further
    left could be made up.
    """
    client = _parse_address(request.client.host if request.client else "")
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while client and hops and any(client in network for network in trusted):
        previous = _parse_address(hops.pop())
        if previous is None:
            break
        client = previous
    if client is None:
        return _UNKNOWN
    if client.version == 4:
        return str(IPv4Network((int(client), 24), strict=False))
    return str(IPv6Network((int(client), 64), strict=False))


def is_cross_site(request: Request, base_url: str) -> bool:
    """Whether a browser says that another site sent the form; programs say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in _SAME_SITE
    origin = request.headers.get("origin", "null")  # "null": the page does not tell its origin
    if origin == "null":
        return False
    own_hosts = {split(base_url).netloc.lower(), request.headers.get("host", "").lower()} - {""}
    return split(origin).netloc.lower() not in own_hosts


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in ``1.2.3.4``, ``1.2.3.4:567`` or ``[::1]:567``; None if there is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
