"""Signed addresses: a reader's own, which last, and those that do not: to confirm, to approve.

No address of a reader stands in one. Whatever cannot be read was not signed here.
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
from itertools import count
from urllib.parse import quote

from newsletter.links.digest import keyed
from newsletter.links.keyring import Keyring

_URL = bytes.maketrans(b"+/", b"-_")  # of base64, what an URL would change
# ASCII alone: other letters and digits look alike, and are none of ours.
_NUMBER = r"(?P<number>[0-9]{1,4})"
_SIGNATURE = r"\.[A-Za-z0-9_-]{43}"
_NONCE = r"(?P<nonce>[A-Za-z0-9_-]{16})"
_EXPIRES = r"(?P<expires>[0-9]{1,11})"
_READER = re.compile(
    rf"{_NUMBER}-(?P<reader>[0-9]{{1,18}})-(?P<list>[0-9]{{1,18}})-[A-Za-z0-9_-]{{20}}"
)
_APPROVAL = re.compile(
    rf"{_NUMBER}\.(?P<issue>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:-c[1-9][0-9]{{0,2}})?)\.(?P<hash>[0-9a-f]{{64}})"
    rf"\.{_EXPIRES}\.{_NONCE}{_SIGNATURE}"
)
_CONFIRMATION = re.compile(
    rf"{_NUMBER}\.(?P<reader>[0-9]{{1,18}})\.(?P<list>[0-9]{{1,18}})"
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

    issue: str
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
    found = ReaderOf(int(match["reader"]), int(match["list"]))
    (right,) = _reader_keys(match["number"], key)([found.reader], found.list)
    return found if hmac.compare_digest(right[purpose], text) else None


def approval_key(
    ring: Keyring, newsletter: str, issue: str, hash_: str, expires: datetime, nonce: str = ""
) -> str:
    """What lets somebody approve exactly these bytes until then. Safe in an URL.

    Seconds are whole: of ``expires``, what is over is dropped.
    """
    nonce = nonce or new_nonce()
    claim = f"{ring.signs}.{issue}.{hash_}.{int(expires.timestamp())}.{nonce}"
    return _signed(ring.key, "approve", newsletter, claim)


def read_approval(ring: Keyring, newsletter: str, text: str) -> Approving | None:
    """What such a key says; None for anything that was not signed here, for this newsletter."""
    match = _read(ring, "approve", newsletter, _APPROVAL.fullmatch(text))
    if match is None:
        return None
    return Approving(match["issue"], match["hash"], _moment(match), match["nonce"])


def confirmation_key(ring: Keyring, newsletter: str, says: Confirming) -> str:
    """What lets a reader confirm once, until then, that they wish to be on the list."""
    seconds = int(says.expires.timestamp())
    claim = f"{ring.signs}.{says.reader}.{says.list}.{seconds}.{says.nonce}"
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
    signature = keyed(key, b"reader:")
    leave, choose = before

    def keys(readers: Sequence[int], list_: int) -> list[tuple[str, str]]:
        claims = [f"{number}-{reader}-{list_}" for reader in readers]
        signatures = bytearray().join([signature(claim.encode()) for claim in claims])
        del signatures[15::16]  # of each half: 15 bytes are 20 letters
        letters = binascii.b2a_base64(signatures, newline=False).translate(_URL).decode()
        return [
            (
                f"{leave}{claim}-{letters[at : at + 20]}",
                f"{choose}{claim}-{letters[at + 20 : at + 40]}",
            )
            for claim, at in zip(claims, count(0, 40))
        ]

    return keys


def _signed(key: bytes, purpose: str, newsletter: str, claim: str) -> str:
    digest = hmac.digest(key, f"{purpose}:{claim}:{newsletter}".encode(), "sha256")
    signature = binascii.b2a_base64(digest, newline=False).translate(_URL).decode().rstrip("=")
    return f"{claim}.{signature}"


def _read(
    ring: Keyring, purpose: str, newsletter: str, match: re.Match[str] | None
) -> re.Match[str] | None:
    """The match, where it was signed for that."""
    key = ring.keys.get(match["number"]) if match else None
    if match is None or key is None:
        return None
    text = match.string
    right = _signed(key, purpose, newsletter, text.rpartition(".")[0])
    return match if hmac.compare_digest(right, text) else None


def _moment(match: re.Match[str]) -> datetime:
    return datetime.fromtimestamp(int(match["expires"]), UTC)
