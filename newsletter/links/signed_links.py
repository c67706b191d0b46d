"""Keys for signed links: a reader's own, which do not expire, and those to confirm or approve.

A key is the last part of a link. It never contains an email address.

New keys have version 2 and are signed with keyed BLAKE2b. Keys of version 1 have no version
number and are signed with HMAC-SHA-256. They are still accepted, because mails contain them.
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

_URL = bytes.maketrans(b"+/", b"-_")  # base64 characters that have a meaning in a URL
_VERSION = "v2"
_HALF = 15  # bytes of a reader's signature in each of the two keys: 20 characters of base64
# ASCII only: the patterns must not accept the digits and letters of other scripts.
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
    """What a reader's key opens. The value selects the half of the signature."""

    UNSUBSCRIBE = 0
    PREFERENCES = 1


@dataclass(frozen=True)
class ReaderClaim:
    """What a reader's key names."""

    reader: int  # number of the subscriber
    list: int  # number of the list


@dataclass(frozen=True)
class ApprovalClaim:
    """What the key of an approval link names."""

    issue: IssueName
    hash: str  # of the bytes that it approves
    expires: datetime
    nonce: str


@dataclass(frozen=True)
class ConfirmationClaim:
    """What the key of a confirmation link names."""

    reader: int  # number of the subscriber
    list: int  # number of the list
    expires: datetime
    nonce: str


def unsubscribe_mailto(mailbox: str) -> str:
    """The unsubscribe link of a newsletter without public pages."""
    return f"mailto:{quote(mailbox, safe='@+')}?subject=unsubscribe"


def reader_keys(
    ring: Keyring, prefixes: tuple[str, str] = ("", "")
) -> Callable[[Sequence[int], int], list[tuple[str, str]]]:
    """A function of subscribers' numbers and a list's number that returns the readers' keys.

    It returns two keys for each reader, in the order of ``Purpose``, with ``prefixes`` put before
    them to make them URLs. A key consists of ASCII letters, digits, ``-`` and ``_``. The two keys
    carry different halves of one signature, so a key for one purpose opens nothing else.
    """
    return _reader_keys(ring.signs, ring.key, prefixes)


def reader_key(ring: Keyring, purpose: Purpose, claim: ReaderClaim) -> str:
    """One reader's key for one purpose."""
    return reader_keys(ring)([claim.reader], claim.list)[0][purpose]


def read_reader(ring: Keyring, purpose: Purpose, text: str) -> ReaderClaim | None:
    """Whose key it is; None if it was not signed with these secrets for this purpose."""
    match = _READER.fullmatch(text)
    key = ring.keys.get(match["number"]) if match else None
    if match is None or key is None:
        return None
    claim = ReaderClaim(int(match["reader"]), int(match["list"]))
    if match["version"]:
        (expected,) = _reader_keys(match["number"], key)([claim.reader], claim.list)
    else:
        expected = _reader_keys_v1(match["number"], key, claim)
    return claim if hmac.compare_digest(expected[purpose], text) else None


def approval_key(
    ring: Keyring, newsletter: str, issue: IssueName, hash_: str, expires: datetime, nonce: str = ""
) -> str:
    """A key that allows anyone who has it to approve exactly these bytes until ``expires``.

    It is safe in a URL. ``expires`` is cut to whole seconds.
    """
    nonce = nonce or new_nonce()
    payload = f"{_VERSION}.{ring.signs}.{issue}.{hash_}.{int(expires.timestamp())}.{nonce}"
    return _signed(ring.key, "approve", newsletter, payload)


def read_approval(ring: Keyring, newsletter: str, text: str) -> ApprovalClaim | None:
    """What an approval key names; None if it was not signed for this newsletter.

    The caller checks whether it has expired.
    """
    match = _verified(ring, "approve", newsletter, _APPROVAL.fullmatch(text))
    if match is None:
        return None
    return ApprovalClaim(
        IssueName.parse(match["issue"]), match["hash"], _expires_at(match), match["nonce"]
    )


def confirmation_key(ring: Keyring, newsletter: str, claim: ConfirmationClaim) -> str:
    """A key with which a reader confirms a sign-up, once and until it expires."""
    seconds = int(claim.expires.timestamp())
    payload = f"{_VERSION}.{ring.signs}.{claim.reader}.{claim.list}.{seconds}.{claim.nonce}"
    return _signed(ring.key, "confirm", newsletter, payload)


def read_confirmation(ring: Keyring, newsletter: str, text: str) -> ConfirmationClaim | None:
    """What a confirmation key names; None if it was not signed for this newsletter.

    The caller checks whether it has expired.
    """
    match = _verified(ring, "confirm", newsletter, _CONFIRMATION.fullmatch(text))
    if match is None:
        return None
    return ConfirmationClaim(
        int(match["reader"]), int(match["list"]), _expires_at(match), match["nonce"]
    )


def new_nonce() -> str:
    """A random text that makes a key unique."""
    return secrets.token_urlsafe(12)


def _reader_keys(
    number: str, key: bytes, prefixes: tuple[str, str] = ("", "")
) -> Callable[[Sequence[int], int], list[tuple[str, str]]]:
    new_signature = _hash(key, "reader", 2 * _HALF).copy
    start = f"{_VERSION}-{number}"
    unsubscribe, preferences = prefixes

    def keys(readers: Sequence[int], list_: int) -> list[tuple[str, str]]:
        payloads = [f"{start}-{reader}-{list_}" for reader in readers]
        signatures = bytearray()
        for payload in payloads:
            signature = new_signature()
            signature.update(payload.encode())
            signatures += signature.digest()
        encoded = _base64url(signatures)  # all at once, because a list may have a million readers
        return [
            (
                f"{unsubscribe}{payload}-{encoded[start : start + 20]}",
                f"{preferences}{payload}-{encoded[start + 20 : start + 40]}",
            )
            for payload, start in zip(payloads, count(0, 40))
        ]

    return keys


def _reader_keys_v1(number: str, key: bytes, claim: ReaderClaim) -> tuple[str, str]:
    """One reader's keys in version 1."""
    payload = f"{number}-{claim.reader}-{claim.list}"
    digest = hmac.digest(key, f"reader:{payload}".encode(), "sha256")
    unsubscribe, preferences = digest[:_HALF], digest[16 : 16 + _HALF]
    return f"{payload}-{_base64url(unsubscribe)}", f"{payload}-{_base64url(preferences)}"


def _signed(key: bytes, purpose: str, newsletter: str, payload: str) -> str:
    signature = _hash(key, purpose, 32)
    signature.update(f"{payload}:{newsletter}".encode())
    return f"{payload}.{_base64url(signature.digest())}"


def _signed_v1(key: bytes, purpose: str, newsletter: str, payload: str) -> str:
    digest = hmac.digest(key, f"{purpose}:{payload}:{newsletter}".encode(), "sha256")
    return f"{payload}.{_base64url(digest)}"


def _hash(secret: bytes, purpose: str, size: int) -> blake2b:
    """An empty keyed BLAKE2b for one purpose, with a digest of ``size`` bytes."""
    key = blake2b(secret, person=b"newsletter links").digest()  # a key has 64 bytes at most
    return blake2b(key=key, person=purpose.encode(), digest_size=size)


def _base64url(signature: bytes | bytearray) -> str:
    base64 = binascii.b2a_base64(signature, newline=False)
    return base64.translate(_URL).decode().rstrip("=")


def _verified(
    ring: Keyring, purpose: str, newsletter: str, match: re.Match[str] | None
) -> re.Match[str] | None:
    """The match, if its signature is right."""
    key = ring.keys.get(match["number"]) if match else None
    if match is None or key is None:
        return None
    text = match.string
    sign = _signed if match["version"] else _signed_v1
    expected = sign(key, purpose, newsletter, text.rpartition(".")[0])
    return match if hmac.compare_digest(expected, text) else None


def _expires_at(match: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(match["expires"]), UTC)
