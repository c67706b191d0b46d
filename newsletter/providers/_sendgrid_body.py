"""A batch as the body of POST /v3/mail/send, with what the API refuses kept out beforehand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

from newsletter.model import Recipient, Send
from newsletter.providers import _message

MAX_RECIPIENTS = 1000
MAX_BYTES = 30_000_000
_MAX_SUBSTITUTIONS = 10_000  # bytes a recipient, keys and values together

# Said outright, so that no setting of the account changes a byte of the mail.
_TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}


def personalizations(
    send: Send, batch: Sequence[Recipient]
) -> tuple[list[tuple[Recipient, dict[str, Any]]], dict[int, str]]:
    """Who can be in the request, in the order of the batch, each with their entry in it; and by
    delivery the reason why the others cannot. One of those would fail the whole request.
    """
    fit, unfit = [], {}
    seen: set[str] = set()
    for recipient in batch:
        try:
            entry = _personalization(send, recipient)
            address = entry["to"][0]["email"].casefold()
            if address in seen:
                raise ValueError("the address stands twice in this request")  # noqa: TRY301
        except ValueError as error:
            unfit[recipient.delivery] = str(error)
        else:
            seen.add(address)
            fit.append((recipient, entry))
    return fit, unfit


def request(send: Send, entries: Sequence[dict[str, Any]]) -> bytes:
    """The body. Text and HTML are the send's, byte for byte; SendGrid fills the tokens in."""
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
        "tracking_settings": _TRACKING,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _personalization(send: Send, recipient: Recipient) -> dict[str, Any]:
    """One recipient's entry; raises ValueError with a reason for the receipt."""
    address = _message.wire_address(recipient.email)
    if not address.isascii():
        raise ValueError("SendGrid takes only addresses of ASCII letters before the @")
    size = sum(len(key.encode()) + len(text.encode()) for key, text in recipient.tokens.items())
    if size > _MAX_SUBSTITUTIONS:
        raise ValueError(f"the personal parts have {size} bytes; SendGrid takes 10,000")
    to = {"email": address}
    if name := _name(recipient.name):
        to["name"] = name
    return {
        "to": [to],
        "substitutions": dict(recipient.tokens),
        "headers": _message.list_headers(send, recipient),
        "custom_args": _custom_args(send, recipient),
    }


def _custom_args(send: Send, recipient: Recipient) -> dict[str, str]:
    """What comes back with every event; nothing in it says who the recipient is."""
    arguments = {
        "nb_newsletter": _message.slug(send.newsletter),
        "nb_issue": send.issue,
        "nb_send": str(send.id),
        "nb_batch": str(send.batch),
    }
    # The events of a test must not pass for those of a delivery.
    return arguments | ({"nb_test": "1"} if send.test else {"nb_delivery": str(recipient.delivery)})


def _name(name: str) -> str:
    """The name without the two characters that SendGrid does not allow in one."""
    plain = _message.one_line(name, "name").replace(",", " ").replace(";", " ")
    return " ".join(plain.split())


def _mailbox(text: str) -> dict[str, str]:
    name, address = parseaddr(text)
    mailbox = {"email": _message.wire_address(address)}
    return mailbox | ({"name": name} if name else {})
