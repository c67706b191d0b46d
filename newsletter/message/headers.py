"""Values that are safe in a mail's headers, and the headers for unsubscribing."""

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
    """A function of a recipient's unsubscribe link, checked by ``link``, that returns the headers.

    They are List-Unsubscribe and, if the link is https, List-Unsubscribe-Post (RFC 8058). An alert
    has Auto-Submitted instead, which tells mail programs not to reply automatically (RFC 3834).
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
        links = f"<{link}>" if link.startswith("mailto:") else f"<{link}>, {by_mail}"
        return {"List-Unsubscribe": links}

    return headers


def link(value: str) -> str:
    """The unsubscribe link, unchanged. Raises ValueError if it is not safe in a header."""
    if not _LINK.fullmatch(value):
        raise ValueError("the unsubscribe link is not a plain https or mailto address")
    return value


def wire_address(email: str) -> str:
    """The address with its domain in ASCII. The part before the @ is not changed.

    Raises ValueError if it is not an email address.
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
    """The domain in ASCII; empty if it is not a domain."""
    try:
        wire = domain.encode("idna").decode()
    except UnicodeError:
        return ""
    return wire if re.fullmatch(r"[A-Za-z0-9._-]+", wire) else ""


def one_line(value: str, name: str) -> str:
    """The value, unchanged. Raises ValueError, which names it, if it has control characters.

    A line break in a value would start a new header.
    """
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError(f"the {name} has a line break or another control character in it")
    return value


def slug(text: str) -> str:
    """The text as lower-case ASCII letters, digits and hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    hyphenated = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return hyphenated or "n-" + hashlib.sha256(text.encode()).hexdigest()[:8]


@lru_cache(maxsize=16)
def address_of(mailbox: str) -> str:
    """The address in ``Name <address>``. It is cached, because all mails of a send share it."""
    return parseaddr(mailbox)[1]
