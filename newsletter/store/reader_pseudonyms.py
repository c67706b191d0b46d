"""The names under which readers stand in opens and clicks: made up for one send, under a key that
goes with its events. Without the key nobody can say whose a name is.
"""

from __future__ import annotations

import secrets
from hmac import digest

from sqlalchemy import Connection

from newsletter.store import key_values

_FACT = "reader key:{send}"


def ensure_key(connection: Connection, send_id: int) -> bytes:
    """The key of a send, made at first use."""
    return bytes.fromhex(
        key_values.set_default(connection, _FACT.format(send=send_id), secrets.token_hex(32))
    )


def find_key(connection: Connection, send_id: int) -> bytes | None:
    """The key of a send, if there is one."""
    found = key_values.get(connection, _FACT.format(send=send_id))
    return bytes.fromhex(found) if found else None


def reader_pseudonym(key: bytes, delivery: int) -> str:
    """The name of a reader, by their delivery."""
    return digest(key, str(delivery).encode(), "sha256").hex()[:22]


def delete_key(connection: Connection, send_id: int) -> None:
    """Forget the key of a send."""
    key_values.delete_key(connection, _FACT.format(send=send_id))
