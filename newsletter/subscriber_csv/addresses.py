"""The form in which addresses and names are stored; equal addresses are one person's."""

from __future__ import annotations

import re
import unicodedata

from newsletter.links import tokens

MAX_NAME = 200  # characters
_MAX_ADDRESS = 320  # characters
_MAX_QUOTED = 80  # characters of a value in a message

# Addresses that email-validator accepts unchanged in lower case, up to the length that every part
# of an address may have. All others go through email-validator, which is fifty times as slow. It
# rejects the top-level domains named here, which are reserved (RFC 6761).
_MAX_COMMON = 63
_COMMON = re.compile(
    r"[a-z0-9_+-][a-z0-9_+'-]*(?:\.[a-z0-9_+'-]+)*@"
    r"(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+"
    r"(?!(?:arpa|invalid|local|localhost|onion)\Z)[a-z]{2,}\Z"
)
_MAIL_HEADER = re.compile(r"[\r\n]\s*[A-Za-z][A-Za-z-]*:")
_JOINERS = "\u200c\u200d"  # Persian words and emoji need them


def normalize_address(address: str) -> str:
    """The address in the form that is stored. Raises ValueError with the reason if it is invalid.

    It has lower case, composed letters (NFC), and a domain in Unicode (``bücher.example``, not
    ``xn--…``). Dots and ``+tags`` before the @ stay, as they may distinguish two people.
    """
    address = address.strip()
    lower = address.lower()
    if len(address) <= _MAX_COMMON and address.isascii() and _COMMON.match(lower):
        return lower
    return _validate(address)


def _validate(address: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    if not address:
        raise ValueError("there is no address")
    quoted = repr(address[:_MAX_QUOTED]) + ("…" if len(address) > _MAX_QUOTED else "")
    if len(address) > _MAX_ADDRESS:
        raise ValueError(f"{quoted} is not an address: It is {len(address):,} characters long.")
    try:
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"{quoted} is not an address: {error}") from error
    return unicodedata.normalize("NFC", valid.normalized.lower())


def clean_name(name: str) -> str:
    """A name on one line, without invisible characters.

    Raises ValueError for control characters and for a line that could become a mail header.
    """
    if name.isprintable() and len(name) <= MAX_NAME and "ndx" not in name.lower():
        return " ".join(name.split())
    if _MAIL_HEADER.search(name):
        raise ValueError(f"the name {name[:_MAX_QUOTED]!r} contains a line like a mail header")
    line = " ".join(name.split())
    for letter in line:
        if unicodedata.category(letter) == "Cs":
            raise ValueError(
                f"the name {line[:_MAX_QUOTED].encode(errors='replace').decode()!r} contains "
                f"unreadable characters; save the file as UTF-8"
            )
        if unicodedata.category(letter) == "Cc":
            raise ValueError(f"the name {line[:_MAX_QUOTED]!r} contains a control character")
    visible = "".join(letter for letter in line if letter.isprintable() or letter in _JOINERS)
    return " ".join(tokens.without_tokens(visible).split())[:MAX_NAME].rstrip()
