"""How long a response may take, and how big it may be."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from newsletter.errors import FetchError
from newsletter.http.spooled_file import CHUNK, SpooledFile

MAX_BYTES = 20 * 1024 * 1024  # after decompression

_GZIP = b"\x1f\x8b\x08"


def gunzip(data: bytes, name: str, max_bytes: int = MAX_BYTES) -> bytes:
    """``data``, decompressed if it is gzip. ``name`` appears in messages.

    Raises FetchError when it is broken, or larger than ``max_bytes`` once decompressed.
    """
    if not data.startswith(_GZIP):
        return data
    body = Body(name, max_bytes, compressed=True)
    body.add(data)
    return body.finish().read()


class Body:
    """A body that is decompressed as it arrives, up to a limit."""

    def __init__(self, name: str, max_bytes: int, *, compressed: bool) -> None:
        self._name = name
        self._max_bytes = max_bytes
        self._content = SpooledFile()
        self._decompressor = zlib.decompressobj(wbits=31) if compressed else None

    def expect(self, length: str) -> None:
        """Check a Content-Length. Raises FetchError when it exceeds the limit."""
        if length.isdecimal() and int(length) > self._max_bytes:
            raise self._too_big(_mebibytes(int(length)))

    def add(self, data: bytes) -> None:
        """Add the next chunk. Raises FetchError when it is too much or broken."""
        if self._decompressor is None:
            self._append(data)
        else:
            self._decompress(data)

    def finish(self) -> SpooledFile:
        """The content. Raises FetchError when the end is missing."""
        if self._decompressor is not None and self._content.size and not self._decompressor.eof:
            raise FetchError(f"{self._name} is incomplete: it breaks off; try again later.")
        return self._content

    def _too_big(self, size: str) -> FetchError:
        return FetchError(
            f"{self._name} is too big: the limit is {_mebibytes(self._max_bytes)}, it has {size}; "
            f"ask the publisher for a shorter one."
        )

    def _append(self, data: bytes) -> None:
        if self._content.size + len(data) > self._max_bytes:
            raise self._too_big("more")
        self._content.write(data)

    def _decompress(self, data: bytes) -> None:
        while self._decompressor is not None:
            if self._decompressor.eof:
                if not data.startswith(_GZIP[:2]):
                    return  # the end, or padding after the last gzip member
                self._decompressor = zlib.decompressobj(wbits=31)
            try:
                chunk = self._decompressor.decompress(data, CHUNK)
            except zlib.error as error:
                raise FetchError(
                    f"{self._name} is broken gzip: {error}; try again later."
                ) from None
            self._append(chunk)
            data = self._decompressor.unconsumed_tail or self._decompressor.unused_data
            if not data and len(chunk) < CHUNK:
                return


class Deadline:
    """The end of one request's time, at which its connection is cut.

    Timeouts of single reads are not enough: a server may send one byte at a time, for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._stream: Any = None

    def expired(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    def remaining(self) -> float:
        """Seconds left; 0 when the time is up."""
        return max(0.0, self._end - time.monotonic())

    def left(self, name: str) -> float:
        """Seconds left. Raises FetchError about ``name`` when the time is up."""
        if self.expired():
            raise FetchError(self.message(name))
        return self.remaining()

    def message(self, name: str) -> str:
        """The message about ``name`` when the time is up."""
        return (
            f"{name} took longer than {self._seconds:g} seconds; "
            f"see whether it opens in a browser, or try again later."
        )

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Remember the connection as soon as httpcore has opened it."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
            if self.expired():
                self.cut()

    def cut(self) -> None:
        """Shut the connection down, which wakes the thread that reads from it."""
        connection = self._stream and self._stream.get_extra_info("socket")
        if connection:
            # Not the TLS socket's own method: it changes state that the reading thread uses.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


@contextmanager
def time_limit(seconds: float) -> Iterator[Deadline]:
    """A deadline that a timer enforces while the block runs."""
    deadline = Deadline(seconds)
    timer = threading.Timer(seconds, deadline.cut)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.3g} MiB"
