"""Read returned mails from a file, an mbox, a folder, or a mailbox on an IMAP server."""

from __future__ import annotations

import base64
import imaplib
import ipaddress
import mailbox
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from newsletter.config import secret
from newsletter.errors import ConfigError, FetchError, UsageError
from newsletter.http.certificates import ssl_context

LARGEST = 2_000_000  # bytes read of a mail; the report comes before the copy of our own mail
TIMEOUT = 30  # seconds to wait for the server
_FORM = "Write the mailbox as imaps://USER@HOST/FOLDER; the USER with %40 for @."

Mark = Callable[[], None]


@dataclass(frozen=True)
class FetchedMail:
    """One mail. ``mark`` marks it as read in its mailbox; for a file it does nothing."""

    name: str
    content: bytes
    mark: Mark


def _nothing() -> None:
    pass


@contextmanager
def open_mails(place: str) -> Iterator[Iterator[FetchedMail]]:
    """The mails at the place, one by one.

    Raises UsageError if there is no such place, FetchError if the mails cannot be read.
    """
    if re.match(r"imaps?://", place, re.IGNORECASE):
        with _imap(place) as mails:
            yield mails
        return
    path = Path(place)
    if path.is_dir():
        yield _in_folder(path)
    elif path.is_file():
        yield _in_file(path)
    else:
        raise UsageError(
            f"There is no {place}. Name a mail, an mbox, a folder of mails, or "
            f"imaps://USER@HOST/FOLDER."
        )


def _in_folder(folder: Path) -> Iterator[FetchedMail]:
    """A Maildir, or any folder of mails, each in a file."""
    maildir = (folder / "cur").is_dir()  # servers keep files of their own beside its mails
    for path in sorted(folder.rglob("*")):
        mail = not maildir or path.parent.name in {"cur", "new"}
        if mail and path.is_file() and not path.name.startswith("."):
            yield from _in_file(path)


def _in_file(path: Path) -> Iterator[FetchedMail]:
    try:
        with path.open("rb") as file:
            start = file.read(5)
            if start != b"From ":
                yield FetchedMail(path.name, start + file.read(LARGEST), _nothing)
                return
        box = mailbox.mbox(path, create=False)
        try:
            for number, key in enumerate(box.iterkeys(), 1):
                yield FetchedMail(
                    f"{path.name}, mail {number}", box.get_bytes(key)[:LARGEST], _nothing
                )
        finally:
            box.close()
    except OSError as error:
        raise FetchError(
            f"{path} cannot be read: {error.strerror}. Check its permissions."
        ) from error


@contextmanager
def _imap(address: str) -> Iterator[Iterator[FetchedMail]]:
    try:
        parts, port = urlsplit(address), urlsplit(address).port
    except ValueError as error:
        raise UsageError(_FORM) from error
    secure = parts.scheme.lower() == "imaps"
    if not parts.hostname or not parts.username:
        raise UsageError(_FORM)
    if parts.password:
        raise UsageError(
            "The address contains a password. Put the password into IMAP_PASSWORD instead."
        )
    password = secret("IMAP_PASSWORD")
    if not password:
        raise ConfigError(
            "IMAP_PASSWORD is not set. Put the mailbox's password into that environment variable, "
            "or name a file with it in IMAP_PASSWORD_FILE."
        )
    user, folder = unquote(parts.username), unquote(parts.path.strip("/")) or "INBOX"
    if not (user + password).isascii():
        raise ConfigError(
            "IMAP allows only ASCII characters in the user and the password. Change them at the "
            "mail provider, and put the new password into IMAP_PASSWORD."
        )
    where = f"{parts.hostname}:{port or (993 if secure else 143)}"
    try:
        server = _connected(parts.hostname, port, secure)
        try:
            server.login(user, password)
            status, response = server.select(_quoted(folder))
            if status != "OK":
                raise FetchError(
                    f"{where} has no folder {folder}: {_message(response)}. Name another one."
                )
            yield _unseen(server)
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                server.logout()
    except (imaplib.IMAP4.error, OSError) as error:
        why = _message([getattr(error, "strerror", None) or (error.args or [error])[0]])
        raise FetchError(
            f"The mailbox at {where} cannot be read: {why}."
            f" Check the address, the user and IMAP_PASSWORD. What was stored so far is safe."
        ) from error


def _connected(host: str, port: int | None, secure: bool) -> imaplib.IMAP4:
    if secure:
        return imaplib.IMAP4_SSL(
            host, port or 993, ssl_context=ssl_context("imap"), timeout=TIMEOUT
        )
    server = imaplib.IMAP4(host, port or 143, timeout=TIMEOUT)
    if not _loopback(host):  # never send a password unencrypted over a network
        server.starttls(ssl_context("imap"))
    return server


def _unseen(server: imaplib.IMAP4) -> Iterator[FetchedMail]:
    """The unseen mails. Fetching one does not mark it as seen."""
    data = _command(server, "SEARCH", "UNSEEN")
    for number in (data[0] or b"").split():
        parts = _command(server, "FETCH", number.decode(), f"(BODY.PEEK[]<0.{LARGEST}>)")
        content = next((part[1] for part in parts if isinstance(part, tuple)), None)
        if content is not None:
            yield FetchedMail(f"mail {number.decode()}", content, _marker(server, number.decode()))


def _marker(server: imaplib.IMAP4, number: str) -> Mark:
    def mark() -> None:
        _command(server, "STORE", number, "+FLAGS", r"(\Seen)")

    return mark


def _command(server: imaplib.IMAP4, *command: str) -> list[Any]:
    status, response = server.uid(*command)
    if status != "OK":
        raise server.error(_message(response))
    return response


def _quoted(folder: str) -> str:
    """The name in IMAP's modified UTF-7 (RFC 3501, section 5.1.3)."""

    def shifted(match: re.Match[str]) -> str:
        letters = base64.b64encode(match[0].encode("utf-16-be"), b"+,").decode()
        return f"&{letters.rstrip('=')}-"

    name = re.sub(r"[^ -~]+", shifted, folder.replace("&", "&-"))
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _message(response: Any) -> str:
    first = response[0] if response else ""
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
    return " ".join(text.split()).rstrip(".")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
