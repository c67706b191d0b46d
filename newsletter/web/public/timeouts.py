"""A connection that ends with whoever is too slow: half a request, or an answer that nobody takes.

uvicorn waits for ever for the rest of a request's head or body. A server has only so many
connections, and one machine could hold all of them.
"""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST = 20.0  # seconds from a request's first byte, or a connection's beginning, to its last byte
ANSWER = 60.0  # seconds from there until it is answered, and for the answer to be taken
MOST = 1_500  # connections: further ones are ended without a word, or nothing is left for files


class _Phase(Enum):
    """What a connection waits for."""

    NEW = 0
    REQUEST = 1
    ANSWER = 2
    NEXT = 3  # uvicorn lets go of it sooner, if the last answer was taken


class Hasty(H11Protocol):
    """uvicorn's, with an end."""

    request_seconds, answer_seconds, most = REQUEST, ANSWER, MOST
    _phase = _Phase.NEW
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come, and may speak."""
        super().connection_made(transport)
        self._enter(_Phase.REQUEST)
        if len(self.connections) > self.most:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """A part of a request, or of several."""
        super().data_received(data)
        self._enter(self._asked() or _Phase.REQUEST)

    def on_response_complete(self) -> None:
        """The answer is written; a request may wait behind it."""
        super().on_response_complete()
        self._phase = _Phase.NEW  # the next request has times of its own
        self._enter(self._asked() or _Phase.NEXT)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _should_upgrade(self) -> bool:
        """Nothing here speaks another protocol, and nobody is to fill the log by asking for one."""
        return False

    def _asked(self) -> _Phase | None:
        """What it waits for where the head of a request has come, and was not answered."""
        if self.cycle is None or self.cycle.response_complete:
            return None
        return _Phase.REQUEST if self.conn.their_state is h11.SEND_BODY else _Phase.ANSWER

    def _enter(self, phase: _Phase) -> None:
        """A time of its own for each phase, however many bytes come one by one."""
        if phase is self._phase:
            return
        self._phase = phase
        if self._timer is not None:
            self._timer.cancel()
        slow = phase is _Phase.REQUEST
        seconds = self.request_seconds if slow else self.answer_seconds
        self._timer = self.loop.call_later(seconds, self.transport.abort)


def hasty(request_seconds: float, answer_seconds: float, most: int = MOST) -> Any:
    """The protocol with other limits."""
    limits = {"request_seconds": request_seconds, "answer_seconds": answer_seconds, "most": most}
    return type("Hasty", (Hasty,), limits)
