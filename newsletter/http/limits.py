"""How long an answer may take, and how big it may be."""

from __future__ import annotations

import socket
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from newsletter.errors import FetchError
from newsletter.http.spool import PIECE, Spool

MOST = 20 * 1024 * 1024

_GZIP = b"\x1f\x8b\x08"


def unzipped(data: bytes, name: str, most: int = MOST) -> bytes:
    """The bytes of a file called ``name``, unpacked where they are gzip.

    Raises FetchError when they are broken, or more than ``most`` bytes after unpacking.
    """
    if not data.startswith(_GZIP):
        return data
    body = Body(name, most, packed=True)
    body.add(data)
    return body.whole().read()


class Body:
    """Bytes that come in piece by piece, unpacked on the way, up to a limit."""

    def __init__(self, name: str, most: int, *, packed: bool) -> None:
        self._name = name
        self._most = most
        self._got = Spool()
        self._unpacker = zlib.decompressobj(wbits=31) if packed else None

    def add(self, data: bytes) -> None:
        """Take the next piece; raises FetchError as soon as it is too much, or broken."""
        if self._unpacker is None:
            self._keep(data)
        else:
            self._unpack(data)

    def whole(self) -> Spool:
        """Everything; raises FetchError when the end is missing."""
        if self._unpacker is not None and self._got.size and not self._unpacker.eof:
            raise FetchError(f"{self._name} breaks off in the middle; try again later.")
        return self._got

    def too_big(self, size: str) -> FetchError:
        """The error that names the limit and the size."""
        return FetchError(
            f"{self._name} is too big: at most {_mebibytes(self._most)} are read, it has {size}; "
            f"ask the publisher for a shorter one."
        )

    def announced(self, length: str) -> None:
        """Look at a Content-Length before anything is read."""
        if length.isdecimal() and int(length) > self._most:
            raise self.too_big(_mebibytes(int(length)))

    def _keep(self, data: bytes) -> None:
        if self._got.size + len(data) > self._most:
            raise self.too_big("more")
        self._got.write(data)

    def _unpack(self, data: bytes) -> None:
        while self._unpacker is not None:
            if self._unpacker.eof:
                if not data.startswith(_GZIP[:2]):
                    return  # nothing more, or padding behind the last part
                self._unpacker = zlib.decompressobj(wbits=31)
            try:
                piece = self._unpacker.decompress(data, PIECE)
            except zlib.error as error:
                raise FetchError(
                    f"{self._name} is broken gzip: {error}; try again later."
                ) from None
            self._keep(piece)
            data = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            if not data and len(piece) < PIECE:
                return


class Deadline:
    """The end of one request's time. At it the connection is cut, whatever it is busy with.

    Time-outs of single reads are not enough: a server may send one byte now and then for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._stream: Any = None

    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._end

    def remaining(self) -> float:
        """Seconds left, none where the time is up."""
        return max(0.0, self._end - time.monotonic())

    def left(self, name: str) -> float:
        """Seconds left; raises FetchError about ``name`` when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise FetchError(self.words(name))
        return left

    def words(self, name: str) -> str:
        """What to say about ``name`` when the time is up."""
        return (
            f"{name} took longer than {self._seconds:g} seconds; "
            f"see whether it opens in a browser, or try again later."
        )

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Learn the connection from httpcore as soon as there is one."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]
            if self.over():
                self.cut()

    def cut(self) -> None:
        """End the connection from outside, so that the thread that waits for it goes on."""
        connection = self._stream and self._stream.get_extra_info("socket")
        if connection:
            # Not the TLS socket's own method: that one changes state under the reading thread.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)


@contextmanager
def time_limit(seconds: float) -> Iterator[Deadline]:
    """A deadline that is watched by a timer while the block runs."""
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
