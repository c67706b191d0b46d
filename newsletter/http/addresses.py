"""Which address a host has, and whether it may be visited."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading

from newsletter.errors import FetchError
from newsletter.http.limits import Deadline

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def resolved(host: str, port: int, name: str, deadline: Deadline) -> list[str]:
    """The addresses of ``host``, the best first; ``name`` is the web address for messages.

    Raises FetchError when there are none in time.
    """
    if _is_address(host):
        return [host]
    answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, ValueError) as error:
            answer.put(error)

    # In a thread, because a resolver knows no time limit.
    threading.Thread(target=ask, daemon=True, name="resolver").start()
    try:
        addresses = answer.get(timeout=deadline.left(name))
    except queue.Empty:
        raise FetchError(deadline.words(f"Looking up {host} for {name}")) from None
    if isinstance(addresses, Exception) or not addresses:
        raise FetchError(
            f"The host name {host} of {name} cannot be found; "
            f"look at its spelling and at the network."
        )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address, or the one of IPv4 that is packed into it, is on the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and ip in _NAT64:
        inner = ipaddress.IPv4Address(ip.packed[-4:])
    if inner is not None:
        return is_public(str(inner))
    return ip in _GLOBAL_UNICAST and ip.is_global


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
