"""A reader's own addresses: signed, lasting, and without the reader's address in them."""

from __future__ import annotations

import binascii
import contextlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable
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


def leaving_by_mail(mailbox: str) -> str:
    """Where readers leave a newsletter that has no public pages."""
    return f"mailto:{mailbox}?subject=unsubscribe"


def reader_keys(key: bytes) -> Callable[[int, int], tuple[str, str]]:
    """What gives a reader's keys for a list, to unsubscribe and for preferences.

    Each says who (a subscriber's number) and which list, signed, in letters, digits, ``-`` and
    ``_``. The two are halves of one signature: neither tells the other, so a key for one purpose
    opens nothing else.
    """
    keyed = hmac.new(key, b"reader:", "sha256")  # copying it is cheaper than a new one

    def keys(reader: int, list_: int) -> tuple[str, str]:
        claim = f"{KEY_ID}-{reader}-{list_}"
        signature = keyed.copy()
        signature.update(claim.encode())
        digest = signature.digest()
        signed = binascii.b2a_base64(digest[:15] + digest[16:31], newline=False)
        text = signed.translate(_URL).decode()
        return f"{claim}-{text[:20]}", f"{claim}-{text[20:]}"

    return keys


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
