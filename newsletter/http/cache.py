"""Responses on disk with their validators, and the servers that asked for no more requests.

No caching library: the fetcher pins addresses and limits bodies itself, and needs only
conditional requests of HTTP's caching.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from newsletter.http.spooled_file import CHUNK, SpooledFile

MAX_AGE = 60 * 24 * 3600.0  # seconds since an entry was last used
MAX_WAIT = 7 * 24 * 3600.0  # seconds; a server that asks for longer is requested again after this

_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


@dataclass(frozen=True)
class CacheEntry:
    """One stored response."""

    path: Path
    headers: Mapping[str, str]
    digest: str  # SHA-256 of the body
    has_body: bool  # whether the file at ``path`` holds the body

    def conditions(self) -> dict[str, str]:
        """Headers that ask for the response only if it has changed."""
        if not self.has_body:
            return {}
        return {
            condition: self.headers[validator]
            for validator, condition in _VALIDATORS.items()
            if validator in self.headers
        }

    def body(self, max_bytes: int) -> SpooledFile:
        """The stored body. Raises OSError or EOFError when it is damaged."""
        body = SpooledFile()
        with gzip.open(self.path) as file:
            file.readline()
            while chunk := file.read(CHUNK):
                body.write(chunk)
                if body.size > max_bytes:
                    raise OSError("the entry is too big")
        if body.digest != self.digest:
            raise OSError("the entry is damaged")
        return body


class ResponseCache:
    """Responses by address. Without a ``folder`` it stores only the times of Retry-After."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._retry_times: dict[str, float] = {}
        self._pruned = False

    def find(self, url: str) -> CacheEntry | None:
        """The entry of an address; None when there is none or it is damaged."""
        if self._folder is None:
            return None
        path = self._path(url)
        try:
            with gzip.open(path) as file:
                head = json.loads(file.readline())
            entry = CacheEntry(
                path, dict(head["headers"]), str(head["digest"]), bool(head["has_body"])
            )
            os.utime(path)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return entry if head.get("url") == url else None

    def store(self, url: str, headers: Mapping[str, str], body: SpooledFile) -> None:
        """Store a response; its body only if a validator allows a conditional request."""
        if self._folder is None:
            return
        has_body = any(name in headers for name in _VALIDATORS)
        head = {"url": url, "headers": dict(headers), "digest": body.digest, "has_body": has_body}
        with suppress(OSError):  # a full disk must not stop a gather
            self._prune()
            with _replace(self._path(url)) as file:
                file.write(json.dumps(head).encode() + b"\n")
                if has_body:
                    body.copy_to(file)

    def retry_time(self, host: str) -> float:
        """The time before which ``host`` wants no requests (seconds since 1970), or 0."""
        until = self._retry_times.get(host, 0.0)
        if self._folder and not until:
            with suppress(OSError, EOFError, ValueError), gzip.open(self._retry(host)) as file:
                until = float(file.read(64))
        return until

    def store_retry_time(self, host: str, until: float) -> None:
        """Store that ``host`` wants no requests before ``until`` (seconds since 1970)."""
        self._retry_times[host] = until
        if self._folder:
            with suppress(OSError), _replace(self._retry(host)) as file:
                file.write(str(until).encode())

    def _path(self, url: str) -> Path:
        return (self._folder or Path()) / f"{hashlib.sha256(url.encode()).hexdigest()}.gz"

    def _retry(self, host: str) -> Path:
        return self._path(f"wait for {host}")

    def _prune(self) -> None:
        """Delete entries that have not been used for ``MAX_AGE``, once for each cache."""
        if self._pruned or self._folder is None or not self._folder.is_dir():
            return
        self._pruned = True
        for path in self._folder.glob("*.gz*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > MAX_AGE:
                    path.unlink()


@contextmanager
def _replace(path: Path) -> Iterator[IO[bytes]]:
    """A gzip file that replaces ``path`` once it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    temporary = Path(name)
    try:
        with (
            os.fdopen(handle, "wb") as file,
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as compressed,
        ):
            yield cast("IO[bytes]", compressed)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
