"""The bytes of one mail for one recipient, as they are sent or written to an .eml file.

``email.message.EmailMessage`` is not used for the headers: it writes a long unsubscribe link as
encoded words, which no mail program follows, and it changes line ends.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from itertools import starmap

from newsletter.links.tokens import fill, find_all
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

_LINE = 76  # most characters in a line of the headers


def check(send: Send) -> None:
    """Raises ValueError if something is wrong with every mail of the send."""
    one_line(send.subject, "subject")
    one_line(send.newsletter, "name of the newsletter")
    for name, mailbox in (("sender", send.sender), ("reply address", send.reply_to)):
        if mailbox:
            wire_address(parseaddr(one_line(mailbox, name))[1])


def mail(send: Send, recipient: Recipient, at: datetime) -> bytes:
    """The whole mail with CRLF line ends. It is ASCII unless an address is not.

    ``at`` becomes its Date. Raises ValueError, with a reason for the receipt, if a value is not
    safe in a header.
    """
    return prepare(send).mail(recipient, at)


def prepare(send: Send) -> PreparedSend:
    """Encode what all mails of the send share; cached over its batches.

    Raises ValueError as ``check`` does.
    """
    return _prepare(replace(send, batch=0, send_at=None, recall_id=None))


@lru_cache(maxsize=4)
def _prepare(send: Send) -> PreparedSend:
    check(send)
    return PreparedSend(send)


class PreparedSend:
    """What all mails of a send share, encoded once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._subject = "" if find_all(send.subject) else _subject(send.subject)
        self.sender = wire_address(address_of(send.sender))  # the envelope's sender
        self._from = _line("From", _mailbox("From", *parseaddr(send.sender)))
        self._reply_to = ""
        if send.reply_to:
            self._reply_to = _line("Reply-To", _mailbox("Reply-To", *parseaddr(send.reply_to)))
        self._headers = list_headers(send)
        self._list_id = "" if send.alert else _line("List-Id", _list_id(send))
        boundary = f"=_{_alphanumeric(send.hash)}"  # "=_" occurs in neither transfer encoding
        self._kind = "MIME-Version: 1.0\r\n" + _line(
            "Content-Type", f'multipart/alternative; boundary="{boundary}"'
        )
        self._edge = f"--{boundary}".encode()
        self._parts = (Part("plain", send.text), Part("html", send.html))

    def mail(self, recipient: Recipient, at: datetime) -> bytes:
        """The whole mail, as the function ``mail`` returns it."""
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
    """The text in the form of RFC 2047: plain if it is ASCII, otherwise folded encoded words."""
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, _LINE, header).encode(linesep="\r\n")


def _phrase(header: str, name: str) -> str:
    """A name before an address: plain, quoted, or as encoded words."""
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
    """The same id for the same delivery, so that mailboxes show a repeated mail once.

    A test's id contains its time, because mailboxes drop a second mail with the same id.
    """
    test = f".test-{at:%Y%m%d%H%M%S%f}" if send.test else ""
    return f"<{_alphanumeric(send.hash)}{test}.{recipient.delivery}@{_domain(send)}>"


def _alphanumeric(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)[:16] or "0"


def _line(name: str, value: str) -> str:
    """A header line. A long one is folded before a link or an address, never inside it."""
    if len(f"{name}: {value}".rpartition("\n")[2]) > _LINE:
        value = value.replace(" <", "\r\n <")
    return f"{name}: {value}\r\n"
