"""The secrets that sign addresses: the first one signs, all of them are believed.

Each has a number, which stands in what it has signed, so that a secret can be changed while links
of the one before are still in people's mailboxes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from newsletter.config import secret
from newsletter.errors import ConfigError

log = logging.getLogger(__name__)

NAME, FILE = "NEWSLETTER_SECRET", "secret.key"
FIRST = "1"  # the number of a secret that has none
LEAST = 16  # letters of a secret: an address that it has signed is enough to try out shorter ones
_NUMBERED = re.compile(r"([0-9]{1,4}):(\S+)")
_BETWEEN = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Keyring:
    """Number → secret; ``signs`` is the number of the one that signs."""

    signs: str
    keys: Mapping[str, bytes] = field(repr=False)

    @property
    def key(self) -> bytes:
        """The secret that signs."""
        return self.keys[self.signs]


def keyring(folder: Path) -> Keyring:
    """NEWSLETTER_SECRET, or what stands in ``folder/secret.key``, made (mode 600) at first use.

    Raises ConfigError where they cannot be used.
    """
    if given := secret(NAME):
        return read(given, NAME)
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}, the key that signs readers' links, cannot be used: {error}. "
            f"Mend its permissions, or set {NAME}."
        ) from error
    if not text:
        raise ConfigError(f"{path} is empty. Restore it from a backup, or delete it for a new one.")
    return read(text, str(path))


def read(text: str, place: str) -> Keyring:
    """``2:secret 1:older``, or one secret alone, which is number 1 whatever letters it has.

    Raises ConfigError where two have one number, or one has none; it tells no secret.
    """
    parts = [_NUMBERED.fullmatch(part) for part in _BETWEEN.split(text.strip()) if part]
    found = [(part[1], part[2].encode()) for part in parts if part]
    if 0 < len(found) < len(parts):
        raise ConfigError(
            f"{place} has secrets with a number and others without. Give each its own, as in "
            f"2:new 1:old."
        )
    keys = dict(found) if found else {FIRST: text.encode()}
    if found and len(keys) < len(found):
        raise ConfigError(f"{place} has two secrets of one number. Give each its own.")
    if any(len(key) < LEAST for key in keys.values()):
        _warn(place)
    return Keyring(next(iter(keys)), keys)


@cache
def _warn(place: str) -> None:
    """Said once: links that are out bear what such a secret has signed, so it is taken."""
    log.warning(
        "%s has a secret of less than %d letters. Whoever gets a mail could guess it, and sign "
        "links as we do. Put a longer one before it: openssl rand -hex 32",
        place,
        LEAST,
    )


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
