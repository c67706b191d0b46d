"""Timeouts for slow clients: half a request, or a response that nobody reads.

uvicorn waits forever for the rest of a request. Connections are limited, so without timeouts one
machine could hold all of them.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST = 20.0  # seconds from a connection's start or a request's first byte to its last byte
RESPONSE = 60.0  # seconds from there until the response is ready, and for the client to read it
MAX_CONNECTIONS = 1_500  # further ones are closed without a word, to keep file handles free


class _Phase(Enum):
    """What a connection waits for."""

    NEW = 0
    REQUEST = 1
    RESPONSE = 2
    NEXT = 3  # uvicorn closes it sooner if the last response was read


class TimeoutProtocol(H11Protocol):
    """uvicorn's HTTP protocol with timeouts."""

    request_seconds, response_seconds, max_connections = REQUEST, RESPONSE, MAX_CONNECTIONS
    _phase = _Phase.NEW
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected."""
        super().connection_made(transport)
        self._enter(_Phase.REQUEST)
        if len(self.connections) > self.max_connections:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Part of a request has arrived, or several requests."""
        super().data_received(data)
        self._enter(self._pending() or _Phase.REQUEST)

    def on_response_complete(self) -> None:
        """The response is written; another request may already wait."""
        super().on_response_complete()
        self._phase = _Phase.NEW  # the next request has its own timeouts
        self._enter(self._pending() or _Phase.NEXT)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _should_upgrade(self) -> bool:
        """Never: no other protocol is spoken here, and asking for one must not fill the log."""
        return False

    def _pending(self) -> _Phase | None:
        """The phase of a request whose head has arrived and that is not answered yet."""
        if self.cycle is None or self.cycle.response_complete:
            return None
        return _Phase.REQUEST if self.conn.their_state is h11.SEND_BODY else _Phase.RESPONSE

    def _enter(self, phase: _Phase) -> None:
        """Start the phase's timeout; bytes that trickle in do not extend it."""
        if phase is self._phase:
            return
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
        waits_for_request = phase is _Phase.REQUEST
        seconds = self.request_seconds if waits_for_request else self.response_seconds
        self._timer = self.loop.call_later(seconds, self.transport.abort)


def with_limits(
    request_seconds: float, response_seconds: float, max_connections: int = MAX_CONNECTIONS
) -> Any:
    """The protocol class with other limits."""
    limits = {
        "request_seconds": request_seconds,
        "response_seconds": response_seconds,
        "max_connections": max_connections,
    }
    return type("TimeoutProtocol", (TimeoutProtocol,), limits)
