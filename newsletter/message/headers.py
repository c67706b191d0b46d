"""What may stand in the headers of a mail, and the headers to unsubscribe by."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote

from newsletter.model import Send

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINK = re.compile(r"(?:https?|mailto):[!-;=?-~]+")  # visible ASCII but for < and >
_ADDRESS = re.compile(r'([^\s<>()\[\],;:@"\\]+)@([^\s<>()\[\],;:@"\\]+)')


def list_headers(send: Send) -> Callable[[str], dict[str, str]]:
    """What makes the headers to leave by, of a recipient's unsubscribe link as ``link`` gives it:
    List-Unsubscribe, and List-Unsubscribe-Post where the link takes one click (RFC 8058).

    An alert has none of these, and asks machines not to answer (RFC 3834).
    """
    if send.alert:
        return lambda _: {"Auto-Submitted": "auto-generated"}
    mailbox = quote(address_of(send.reply_to or send.sender), safe="@+")
    by_mail = f"<mailto:{mailbox}?subject=unsubscribe>"

    def headers(link: str) -> dict[str, str]:
        if link.startswith("https:"):
            return {
                "List-Unsubscribe": f"<{link}>, {by_mail}",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        ways = f"<{link}>" if link.startswith("mailto:") else f"<{link}>, {by_mail}"
        return {"List-Unsubscribe": ways}

    return headers


def link(value: str) -> str:
    """The unsubscribe link, once it is known that it may stand in a header.

    Raises ValueError for any other.
    """
    if not _LINK.fullmatch(value):
        raise ValueError("the unsubscribe link is not a plain https or mailto address")
    return value


def wire_address(email: str) -> str:
    """The address with its domain in ASCII; the part before the @ stays as it is.

    Raises ValueError where it cannot be an address.
    """
    match = _ADDRESS.fullmatch(one_line(email, "address"))
    if not match:
        raise ValueError("the address is not an email address")
    domain = _ascii_domain(match[2])
    if not domain:
        raise ValueError("the domain of the address is not a domain name")
    return f"{match[1]}@{domain}"


@lru_cache(maxsize=1024)
def _ascii_domain(domain: str) -> str:
    """The domain in ASCII; empty where it is none."""
    try:
        wire = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    return wire if re.fullmatch(r"[A-Za-z0-9._-]+", wire) else ""


def one_line(value: str, what: str) -> str:
    """The value, once it is known that it cannot begin a new header; else raises ValueError."""
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError(f"the {what} has a line break or another control character in it")
    return value


def slug(text: str) -> str:
    """The text in lower-case ASCII letters, digits and hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    hyphenated = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return hyphenated or "n-" + hashlib.sha256(text.encode()).hexdigest()[:8]


@lru_cache(maxsize=16)
def address_of(mailbox: str) -> str:
    """The address in ``Name <address>``; parsed once, as it is the same in every mail."""
    return parseaddr(mailbox)[1]
