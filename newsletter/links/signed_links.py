"""Signed addresses: a reader's own, which last, and those that do not: to confirm, to approve.

No address of a reader stands in one. Whatever cannot be read was not signed here.

Keys are written in version 2, signed with keyed BLAKE2b. Keys of version 1, which names no version,
are signed with HMAC-SHA-256; mails that are out hold them, so they are still read.
"""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import blake2b
from itertools import count
from urllib.parse import quote

from newsletter.links.keyring import Keyring
from newsletter.model import IssueName

_URL = bytes.maketrans(b"+/", b"-_")  # of base64, what an URL would change
_VERSION = "v2"
_HALF = 15  # bytes of a reader's signature in each of the two keys; 15 bytes are 20 letters
# ASCII alone: other letters and digits look alike, and are none of ours.
_NUMBER = r"(?P<number>[0-9]{1,4})"
_SIGNATURE = r"\.[A-Za-z0-9_-]{43}"
_NONCE = r"(?P<nonce>[A-Za-z0-9_-]{16})"
_EXPIRES = r"(?P<expires>[0-9]{1,11})"
_READER = re.compile(
    rf"(?P<version>{_VERSION}-)?{_NUMBER}-(?P<reader>[0-9]{{1,18}})-(?P<list>[0-9]{{1,18}})"
    rf"-[A-Za-z0-9_-]{{20}}"
)
_APPROVAL = re.compile(
    rf"(?P<version>{_VERSION}\.)?{_NUMBER}"
    rf"\.(?P<issue>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:-c[1-9][0-9]{{0,2}})?)\.(?P<hash>[0-9a-f]{{64}})"
    rf"\.{_EXPIRES}\.{_NONCE}{_SIGNATURE}"
)
_CONFIRMATION = re.compile(
    rf"(?P<version>{_VERSION}\.)?{_NUMBER}\.(?P<reader>[0-9]{{1,18}})\.(?P<list>[0-9]{{1,18}})"
    rf"\.{_EXPIRES}\.{_NONCE}{_SIGNATURE}"
)


class Purpose(IntEnum):
    """What a reader's key opens: which half of the signature it bears."""

    UNSUBSCRIBE = 0
    PREFERENCES = 1


@dataclass(frozen=True)
class ReaderOf:
    """Who a key is of: the number of a subscriber, and that of the list."""

    reader: int
    list: int


@dataclass(frozen=True)
class Approving:
    """What a link to approve says: of which bytes, until when; ``nonce`` is its own."""

    issue: IssueName
    hash: str
    expires: datetime
    nonce: str


@dataclass(frozen=True)
class Confirming:
    """What a link to confirm says: who wishes to be on which list; ``nonce`` is its own."""

    reader: int
    list: int
    expires: datetime
    nonce: str


def leaving_by_mail(mailbox: str) -> str:
    """Where readers leave a newsletter that has no public pages."""
    return f"mailto:{quote(mailbox, safe='@+')}?subject=unsubscribe"


def reader_keys(
    ring: Keyring, before: tuple[str, str] = ("", "")
) -> Callable[[Sequence[int], int], list[tuple[str, str]]]:
    """What gives readers' keys for a list: of each one to unsubscribe and one for preferences.
    ``before``: what stands before those, so that they are addresses.

    Each says who (a subscriber's number) and which list, signed, in letters, digits, ``-`` and
    ``_``. The two are halves of one signature, in the order of ``Purpose``: neither tells the
    other, so a key for one purpose opens nothing else.
    """
    return _reader_keys(ring.signs, ring.key, before)


def reader_key(ring: Keyring, purpose: Purpose, of: ReaderOf) -> str:
    """One reader's key for one purpose."""
    return reader_keys(ring)([of.reader], of.list)[0][purpose]


def read_reader(ring: Keyring, purpose: Purpose, text: str) -> ReaderOf | None:
    """Whose key it is; None for anything that was not signed here, for this purpose."""
    match = _READER.fullmatch(text)
    key = ring.keys.get(match["number"]) if match else None
    if match is None or key is None:
        return None
    of = ReaderOf(int(match["reader"]), int(match["list"]))
    if match["version"]:
        (right,) = _reader_keys(match["number"], key)([of.reader], of.list)
    else:
        right = _first_reader_keys(match["number"], key, of)
    return of if hmac.compare_digest(right[purpose], text) else None


def approval_key(
    ring: Keyring, newsletter: str, issue: IssueName, hash_: str, expires: datetime, nonce: str = ""
) -> str:
    """What lets somebody approve exactly these bytes until then. Safe in an URL.

    Seconds are whole: of ``expires``, what is over is dropped.
    """
    nonce = nonce or new_nonce()
    claim = f"{_VERSION}.{ring.signs}.{issue}.{hash_}.{int(expires.timestamp())}.{nonce}"
    return _signed(ring.key, "approve", newsletter, claim)


def read_approval(ring: Keyring, newsletter: str, text: str) -> Approving | None:
    """What such a key says; None for anything that was not signed here, for this newsletter."""
    match = _read(ring, "approve", newsletter, _APPROVAL.fullmatch(text))
    if match is None:
        return None
    return Approving(IssueName.parse(match["issue"]), match["hash"], _moment(match), match["nonce"])


def confirmation_key(ring: Keyring, newsletter: str, says: Confirming) -> str:
    """What lets a reader confirm once, until then, that they wish to be on the list."""
    seconds = int(says.expires.timestamp())
    claim = f"{_VERSION}.{ring.signs}.{says.reader}.{says.list}.{seconds}.{says.nonce}"
    return _signed(ring.key, "confirm", newsletter, claim)


def read_confirmation(ring: Keyring, newsletter: str, text: str) -> Confirming | None:
    """What such a key says; None for anything that was not signed here, for this newsletter."""
    match = _read(ring, "confirm", newsletter, _CONFIRMATION.fullmatch(text))
    if match is None:
        return None
    return Confirming(int(match["reader"]), int(match["list"]), _moment(match), match["nonce"])


def new_nonce() -> str:
    """What makes a link one of a kind."""
    return secrets.token_urlsafe(12)


def _reader_keys(
    number: str, key: bytes, before: tuple[str, str] = ("", "")
) -> Callable[[Sequence[int], int], list[tuple[str, str]]]:
    begin = _hash(key, "reader", 2 * _HALF).copy
    start = f"{_VERSION}-{number}"
    leave, choose = before

    def keys(readers: Sequence[int], list_: int) -> list[tuple[str, str]]:
        claims = [f"{start}-{reader}-{list_}" for reader in readers]
        signatures = bytearray()
        for claim in claims:
            signature = begin()
            signature.update(claim.encode())
            signatures += signature.digest()
        letters = _letters(signatures)
        return [
            (
                f"{leave}{claim}-{letters[at : at + 20]}",
                f"{choose}{claim}-{letters[at + 20 : at + 40]}",
            )
            for claim, at in zip(claims, count(0, 40))
        ]

    return keys


def _first_reader_keys(number: str, key: bytes, of: ReaderOf) -> tuple[str, str]:
    """The keys of version 1."""
    claim = f"{number}-{of.reader}-{of.list}"
    digest = hmac.digest(key, f"reader:{claim}".encode(), "sha256")
    leave, choose = digest[:_HALF], digest[16 : 16 + _HALF]
    return f"{claim}-{_letters(leave)}", f"{claim}-{_letters(choose)}"


def _signed(key: bytes, purpose: str, newsletter: str, claim: str) -> str:
    signature = _hash(key, purpose, 32)
    signature.update(f"{claim}:{newsletter}".encode())
    return f"{claim}.{_letters(signature.digest())}"


def _first_signed(key: bytes, purpose: str, newsletter: str, claim: str) -> str:
    """A claim as version 1 signed it."""
    digest = hmac.digest(key, f"{purpose}:{claim}:{newsletter}".encode(), "sha256")
    return f"{claim}.{_letters(digest)}"


def _hash(secret: bytes, purpose: str, size: int) -> blake2b:
    """Keyed BLAKE2b for one purpose, of ``size`` bytes; the text is still to be added."""
    key = blake2b(secret, person=b"newsletter links").digest()  # BLAKE2b takes 64 bytes at most
    return blake2b(key=key, person=purpose.encode(), digest_size=size)


def _letters(signature: bytes | bytearray) -> str:
    base64 = binascii.b2a_base64(signature, newline=False)
    return base64.translate(_URL).decode().rstrip("=")


def _read(
    ring: Keyring, purpose: str, newsletter: str, match: re.Match[str] | None
) -> re.Match[str] | None:
    """The match, where it was signed for that."""
    key = ring.keys.get(match["number"]) if match else None
    if match is None or key is None:
        return None
    text = match.string
    sign = _signed if match["version"] else _first_signed
    right = sign(key, purpose, newsletter, text.rpartition(".")[0])
    return match if hmac.compare_digest(right, text) else None


def _moment(match: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(match["expires"]), UTC)
