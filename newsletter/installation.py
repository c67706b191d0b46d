"""Which copy of the program this is, and how many requests it has started: beside the database.

A database that was restored from a backup or copied to another machine may not know everything
that was sent. ``installation.json`` in the newsletter's folder belongs to one machine and folder.
The environment variable NEWSLETTER_INSTALLATION names the installation on changing machines.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from newsletter.errors import NewsletterError
from newsletter.model import IssueName

FILE = "installation.json"
MAX_BYTES = 1_000_000
_MACHINE = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@dataclass(frozen=True)
class Installation:
    """``id``: of the program on this machine in this folder. ``requests``: started, by issue."""

    id: str
    requests: dict[IssueName, int] = field(default_factory=dict)


def load(folder: Path) -> Installation:
    """This installation, or a new one if the folder was copied from elsewhere.

    Raises NewsletterError if the file cannot be used.
    """
    with _LockedFile(folder) as file:
        return file.installation


def record(folder: Path, issue: IssueName, requests: int) -> None:
    """Record how many requests an issue has started; never fewer. Raises NewsletterError."""
    with _LockedFile(folder) as file:
        recorded = file.installation.requests
        if requests > recorded.get(issue, 0):
            file.write({**recorded, issue: requests})


def overwrite(folder: Path, issue: IssueName, requests: int) -> None:
    """Replace the number of requests for an issue, even by a lower one. Raises NewsletterError."""
    with _LockedFile(folder) as file:
        file.write({**file.installation.requests, issue: requests})


class _LockedFile:
    """``installation.json``, locked against other threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._place = _place(folder)

    def __enter__(self) -> _LockedFile:
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        try:
            self.installation = self._read(os.pread(self._file, MAX_BYTES, 0))
        except OSError as error:
            os.close(self._file)
            raise self._unusable(error.strerror or str(error)) from error
        except NewsletterError:
            os.close(self._file)  # otherwise it stays locked while this process lives
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, requests: dict[IssueName, int]) -> None:
        """Write the file so that it is readable at every moment: the document, then its end."""
        by_name = {str(issue): number for issue, number in requests.items()}
        document = {
            "installation": self.installation.id, "place": self._place, "requests": by_name
        }  # fmt: skip
        content = json.dumps(document).encode() + b"\n"
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(
                    self._file, 0, len(content)
                )  # fails on a full disk before anything is written
            os.pwrite(self._file, content, 0)
            os.ftruncate(self._file, len(content))
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        self.installation = Installation(self.installation.id, requests)

    def _read(self, content: bytes) -> Installation:
        named = os.environ.get("NEWSLETTER_INSTALLATION")
        if not content.strip():
            self.installation = Installation(named or secrets.token_hex(8))
            self.write({})
            return self.installation
        try:
            # Anything after the document is left from an earlier, longer one.
            document, _ = json.JSONDecoder().raw_decode(content.decode())
            requests = {IssueName.parse(name): int(n) for name, n in document["requests"].items()}
            id_, place = str(document["installation"]), str(document["place"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unusable("it is damaged") from error
        if named or place == self._place:
            return Installation(named or id_, requests)
        self.installation = Installation(secrets.token_hex(8), requests)
        self.write(requests)
        return self.installation

    def _unusable(self, why: str) -> NewsletterError:
        return NewsletterError(
            f"{self._path}, which records what was sent from here, cannot be used: {why}. Repair "
            f"its permissions or the disk. If it is damaged, compare `newsletter receipt` with "
            f"your provider's records, then delete the file."
        )


def machine() -> str:
    """This machine, as a hash."""
    return hashlib.sha256(_machine().encode()).hexdigest()[:16]


def _place(folder: Path) -> str:
    """This machine and this folder, as a hash."""
    return hashlib.sha256(f"{_machine()}:{folder.resolve()}".encode()).hexdigest()[:16]


@cache
def _machine() -> str:
    return next((p.read_text().strip() for p in _MACHINE if p.is_file()), socket.gethostname())
