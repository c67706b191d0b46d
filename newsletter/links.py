"""Signed addresses: a reader's own, which last, and one that approves an issue, which does not."""

from __future__ import annotations

import binascii
import contextlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from newsletter.config import secret
from newsletter.errors import ConfigError
from newsletter.hashing import keyed

_URL = bytes.maketrans(b"+/", b"-_")  # of base64, what an URL would change
KEY_ID = "1"  # which secret signed: a second one may come beside it one day
# ASCII alone: other letters and digits look alike, and are none of ours.
_APPROVAL = re.compile(
    rf"{KEY_ID}\.(?P<issue>\d{{4}}-\d\d-\d\d(?:-c[1-9]\d{{0,2}})?)\.(?P<hash>[0-9a-f]{{64}})\.(?P<expires>\d{{1,11}})"
    r"\.(?P<nonce>[A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]{43}",
    re.ASCII,
)


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


def reader_keys(key: bytes) -> Callable[[Sequence[int], int], list[tuple[str, str]]]:
    """What gives readers' keys for a list: of each one to unsubscribe and one for preferences.

    Each says who (a subscriber's number) and which list, signed, in letters, digits, ``-`` and
    ``_``. The two are halves of one signature: neither tells the other, so a key for one purpose
    opens nothing else.
    """
    signature = keyed(key, b"reader:")

    def keys(readers: Sequence[int], list_: int) -> list[tuple[str, str]]:
        claims = [f"{KEY_ID}-{reader}-{list_}" for reader in readers]
        signatures = bytearray().join([signature(claim.encode()) for claim in claims])
        del signatures[15::16]  # of each half: 15 bytes are 20 letters
        letters = binascii.b2a_base64(signatures, newline=False).translate(_URL).decode()
        return [
            (f"{claim}-{letters[at : at + 20]}", f"{claim}-{letters[at + 20 : at + 40]}")
            for claim, at in zip(claims, count(0, 40))
        ]

    return keys


@dataclass(frozen=True)
class Approving:
    """What a link to approve says: of which bytes, until when; ``nonce`` is its own."""

    issue: str
    hash: str
    expires: datetime
    nonce: str


def approval_key(
    key: bytes, newsletter: str, issue: str, hash_: str, expires: datetime, nonce: str = ""
) -> str:
    """What lets somebody approve exactly these bytes until then. Safe in an URL.

    Seconds are whole: of ``expires``, what is over is dropped.
    """
    nonce = nonce or secrets.token_urlsafe(12)
    claim = f"{KEY_ID}.{issue}.{hash_}.{int(expires.timestamp())}.{nonce}"
    return f"{claim}.{_approval_signature(key, newsletter, claim)}"


def read_approval(key: bytes, newsletter: str, text: str) -> Approving | None:
    """What such a key says; None for anything that was not signed here, for this newsletter."""
    match = _APPROVAL.fullmatch(text)
    if match is None:
        return None
    claim, _, signature = text.rpartition(".")
    if not hmac.compare_digest(signature, _approval_signature(key, newsletter, claim)):
        return None
    expires = datetime.fromtimestamp(int(match["expires"]), UTC)
    return Approving(match["issue"], match["hash"], expires, match["nonce"])


def _approval_signature(key: bytes, newsletter: str, claim: str) -> str:
    digest = hmac.digest(key, f"approve:{claim}:{newsletter}".encode(), "sha256")
    return binascii.b2a_base64(digest, newline=False).translate(_URL).decode().rstrip("=")


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
