"""Bytes that stay in memory while they are few and wait in a temporary file when they are many."""

from __future__ import annotations

import hashlib
import io
import tempfile
import weakref
from typing import IO

IN_MEMORY = 1024 * 1024  # bytes
PIECE = 64 * 1024


class Spool:
    """Written once, read any number of times; the file goes when nobody needs it any more."""

    def __init__(self) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add the next piece."""
        if self.size <= IN_MEMORY < self.size + len(data):
            before = self.read()
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the spool
            weakref.finalize(self, self._file.close)
            self._file.write(before)
        self.size += len(data)
        self._hash.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        """SHA-256 of everything so far, in hexadecimal."""
        return self._hash.hexdigest()

    def read(self) -> bytes:
        """Everything."""
        self._file.seek(0)
        return self._file.read()

    def pour(self, into: IO[bytes]) -> None:
        """Write everything into another file, piece by piece."""
        self._file.seek(0)
        while piece := self._file.read(PIECE):
            into.write(piece)
