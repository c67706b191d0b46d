"""Where a request comes from: the network of whoever asked, and whether a page of ours sent it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import Request

from newsletter.text.urls import split

_NOWHERE = "nowhere"
_OURS = {"same-origin", "same-site", "none"}  # what browsers say of a form of our own site


def network(request: Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The /24 or /64 of the client.

    X-Forwarded-For is read from the right, as far as those who wrote it are trusted: everything
    further left may be made up.
    """
    peer = request.client.host if request.client else ""
    found = _address(peer)
    said = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while found and said and any(found in each for each in trusted):
        before = _address(said.pop())
        if before is None:
            break
        found = before
    if found is None:
        return _NOWHERE
    wide = 24 if found.version == 4 else 64
    whole = IPv4Network if found.version == 4 else IPv6Network
    return str(whole((int(found), wide), strict=False))


def is_foreign(request: Request, base_url: str) -> bool:
    """Whether a browser says that the form was sent from another site; programs say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OURS
    origin = request.headers.get("origin", "null")  # "null": from a page that tells no origin
    if origin == "null":
        return False
    ours = {split(base_url).netloc.lower(), request.headers.get("host", "").lower()} - {""}
    return split(origin).netloc.lower() not in ours


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in words such as ``1.2.3.4``, ``1.2.3.4:567``, ``[::1]:567``; or None."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
