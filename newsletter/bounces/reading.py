"""A returned mail → notices.

Reads delivery reports (RFC 3464), complaints (RFC 5965), and reports of qmail, Exim and Exchange.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from newsletter.bounces import informal_reports
from newsletter.bounces.notices import Fate, Notice, fate_of_failure

_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_STATUSES = ("message/delivery-status", "message/global-delivery-status")
_LONGEST = 500  # characters of a reason that are stored
_TEXT, _LINE = 100_000, 1_000  # characters read of a text, and of each line
_BYTES = 4 * _TEXT  # read of a part; some charsets decode slowly


def read(content: bytes) -> list[Notice]:
    """A notice for each reader that the mail is about; empty for any other mail.

    Never raises: anybody can write to the address that receives these.
    """
    try:
        mail = message_from_bytes(content)
        return list(_notices(mail, content))
    except Exception:  # noqa: BLE001 - the parser fails on hostile mails in many ways
        return []


def _notices(mail: Message, content: bytes) -> Iterator[Notice]:
    digest = hashlib.sha256((_text(mail, "Message-ID") or "").encode() or content)
    if not _text(mail, "Message-ID"):
        digest = hashlib.sha256(content)
    key, at = digest.hexdigest()[:40], _date(mail)
    parts = list(mail.walk())
    message_id, unsubscribe = _returned(parts)
    kinds = {part.get_content_type() for part in parts}
    if "message/feedback-report" in kinds:
        results = _complaints(parts)
    elif kinds & set(_STATUSES):
        results = _statuses(parts)
    else:
        plain = _plain(parts)
        results = informal_reports.failures(
            _text(mail, "X-Failed-Recipients"), plain, _from_machine(mail)
        )
        returned = message_from_string(informal_reports.returned(plain))
        message_id = message_id or _text(returned, "Message-ID")
        unsubscribe = unsubscribe or _text(returned, "List-Unsubscribe")
    for number, (fate, recipients, status, reason) in enumerate(results):
        yield Notice(
            f"mail:{key}:{number}", fate, at, recipients, message_id, unsubscribe, status,
            reason[:_LONGEST],
        )  # fmt: skip


def _statuses(parts: list[Message]) -> Iterator[informal_reports.Failure]:
    for part in parts:
        if part.get_content_type() not in _STATUSES:
            continue
        for block in _blocks(part):
            action = _text(block, "Action").lower()
            diagnostic = _typed(block, "Diagnostic-Code") or _text(block, "Status")
            status = (re.search(r"[245]\.\d{1,3}\.\d{1,3}", _text(block, "Status")) or [""])[0]
            recipients = _recipients(block, "Original-Recipient", "Final-Recipient")
            if action == "failed":
                yield fate_of_failure(status, diagnostic), recipients, status, diagnostic
            elif action == "delayed":
                yield Fate.DELAYED, recipients, status, diagnostic


def _complaints(parts: list[Message]) -> Iterator[informal_reports.Failure]:
    fates = {"abuse": Fate.COMPLAINED, "fraud": Fate.COMPLAINED, "opt-out": Fate.LEAVES}
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            for block in _blocks(part):
                kind = _text(block, "Feedback-Type").lower()
                recipients = _recipients(block, "Original-Rcpt-To", "Removal-Recipient")
                if kind in fates:
                    yield fates[kind], recipients, "", f"feedback report: {kind}"


def _blocks(part: Message) -> list[Message]:
    """The groups of header fields that make up the part."""
    payload, text = part.get_payload(), ""
    if isinstance(payload, list):
        inner = [block for block in payload if isinstance(block, Message)]
        if part.get_content_type() == "message/delivery-status":  # already parsed
            return inner
        text = "\n\n".join(block.as_bytes().decode("utf-8", "replace") for block in inner)
    text = text or _decoded(part)
    return [message_from_string(block) for block in re.split(r"\r?\n\r?\n", text) if block.strip()]


def _returned(parts: list[Message]) -> tuple[str, str]:
    """Message-ID and List-Unsubscribe of our own mail, from the returned copy."""
    for part in parts:
        kind, payload = part.get_content_type(), part.get_payload()
        if kind not in _RETURNED:
            continue
        inner = payload[0] if isinstance(payload, list) and payload else None
        mail = inner if isinstance(inner, Message) else message_from_string(_decoded(part))
        message_id, unsubscribe = _text(mail, "Message-ID"), _text(mail, "List-Unsubscribe")
        if message_id or unsubscribe:  # some servers remove the Message-ID
            return message_id, unsubscribe
    return "", ""


def _recipients(block: Message, *names: str) -> tuple[str, ...]:
    """The addresses in these fields, without their type: ``rfc822; ada@example.com``."""
    matches = (informal_reports.ADDRESS.search(_typed(block, name)) for name in names)
    return tuple(dict.fromkeys(match[0] for match in matches if match))


def _typed(block: Message, name: str) -> str:
    value = _text(block, name)
    kind, semicolon, rest = value.partition(";")
    return rest.strip() if semicolon and re.fullmatch(r"\s*[\w-]+\s*", kind) else value


def _text(mail: Message, name: str) -> str:
    """A header on one line, empty if it is missing. Bytes beyond ASCII are read as UTF-8."""
    header = next(
        (str(value) for key, value in mail.raw_items() if key.lower() == name.lower()), ""
    )
    start = header[: informal_reports.LONGEST]
    plain = start.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(plain.split())


def _date(mail: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(_text(mail, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if not 1990 <= date.year < 2200:  # no real date of a mail
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)


def _from_machine(mail: Message) -> bool:
    """Whether a mail server wrote it, not a person or a vacation program."""
    sender = parseaddr(_text(mail, "From"))[1].lower()
    empty = _text(mail, "Return-Path") == "<>"
    return empty or sender.startswith(("mailer-daemon@", "postmaster@", "mail-daemon@"))


def _plain(parts: list[Message]) -> str:
    texts = (_decoded(part) for part in parts if part.get_content_type() == "text/plain")
    text = "\n".join(texts)[:_TEXT].replace("\r\n", "\n")
    return "\n".join(line[:_LINE] for line in text.split("\n"))


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return str(part.get_payload())
    payload = payload[:_BYTES]
    try:
        text = payload.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return payload.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()  # some charsets decode to lone surrogates
