"""The recipients in a request to SendGrid, without those that the API would refuse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson

from newsletter import message
from newsletter.model import Recipient, Send

MAX_RECIPIENTS = 1000
_MAX_SUBSTITUTIONS = 10_000  # bytes a recipient, keys and values together
_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
_WORD = r"[^\s,;\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
# Recipients that need no change and no refusal: address, name and link, one line each.
_USUAL = re.compile(rf"(?>{_ADDRESS}\n(?:{_WORD}(?: {_WORD})*)?\nhttps:[!-;=?-~]+\n)*+")


def personalizations(
    send: Send, batch: Sequence[Recipient]
) -> tuple[Sequence[Recipient], list[dict[str, Any]], dict[int, str]]:
    """The recipients to post, their entries, and the reasons of the refused ones by delivery.

    Recipients and entries are in the order of the batch. A single bad recipient would make
    SendGrid refuse the whole request.
    """
    usable, rejected = (batch, {}) if _are_usual(batch) else _separated(batch)
    return usable, _entries(send, usable), rejected


def _are_usual(batch: Sequence[Recipient]) -> bool:
    """Whether no recipient needs a change. Nearly every batch passes this fast test."""
    lines = "\n".join(chain.from_iterable((r.email, r.name, r.unsubscribe_url) for r in batch))
    return (
        lines.count("\n") == 3 * len(batch) - 1  # no value contains a line break
        and _USUAL.fullmatch(f"{lines}\n") is not None
        and len({recipient.email.casefold() for recipient in batch}) == len(batch)
        and max(map(len, map(orjson.dumps, (r.tokens for r in batch)))) <= _MAX_SUBSTITUTIONS
    )


def _separated(batch: Sequence[Recipient]) -> tuple[list[Recipient], dict[int, str]]:
    """The usable recipients, normalized, and the reasons of the others by delivery."""
    usable, rejected = [], {}
    seen: set[str] = set()
    for recipient in batch:
        try:
            normalized = _normalized(recipient)
            if normalized.email.casefold() in seen:
                raise ValueError("the address is twice in this request")  # noqa: TRY301
        except ValueError as error:
            rejected[recipient.delivery] = str(error)
        else:
            seen.add(normalized.email.casefold())
            usable.append(normalized)
    return usable, rejected


def _normalized(recipient: Recipient) -> Recipient:
    """The recipient with the address and the name in the form that SendGrid accepts.

    Raises ValueError with a reason for the receipt.
    """
    address = message.wire_address(recipient.email)
    if not address.isascii():
        raise ValueError("SendGrid accepts only ASCII characters before the @")
    name = _name(recipient.name)
    size = sum(len(text.encode()) for pair in recipient.tokens.items() for text in pair)
    if size > _MAX_SUBSTITUTIONS:
        raise ValueError(f"the personal parts have {size:,} bytes; SendGrid accepts 10,000")
    message.link(recipient.unsubscribe_url)
    return replace(recipient, email=address, name=name)


def _entries(send: Send, recipients: Sequence[Recipient]) -> list[dict[str, Any]]:
    shared, headers = message.shared_ids(send), message.list_headers(send)
    return [
        {
            "to": [{"email": r.email, "name": r.name} if r.name else {"email": r.email}],
            "substitutions": r.tokens,
            "headers": headers(r.unsubscribe_url),
            # The events of a test must not look like those of a delivery.
            "custom_args": shared if send.test else {**shared, "nb_delivery": str(r.delivery)},
        }
        for r in recipients
    ]


def _name(name: str) -> str:
    """The name without commas and semicolons, which SendGrid does not allow."""
    plain = message.one_line(name, "name")
    if "," in plain or ";" in plain:
        plain = plain.replace(",", " ").replace(";", " ")
    return " ".join(plain.split())
