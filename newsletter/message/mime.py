"""One mail for one recipient, as the bytes that go over the wire and into an .eml file.

The head is written here and not by ``email.message.EmailMessage``: that one turns a long
unsubscribe link into encoded words, which no mail program follows, and rewrites line ends.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from itertools import starmap

from newsletter.links.tokens import fill, found_in
from newsletter.message.headers import (
    address_of,
    link,
    list_headers,
    one_line,
    slug,
    wire_address,
)
from newsletter.message.parts import Part
from newsletter.model import Recipient, Send

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
    return prepare(send).mail(recipient, at)


def prepare(send: Send) -> PreparedSend:
    """The send made ready, once for all its batches; raises ValueError as ``check`` does."""
    return _letter(replace(send, batch=0, send_at=None, recall_id=None))


@lru_cache(maxsize=4)
def _letter(send: Send) -> PreparedSend:
    check(send)
    return PreparedSend(send)


class PreparedSend:
    """What all mails of a send share, written and encoded once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._subject = "" if found_in(send.subject) else _subject(send.subject)
        self.sender = wire_address(address_of(send.sender))  # of the envelope
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


def _subject(text: str) -> str:
    return _line("Subject", _encoded("Subject", one_line(text, "subject")))


def _encoded(header: str, text: str) -> str:
    """Text as RFC 2047 has it: plain where it is ASCII, else encoded words, folded."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, _LINE, header).encode(linesep="\r\n")


def _phrase(header: str, name: str) -> str:
    """A name before an address: bare, quoted, or as encoded words."""
    name = " ".join(one_line(name, "name").split())
    if not name.isascii() or "=?" in name:
        return _encoded(header, name)
    if re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=^_`{|}~-]*", name):
        return name
    return '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'


def _mailbox(header: str, name: str, email: str) -> str:
    phrase = _phrase(header, name)
    return f"{phrase} <{wire_address(email)}>" if phrase else wire_address(email)


def _domain(send: Send) -> str:
    return wire_address(address_of(send.sender)).rpartition("@")[2]


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
