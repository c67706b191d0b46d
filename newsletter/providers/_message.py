"""One mail for one recipient, as the bytes that go over the wire and into an .eml file.

The head is written here and not by ``email.message.EmailMessage``: that one turns a long
unsubscribe link into encoded words, which no mail program follows, and rewrites line ends.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

from newsletter.model import Recipient, Send
from newsletter.tokens import fill

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
    sender = parseaddr(send.sender)
    subject = one_line(fill(send.subject, recipient.tokens), "subject")
    boundary = f'"=_{_letters(send.hash)}"'  # "=_" occurs in neither transfer encoding
    head = {
        "Date": format_datetime(at),
        "Message-ID": _message_id(send, recipient, at),
        "From": _mailbox("From", *sender),
        "To": _mailbox("To", recipient.name, recipient.email),
        **({"Reply-To": _mailbox("Reply-To", *parseaddr(send.reply_to))} if send.reply_to else {}),
        "Subject": _words("Subject", subject),
        "List-Id": _list_id(send),
        **list_headers(send, recipient),
        "MIME-Version": "1.0",
        "Content-Type": f"multipart/alternative; boundary={boundary}",
    }
    edge = b"--" + boundary.strip('"').encode()
    parts = [
        _part("plain", fill(send.text, recipient.tokens)),
        _part("html", fill(send.html, recipient.tokens)),
    ]
    body = b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts)
    return _lines(head).encode() + b"\r\n" + body + edge + b"--\r\n"


def list_headers(send: Send, recipient: Recipient) -> dict[str, str]:
    """List-Unsubscribe, and List-Unsubscribe-Post where the link takes one click (RFC 8058).

    Raises ValueError for a link that must not stand in a header.
    """
    link = recipient.unsubscribe_url
    if not _LINK.fullmatch(link):
        raise ValueError("the unsubscribe link is not a plain https or mailto address")
    if link.startswith("mailto:"):
        return {"List-Unsubscribe": f"<{link}>"}
    desk = quote(parseaddr(send.reply_to or send.sender)[1], safe="@+")
    headers = {"List-Unsubscribe": f"<{link}>, <mailto:{desk}?subject=unsubscribe>"}
    if link.startswith("https:"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def wire_address(email: str) -> str:
    """The address with its domain in ASCII; the part before the @ stays as it is.

    Raises ValueError where it cannot be an address.
    """
    match = _ADDRESS.fullmatch(one_line(email, "address"))
    if not match:
        raise ValueError("the address is not an email address")
    try:
        domain = match[2].encode("idna").decode()
    except UnicodeError:
        domain = ""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", domain):
        raise ValueError("the domain of the address is not a domain name")
    return f"{match[1]}@{domain}"


def one_line(value: str, what: str) -> str:
    """The value, once it is known that it cannot begin a new header; else raises ValueError."""
    if _CONTROL.search(value):
        raise ValueError(f"the {what} has a line break or another control character in it")
    return value


def slug(text: str) -> str:
    """The text in lower-case ASCII letters, digits and hyphens; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words or "n-" + hashlib.sha256(text.encode()).hexdigest()[:8]


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


def _domain(send: Send) -> str:
    return wire_address(parseaddr(send.sender)[1]).rpartition("@")[2]


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


def _lines(head: Mapping[str, str]) -> str:
    """The header block; long ones are folded before a link or an address, never inside."""
    block = ""
    for name, value in head.items():
        if len(f"{name}: {value}".rpartition("\n")[2]) > _LINE:
            value = value.replace(" <", "\r\n <")
        block += f"{name}: {value}\r\n"
    return block


def _part(subtype: str, text: str) -> bytes:
    """One part in the shorter of the two encodings; decoded, it is the text byte for byte."""
    data = text.encode()
    charset = "us-ascii" if data.isascii() else "utf-8"
    quoted = binascii.b2a_qp(data, istext=False)  # line ends are encoded too, so nobody turns them
    encoded = base64.encodebytes(data)
    name, payload = "quoted-printable", quoted
    if len(encoded) < len(quoted):
        name, payload = "base64", encoded
    head = f"Content-Type: text/{subtype}; charset={charset}\r\nContent-Transfer-Encoding: {name}"
    return head.encode() + b"\r\n\r\n" + payload.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
