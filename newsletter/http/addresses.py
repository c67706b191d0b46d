"""Resolve host names, and tell public addresses from private ones."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading

from newsletter.errors import FetchError
from newsletter.http.limits import Deadline

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def resolve(host: str, port: int, url: str, deadline: Deadline) -> list[str]:
    """The IP addresses of ``host``, in the resolver's order of preference.

    ``url`` appears in messages. Raises FetchError when the host has no address or the resolver
    does not answer in time.
    """
    if _is_address(host):
        return [host]
    results: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
        except (OSError, ValueError) as error:
            results.put(error)

    # In a thread, because the resolver has no time limit.
    threading.Thread(target=look_up, daemon=True, name="resolver").start()
    try:
        addresses = results.get(timeout=deadline.left(url))
    except queue.Empty:
        raise FetchError(deadline.message(f"Looking up {host} for {url}")) from None
    if isinstance(addresses, Exception) or not addresses:
        raise FetchError(
            f"The host name {host} of {url} cannot be found; check its spelling and the network."
        )
    return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; an IPv4 address within IPv6 counts."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    embedded = ip.ipv4_mapped or ip.sixtofour
    if embedded is None and ip in _NAT64:
        embedded = ipaddress.IPv4Address(ip.packed[-4:])
    if embedded is not None:
        return is_public(str(embedded))
    return ip in _GLOBAL_UNICAST and ip.is_global


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
