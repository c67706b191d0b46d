"""A batch as the body of POST /v3/mail/send, with what the API refuses kept out beforehand."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from typing import Any

import orjson

from newsletter.model import Recipient, Send
from newsletter.providers import _message

MAX_RECIPIENTS = 1000
MAX_BYTES = 30_000_000
_MAX_SUBSTITUTIONS = 10_000  # bytes a recipient, keys and values together
# Nearly every address: what `_message.wire_address` gives back as it is.
_USUAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
)


def personalizations(
    send: Send, batch: Sequence[Recipient]
) -> tuple[list[tuple[Recipient, dict[str, Any]]], dict[int, str]]:
    """Who can be in the request, in the order of the batch, each with their entry in it; and by
    delivery the reason why the others cannot. One of those would fail the whole request.
    """
    fit, unfit = [], {}
    seen: set[str] = set()
    shared = _shared_arguments(send)
    for recipient in batch:
        try:
            entry = _personalization(send, recipient, shared)
            address = entry["to"][0]["email"].casefold()
            if address in seen:
                raise ValueError("the address stands twice in this request")  # noqa: TRY301
        except ValueError as error:
            unfit[recipient.delivery] = str(error)
        else:
            seen.add(address)
            fit.append((recipient, entry))
    return fit, unfit


def request(
    send: Send, entries: Sequence[dict[str, Any]], *, clicks: bool = False, opens: bool = False
) -> bytes:
    """The body. Text and HTML are the send's, byte for byte; SendGrid fills the tokens in.

    Tracking is said outright, so that no setting of the account changes a byte of the mail.
    """
    body = {
        "personalizations": entries,
        "from": _mailbox(send.sender),
        **({"reply_to": _mailbox(send.reply_to)} if send.reply_to else {}),
        "subject": send.subject,
        "content": [
            {"type": "text/plain", "value": send.text},
            {"type": "text/html", "value": send.html},
        ],
        "categories": [_message.slug(send.newsletter)[:255], send.issue],
        **({"send_at": math.ceil(send.send_at.timestamp())} if send.send_at else {}),
        **({"batch_id": send.recall_id} if send.recall_id else {}),
        "tracking_settings": {
            "click_tracking": {"enable": clicks and not send.alert, "enable_text": False},
            "open_tracking": {"enable": opens and not send.alert},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }
    return orjson.dumps(body)


def _personalization(send: Send, recipient: Recipient, shared: Mapping[str, str]) -> dict[str, Any]:
    """One recipient's entry; raises ValueError with a reason for the receipt."""
    address = recipient.email
    if not _USUAL.fullmatch(address):
        address = _message.wire_address(address)
        if not address.isascii():
            raise ValueError("SendGrid takes only addresses of ASCII letters before the @")
    tokens = recipient.tokens
    if (size := _size(tokens)) > _MAX_SUBSTITUTIONS:
        raise ValueError(f"the personal parts have {size} bytes; SendGrid takes 10,000")
    to = {"email": address}
    if recipient.name and (name := _name(recipient.name)):
        to["name"] = name
    arguments = {**shared}
    if not send.test:  # the events of a test must not pass for those of a delivery
        arguments["nb_delivery"] = str(recipient.delivery)
    return {
        "to": [to],
        "substitutions": tokens,
        "headers": _message.own_headers(send, recipient),
        "custom_args": arguments,
    }


def _shared_arguments(send: Send) -> dict[str, str]:
    """What comes back with every event; nothing in it says who the recipient is."""
    return {
        "nb_newsletter": _message.slug(send.newsletter),
        "nb_issue": send.issue,
        "nb_send": str(send.id),
        "nb_batch": str(send.batch),
        **({"nb_test": "1"} if send.test else {}),
    }


def _size(tokens: Mapping[str, str]) -> int:
    """Bytes of all keys and values. Few are near the limit, so letters are counted first."""
    letters = len("".join((*tokens, *tokens.values())))
    if letters * 4 <= _MAX_SUBSTITUTIONS:
        return letters
    return sum(len(text.encode()) for pair in tokens.items() for text in pair)


def _name(name: str) -> str:
    """The name without the two characters that SendGrid does not allow in one."""
    plain = _message.one_line(name, "name")
    if "," in plain or ";" in plain:
        plain = plain.replace(",", " ").replace(";", " ")
    return " ".join(plain.split())


def _mailbox(text: str) -> dict[str, str]:
    name, address = parseaddr(text)
    mailbox = {"email": _message.wire_address(address)}
    return mailbox | ({"name": name} if name else {})
