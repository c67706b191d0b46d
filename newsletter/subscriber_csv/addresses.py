"""Addresses and names as they are stored; two that come out the same are the same person's."""

from __future__ import annotations

import re
import unicodedata

from newsletter.links import tokens

MOST = 200  # characters of a name
_SHOWN = 80
_LONGEST = 320  # characters of an address that are worth looking at

# What email-validator takes as it is, in lower case, up to the length that any part of an address
# may have. Everything else is asked of email-validator, which takes fifty times as long. The names
# at the end are those that it knows as set aside for other uses (RFC 6761).
_SHORT = 63
_PLAIN = re.compile(
    r"[a-z0-9_+-][a-z0-9_+'-]*(?:\.[a-z0-9_+'-]+)*@"
    r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion)\Z)[a-z]{2,}\Z"
)
_HEADER = re.compile(r"[\r\n]\s*[A-Za-z][A-Za-z-]*:")
_JOINERS = "\u200c\u200d"  # Persian words and emoji need them


def normalised(address: str) -> str:
    """The address in the form that is stored; raises ValueError with the reason if it is none.

    Lower case, composed letters, and the domain in its own letters (``bücher.example``, never
    ``xn--…``). Dots and ``+tags`` in front of the @ stay: they may belong to somebody else.
    """
    address = address.strip()
    plain = address.lower()
    if len(address) <= _SHORT and address.isascii() and _PLAIN.match(plain):
        return plain
    return _validated(address)


def _validated(address: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    if not address:
        raise ValueError("there is no address")
    shown = repr(address) if len(address) <= _SHOWN else f"{address[:_SHOWN]!r}…"
    if len(address) > _LONGEST:
        raise ValueError(f"{shown} is not an address: It is {len(address):,} characters long.")
    try:
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"{shown} is not an address: {error}") from error
    return unicodedata.normalize("NFC", valid.normalized.lower())


def clean_name(name: str) -> str:
    """A name on one line, without anything that is not to be seen.

    Raises ValueError for what no name has: control characters, or a line that would be a header.
    """
    if name.isprintable() and len(name) <= MOST and "ndx" not in name.lower():
        return " ".join(name.split())
    if _HEADER.search(name):
        raise ValueError(f"the name {name[:_SHOWN]!r} has a line like a mail header in it")
    line = " ".join(name.split())
    for letter in line:
        if unicodedata.category(letter) == "Cs":
            raise ValueError(
                f"the name {line[:_SHOWN].encode(errors='replace').decode()!r} has letters that "
                f"cannot be read; save the file as UTF-8"
            )
        if unicodedata.category(letter) == "Cc":
            raise ValueError(f"the name {line[:_SHOWN]!r} has a control character in it")
    seen = "".join(letter for letter in line if letter.isprintable() or letter in _JOINERS)
    return " ".join(tokens.take_apart(seen).split())[:MOST].rstrip()
