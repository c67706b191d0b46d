"""What an article is called in our books: the same at every gather, whatever its date or words."""

from __future__ import annotations

import hashlib

LENGTH = 12  # hexadecimal digits


def identity(*parts: str) -> str:
    """A short, stable id from what never changes about an article."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:LENGTH]
