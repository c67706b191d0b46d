"""The secrets that sign links. The first one signs; all of them are accepted.

Each secret has a number, which is part of the keys that it signed. So a new secret can be added
while links that an older one signed are still in people's mailboxes.
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
DEFAULT_NUMBER = "1"  # of a secret without a number
MIN_LENGTH = 16  # characters; a shorter secret can be guessed from a link that it signed
_NUMBERED = re.compile(r"([0-9]{1,4}):(\S+)")
_BETWEEN = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Keyring:
    """The secrets of a newsletter."""

    signs: str  # number of the secret that signs
    keys: Mapping[str, bytes] = field(repr=False)  # number → secret

    @property
    def key(self) -> bytes:
        """The secret that signs."""
        return self.keys[self.signs]


def keyring(folder: Path) -> Keyring:
    """The secrets in NEWSLETTER_SECRET, or else in ``folder/secret.key``.

    Creates the file, with mode 600, at first use. Raises ConfigError if it cannot be used.
    """
    if text := secret(NAME):
        return parse(text, NAME)
    path = folder / FILE
    try:
        if not path.exists():
            _make(path)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}, the secret that signs readers' links, cannot be used: {error}. "
            f"Fix its permissions, or set {NAME}."
        ) from error
    if not text:
        raise ConfigError(f"{path} is empty. Restore it from a backup, or delete it for a new one.")
    return parse(text, str(path))


def parse(text: str, place: str) -> Keyring:
    """The secrets in a text such as ``2:new 1:old``, or one secret without a number.

    ``place`` is named in messages, which never contain a secret. Raises ConfigError if two secrets
    have the same number or only some have one.
    """
    matches = [_NUMBERED.fullmatch(part) for part in _BETWEEN.split(text.strip()) if part]
    numbered = [(match[1], match[2].encode()) for match in matches if match]
    if 0 < len(numbered) < len(matches):
        raise ConfigError(
            f"{place} has secrets with a number and others without. Give each its own number, "
            f"as in 2:new 1:old."
        )
    keys = dict(numbered) if numbered else {DEFAULT_NUMBER: text.encode()}
    if numbered and len(keys) < len(numbered):
        raise ConfigError(f"{place} has two secrets of one number. Give each its own number.")
    if any(len(key) < MIN_LENGTH for key in keys.values()):
        _warn(place)
    return Keyring(next(iter(keys)), keys)


@cache
def _warn(place: str) -> None:
    """Warn once about a short secret. It stays valid, because mails contain links it signed."""
    log.warning(
        "%s has a secret of less than %d characters. Anyone who gets a mail could guess it and "
        "sign links. Put a longer one before it: openssl rand -hex 32",
        place,
        MIN_LENGTH,
    )


def _make(path: Path) -> None:
    """Create the file with a new secret, atomically. If two processes do it at once, one wins."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # mode 600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
