"""A batch as the body of POST /v3/mail/send."""

from __future__ import annotations

import math
from collections.abc import Sequence
from email.utils import parseaddr
from typing import Any

import orjson

from newsletter import message
from newsletter.model import Send

MAX_BYTES = 30_000_000


def request(
    send: Send, entries: Sequence[dict[str, Any]], *, clicks: bool = False, opens: bool = False
) -> bytes:
    """The request's body. Text and HTML are the send's, byte for byte; SendGrid fills in tokens.

    The tracking settings are always sent, so that no setting of the account changes the mail.
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
        "categories": [message.slug(send.newsletter)[:255], send.about],
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


def _mailbox(text: str) -> dict[str, str]:
    name, address = parseaddr(text)
    mailbox = {"email": message.wire_address(address)}
    return mailbox | ({"name": name} if name else {})
