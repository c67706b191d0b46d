"""Listen on a port, or say why that fails and what to do."""

from __future__ import annotations

import errno
import socket

from newsletter.errors import UsageError

# Not an address of this machine, or a name that does not resolve.
_NO_ADDRESS = (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL)


def listen(host: str, port: int, *, option: str, backlog: int | None = None) -> socket.socket:
    """A listening socket; port 0 takes any free port.

    Raises UsageError, which names the command-line ``option`` that chooses the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise UsageError(f"Cannot listen on {host}:{port}: {_reason(error, option)}") from error
    # Connections inherit it; asyncio sets it only on sockets that it creates.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _reason(error: OSError, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"the port is in use. Stop the other program, or choose another port with {option}."
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"permission denied. Ports below 1024 usually need root; choose a higher one with "
            f"{option}."
        )
    if error.errno in _NO_ADDRESS:
        return "this machine has no such address. Choose another --host."
    description = (error.strerror or str(error)).partition(" (")[0]
    return f"{description}. Choose another port with {option}."
