"""A reader's own addresses: signed, lasting, and without the reader's address in them."""

from __future__ import annotations

import binascii
import contextlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from newsletter.config import secret
from newsletter.errors import ConfigError

_URL = bytes.maketrans(b"+/", b"-_")  # of base64, what an URL would change
KEY_ID = "1"  # which secret signed: a second one may come beside it one day


def signing_key(folder: Path) -> bytes:
    """NEWSLETTER_SECRET, or the key in ``folder/secret.key``, made (mode 600) at first use."""
    if given := secret("NEWSLETTER_SECRET"):
        return given.encode()
    path = folder / "secret.key"
    try:
        if not path.exists():
            _make(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}, the key that signs readers' links, cannot be used: {error}. "
            f"Mend its permissions, or set NEWSLETTER_SECRET."
        ) from error
    if not key:
        raise ConfigError(f"{path} is empty. Restore it from a backup, or delete it for a new one.")
    return key.encode()


def unsubscribe_url(base_url: str | None, mailbox: str, key: bytes, reader: int, list_: int) -> str:
    """The page where this reader leaves this list; a mail to ``mailbox`` without public pages."""
    if base_url is None:
        return f"mailto:{mailbox}?subject=unsubscribe"
    return f"{base_url}/unsubscribe/{reader_key(key, reader, list_)}"


def preferences_url(base_url: str, key: bytes, reader: int, list_: int) -> str:
    """The page where this reader changes what they get."""
    return f"{base_url}/preferences/{reader_key(key, reader, list_, 'preferences')}"


def reader_key(key: bytes, reader: int, list_: int, purpose: str = "unsubscribe") -> str:
    """Who (a subscriber's number) and which list, signed: letters, digits, ``-`` and ``_``.

    A key for one purpose opens nothing else.
    """
    claim = f"{KEY_ID}-{reader}-{list_}"
    digest = hmac.digest(key, f"{purpose}:{claim}".encode(), "sha256")
    return f"{claim}-{binascii.b2a_base64(digest[:18], newline=False).translate(_URL).decode()}"


def _make(path: Path) -> None:
    """A new key, whole from the first moment; where two are made at once, one wins."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
