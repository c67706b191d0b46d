"""The keyed hashes that stand for addresses: they stay when a person is erased."""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import Connection

from newsletter.store import key_values

ADDRESS_KEY = "address key"  # a fact: no two databases have the same, but for copies


class AddressKeys:
    """Addresses → the keyed hashes (HMAC with SHA-256) that stand for them."""

    def __init__(self, salt: bytes) -> None:
        self._hmac = hmac.new(salt, digestmod="sha256")

    def key(self, email: str) -> str:
        """64 hexadecimal digits; the same for an address in capitals."""
        digest = self._hmac.copy()  # the key's part of the work is done once
        digest.update(email.lower().encode())
        return digest.hexdigest()

    def mailbox_key(self, email: str) -> str:
        """One for all addresses that may well lead to one mailbox: most servers look at no +tag,
        some at no dot.
        """
        local, _, domain = email.rpartition("@")
        name = local.partition("+")[0].replace(".", "") or local
        return self.key(f"mailbox {name}@{domain}")


def address_keys(connection: Connection) -> AddressKeys:
    """Those of this database, made at first use."""
    salt = key_values.get(connection, ADDRESS_KEY) or key_values.set_default(
        connection, ADDRESS_KEY, secrets.token_hex(32)
    )
    return AddressKeys(salt.encode())
