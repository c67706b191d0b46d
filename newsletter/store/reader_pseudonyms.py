"""Pseudonyms of readers in opens and clicks.

A pseudonym belongs to one send and is made with its key, which is deleted with the events. Without
the key it identifies nobody.
"""

from __future__ import annotations

import secrets
from hmac import digest

from sqlalchemy import Connection

from newsletter.store import key_values

_FACT = "reader key:{send}"


def ensure_key(connection: Connection, send_id: int) -> bytes:
    """The key of a send, which is created at first use."""
    return bytes.fromhex(
        key_values.set_default(connection, _FACT.format(send=send_id), secrets.token_hex(32))
    )


def find_key(connection: Connection, send_id: int) -> bytes | None:
    """The key of a send; None if there is none."""
    key = key_values.get(connection, _FACT.format(send=send_id))
    return bytes.fromhex(key) if key else None


def reader_pseudonym(key: bytes, delivery: int) -> str:
    """The pseudonym of a delivery's reader: 22 hexadecimal digits."""
    return digest(key, str(delivery).encode(), "sha256").hex()[:22]


def delete_key(connection: Connection, send_id: int) -> None:
    """Delete the key of a send."""
    key_values.delete_key(connection, _FACT.format(send=send_id))
