"""One mail for one recipient, as the bytes that go over the wire and into an .eml file.

The head is written here and not by ``email.message.EmailMessage``: that one turns a long
unsubscribe link into encoded words, which no mail program follows, and rewrites line ends.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from itertools import starmap
from urllib.parse import quote

from newsletter.links.tokens import fill, found_in
from newsletter.model import Recipient, Send
from newsletter.providers._parts import Part

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINK = re.compile(r"(?:https?|mailto):[!-;=?-~]+")  # visible ASCII but for < and >
_ADDRESS = re.compile(r'([^\s<>()\[\],;:@"\\]+)@([^\s<>()\[\],;:@"\\]+)')
_LINE = 76


def check(send: Send) -> None:
    """Raises ValueError for a fault that every mail of the send would have."""
    one_line(send.subject, "subject")
    one_line(send.newsletter, "name of the newsletter")
    for name, mailbox in (("sender", send.sender), ("reply address", send.reply_to)):
        if mailbox:
            wire_address(parseaddr(one_line(mailbox, name))[1])


def mail(send: Send, recipient: Recipient, at: datetime) -> bytes:
    """The whole mail, with CRLF line ends; it is ASCII unless an address is not.

    Raises ValueError, with a reason for the receipt, where a header must not be written.
    """
    return letter(send).mail(recipient, at)


def letter(send: Send) -> Letter:
    """The send made ready, once for all its batches; raises ValueError as ``check`` does."""
    return _letter(replace(send, batch=0, send_at=None, recall_id=None))


@lru_cache(maxsize=4)
def _letter(send: Send) -> Letter:
    check(send)
    return Letter(send)


class Letter:
    """What all mails of a send share, written and encoded once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._subject = "" if found_in(send.subject) else _subject(send.subject)
        self.sender = wire_address(_address(send.sender))  # of the envelope
        self._from = _line("From", _mailbox("From", *parseaddr(send.sender)))
        self._reply_to = ""
        if send.reply_to:
            self._reply_to = _line("Reply-To", _mailbox("Reply-To", *parseaddr(send.reply_to)))
        self._headers = list_headers(send)
        self._list_id = "" if send.alert else _line("List-Id", _list_id(send))
        boundary = f"=_{_letters(send.hash)}"  # "=_" occurs in neither transfer encoding
        self._kind = "MIME-Version: 1.0\r\n" + _line(
            "Content-Type", f'multipart/alternative; boundary="{boundary}"'
        )
        self._edge = f"--{boundary}".encode()
        self._parts = (Part("plain", send.text), Part("html", send.html))

    def mail(self, recipient: Recipient, at: datetime) -> bytes:
        """As ``mail`` of the module."""
        values = recipient.tokens
        head = (
            _line("Date", format_datetime(at)),
            _line("Message-ID", _message_id(self._send, recipient, at)),
            self._from,
            _line("To", _mailbox("To", recipient.name, recipient.email)),
            self._reply_to,
            self._subject or _subject(fill(self._send.subject, values)),
            self._list_id,
            *starmap(_line, self._headers(link(recipient.unsubscribe_url)).items()),
            self._kind,
        )
        text, html = (part.filled(values) for part in self._parts)
        start = b"\r\n" + self._edge + b"\r\n"
        body = b"".join((start, text, start, html, b"\r\n", self._edge, b"--\r\n"))
        return "".join(head).encode() + body


def list_headers(send: Send) -> Callable[[str], dict[str, str]]:
    """What makes the headers to leave by, of a recipient's unsubscribe link as ``link`` gives it:
    List-Unsubscribe, and List-Unsubscribe-Post where the link takes one click (RFC 8058).

    An alert has none of these, and asks machines not to answer (RFC 3834).
    """
    if send.alert:
        return lambda _: {"Auto-Submitted": "auto-generated"}
    mailbox = quote(_address(send.reply_to or send.sender), safe="@+")
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
    domain = _wire_domain(match[2])
    if not domain:
        raise ValueError("the domain of the address is not a domain name")
    return f"{match[1]}@{domain}"


@lru_cache(maxsize=1024)
def _wire_domain(domain: str) -> str:
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
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words or "n-" + hashlib.sha256(text.encode()).hexdigest()[:8]


def _subject(text: str) -> str:
    return _line("Subject", _words("Subject", one_line(text, "subject")))


def _words(header: str, text: str) -> str:
    """Text as RFC 2047 has it: plain where it is ASCII, else encoded words, folded."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, _LINE, header).encode(linesep="\r\n")


def _phrase(header: str, name: str) -> str:
    """A name before an address: bare, quoted, or as encoded words."""
    name = " ".join(one_line(name, "name").split())
    if not name.isascii() or "=?" in name:
        return _words(header, name)
    if re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=^_`{|}~-]*", name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _mailbox(header: str, name: str, email: str) -> str:
    phrase = _phrase(header, name)
    return f"{phrase} <{wire_address(email)}>" if phrase else wire_address(email)


@lru_cache(maxsize=16)
def _address(mailbox: str) -> str:
    """The address in ``Name <address>``; parsed once, as it is the same in every mail."""
    return parseaddr(mailbox)[1]


def _domain(send: Send) -> str:
    return wire_address(_address(send.sender)).rpartition("@")[2]


def _list_id(send: Send) -> str:
    return f"{_phrase('List-Id', send.newsletter)} <{slug(send.list)}.{_domain(send)}>"


def _message_id(send: Send, recipient: Recipient, at: datetime) -> str:
    """The same for the same delivery, so that a repeated mail is one mail to its reader.

    A test carries its moment: mailboxes swallow a second mail of the same id.
    """
    test = f".test-{at:%Y%m%d%H%M%S%f}" if send.test else ""
    return f"<{_letters(send.hash)}{test}.{recipient.delivery}@{_domain(send)}>"


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)[:16] or "0"


def _line(name: str, value: str) -> str:
    """A header; a long one is folded before a link or an address, never inside."""
    if len(f"{name}: {value}".rpartition("\n")[2]) > _LINE:
        value = value.replace(" <", "\r\n <")
    return f"{name}: {value}\r\n"
