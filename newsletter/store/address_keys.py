"""Keyed hashes of addresses. They stay when a person is erased."""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import Connection

from newsletter.store import key_values

ADDRESS_KEY = "address key"  # in `facts`: differs between databases, except for copies


class AddressKeys:
    """Computes the keyed hashes (HMAC with SHA-256) of addresses."""

    def __init__(self, salt: bytes) -> None:
        self._hmac = hmac.new(salt, digestmod="sha256")

    def key(self, email: str) -> str:
        """The hash of an address, whatever its case: 64 hexadecimal digits."""
        digest = self._hmac.copy()  # so that the key is hashed only once
        digest.update(email.lower().encode())
        return digest.hexdigest()

    def mailbox_key(self, email: str) -> str:
        """One hash for all addresses that probably share a mailbox.

        Most servers ignore a +tag, and some ignore dots.
        """
        local, _, domain = email.rpartition("@")
        mailbox = local.partition("+")[0].replace(".", "") or local
        return self.key(f"mailbox {mailbox}@{domain}")


def address_keys(connection: Connection) -> AddressKeys:
    """The hashes under this database's key, which is created at first use."""
    salt = key_values.get(connection, ADDRESS_KEY) or key_values.set_default(
        connection, ADDRESS_KEY, secrets.token_hex(32)
    )
    return AddressKeys(salt.encode())
