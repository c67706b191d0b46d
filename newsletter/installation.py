"""Which installation this is, and what it has begun to send: the evidence beside the database.

A database can be restored from a backup or copied to another machine, and then knows less than
what was sent. ``installation.json`` in the newsletter's folder is bound to the machine and the
place; NEWSLETTER_INSTALLATION in the environment names it where machines come and go.
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
MOST = 1_000_000  # bytes that are read of it
_MACHINE = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@dataclass(frozen=True)
class Installation:
    """``id``: this program on this machine in this folder. ``requests``: begun, by issue."""

    id: str
    requests: dict[IssueName, int] = field(default_factory=dict)


def here(folder: Path) -> Installation:
    """This installation; a new one where the folder was copied here from elsewhere."""
    with _Evidence(folder) as evidence:
        return evidence.installation


def witness(folder: Path, issue: IssueName, requests: int) -> None:
    """Keep that so many requests of an issue were begun. Raises NewsletterError."""
    with _Evidence(folder) as evidence:
        recorded = evidence.installation.requests
        if requests > recorded.get(issue, 0):
            evidence.write({**recorded, issue: requests})


def believe(folder: Path, issue: IssueName, requests: int) -> None:
    """The database is right about an issue, whatever the evidence says. Raises NewsletterError."""
    with _Evidence(folder) as evidence:
        evidence.write({**evidence.installation.requests, issue: requests})


class _Evidence:
    """The file, locked: threads and processes take turns."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._place = _place(folder)

    def __enter__(self) -> _Evidence:
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        try:
            self.installation = self._read(os.pread(self._file, MOST, 0))
        except OSError as error:
            os.close(self._file)
            raise self._unusable(error.strerror or str(error)) from error
        except NewsletterError:
            os.close(self._file)  # else nobody else gets at it while this process lives
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def write(self, requests: dict[IssueName, int]) -> None:
        """Put the evidence down, whole at every moment: the document first, its end then."""
        by_name = {str(issue): number for issue, number in requests.items()}
        document = {
            "installation": self.installation.id, "place": self._place, "requests": by_name
        }  # fmt: skip
        content = json.dumps(document).encode() + b"\n"
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file, 0, len(content))  # a full disk says so before
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
            # What is longer than the document is left from an earlier one.
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
            f"{self._path}, which keeps what was begun to be sent, cannot be used: {why}. Mend "
            f"its permissions or the disk; if it is damaged, delete it once you know from "
            f"`newsletter receipt` that nothing of it is missing."
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
