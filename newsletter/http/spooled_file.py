"""Bytes that stay in memory while they are few and move to a temporary file when they grow."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from typing import IO

IN_MEMORY = 1024 * 1024  # bytes
CHUNK = 64 * 1024  # bytes


class SpooledFile:
    """Written once, read any number of times; its file is deleted with it."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed below
        weakref.finalize(self, self._file.close)
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        self.size += len(data)
        self._hash.update(data)
        self._file.write(data)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes so far, in hexadecimal."""
        return self._hash.hexdigest()

    def read(self) -> bytes:
        """All bytes."""
        self._file.seek(0)
        return self._file.read()

    def copy_to(self, file: IO[bytes]) -> None:
        """Write all bytes to ``file``."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, file, CHUNK)
