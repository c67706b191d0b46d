"""A port to listen on; where it cannot be had, it is said why, and what to do."""

from __future__ import annotations

import errno
import socket

from newsletter.errors import UsageError

# No address of this machine, or a name that nobody knows.
_NOWHERE = (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL)


def listen(host: str, port: int, *, option: str, backlog: int | None = None) -> socket.socket:
    """A socket that listens there; of port 0, on any that is free.

    Raises UsageError that names ``option``, which chooses the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise UsageError(
            f"Nobody can be answered on port {port} of {host}: {_why(error, option)}"
        ) from error
    # Inherited by its connections; asyncio sets it only for sockets that it has made itself.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _why(error: OSError, option: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program listens there. Stop that, or choose another port with {option}."
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"this system does not let you listen there; ports below 1024 are mostly root's. "
            f"Choose a higher port with {option}."
        )
    if error.errno in _NOWHERE:
        return "this machine has no such address. Choose another --host."
    said = (error.strerror or str(error)).partition(" (")[0]
    return f"{said}. Choose another port with {option}."
