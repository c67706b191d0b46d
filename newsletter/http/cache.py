"""What the door has seen before, on disk: answers with their validators, and requests to wait.

Our own few lines and not a caching library: the door pins addresses and limits bodies itself, and
of HTTP's caching a gather needs the conditional request alone.
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

from newsletter.http.spool import PIECE, Spool

KEPT_FOR = 60 * 24 * 3600.0  # seconds since an entry was last of use
LONGEST_WAIT = 7 * 24 * 3600.0  # seconds; who asks for more is asked again after these

_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


@dataclass(frozen=True)
class Entry:
    """One remembered answer. ``digest``: SHA-256 of its body, which ``path`` may hold."""

    path: Path
    headers: Mapping[str, str]
    digest: str
    has_body: bool

    def conditions(self) -> dict[str, str]:
        """The request headers that ask for the answer only where it has changed."""
        if not self.has_body:
            return {}
        return {
            ask: self.headers[name] for name, ask in _VALIDATORS.items() if name in self.headers
        }

    def body(self, most: int) -> Spool:
        """The stored body; raises OSError or EOFError where it is damaged."""
        whole = Spool()
        with gzip.open(self.path) as packed:
            packed.readline()
            while piece := packed.read(PIECE):
                whole.write(piece)
                if whole.size > most:
                    raise OSError("the entry is too big")
        if whole.digest != self.digest:
            raise OSError("the entry is damaged")
        return whole


class Cache:
    """Answers by address. Without a ``folder`` only requests to wait are remembered."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._waits: dict[str, float] = {}
        self._swept = False

    def find(self, url: str) -> Entry | None:
        """What is remembered of the address; a damaged entry is as if there were none."""
        if self._folder is None:
            return None
        path = self._path(url)
        try:
            with gzip.open(path) as packed:
                said = json.loads(packed.readline())
            entry = Entry(path, dict(said["headers"]), str(said["digest"]), bool(said["has_body"]))
            os.utime(path)
        except (OSError, EOFError, ValueError, KeyError, TypeError):
            return None
        return entry if said.get("url") == url else None

    def remember(self, url: str, headers: Mapping[str, str], body: Spool) -> None:
        """Keep an answer; its body only where the server can be asked whether it has changed."""
        if self._folder is None:
            return
        has_body = any(name in headers for name in _VALIDATORS)
        said = {
            "url": url,
            "headers": dict(headers),
            "digest": body.digest,
            "has_body": has_body,
        }
        with suppress(OSError):  # a full disk must not stop a gather
            self._sweep()
            with _replacing(self._path(url)) as packed:
                packed.write(json.dumps(said).encode() + b"\n")
                if has_body:
                    body.pour(packed)

    def wait_until(self, origin: str) -> float:
        """Until when (seconds since 1970) an origin asked to be left alone; 0 for never."""
        until = self._waits.get(origin, 0.0)
        if self._folder and not until:
            with suppress(OSError, EOFError, ValueError), gzip.open(self._wait(origin)) as packed:
                until = float(packed.read(64))
        return until

    def wait(self, origin: str, until: float) -> None:
        """Remember that an origin asked to be left alone."""
        self._waits[origin] = until
        if self._folder:
            with suppress(OSError), _replacing(self._wait(origin)) as packed:
                packed.write(str(until).encode())

    def _path(self, url: str) -> Path:
        return (self._folder or Path()) / f"{hashlib.sha256(url.encode()).hexdigest()}.gz"

    def _wait(self, origin: str) -> Path:
        return self._path(f"wait for {origin}")

    def _sweep(self) -> None:
        """Forget what was of no use for long, once in the life of a door."""
        if self._swept or self._folder is None or not self._folder.is_dir():
            return
        self._swept = True
        for path in self._folder.glob("*.gz*"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > KEPT_FOR:
                    path.unlink()


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A gzip file that takes its place only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    temporary = Path(name)
    try:
        with (
            os.fdopen(handle, "wb") as file,
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as packed,
        ):
            yield cast("IO[bytes]", packed)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
