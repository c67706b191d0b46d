"""The readers of a request to SendGrid: an entry for each, and what the API refuses kept out."""

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
# Readers with nothing about them that would have to be changed or refused, three lines each.
_USUAL = re.compile(rf"(?>{_ADDRESS}\n(?:{_WORD}(?: {_WORD})*)?\nhttps:[!-;=?-~]+\n)*+")


def personalizations(
    send: Send, batch: Sequence[Recipient]
) -> tuple[Sequence[Recipient], list[dict[str, Any]], dict[int, str]]:
    """Who can be in the request, as they stand in it and in the order of the batch; the entries
    of those; and by delivery the reason why the others cannot. One of those would fail it whole.
    """
    fit, unfit = (batch, {}) if _usual(batch) else _sorted_out(batch)
    return fit, _entries(send, fit), unfit


def _usual(batch: Sequence[Recipient]) -> bool:
    """Whether all can go in as they are. Looked at at once, as nearly every batch is such."""
    lines = "\n".join(chain.from_iterable((r.email, r.name, r.unsubscribe_url) for r in batch))
    return (
        lines.count("\n") == 3 * len(batch) - 1  # nobody brings lines of their own
        and _USUAL.fullmatch(f"{lines}\n") is not None
        and len({recipient.email.casefold() for recipient in batch}) == len(batch)
        and max(map(len, map(orjson.dumps, (r.tokens for r in batch)))) <= _MAX_SUBSTITUTIONS
    )


def _sorted_out(batch: Sequence[Recipient]) -> tuple[list[Recipient], dict[int, str]]:
    """Each looked at alone: who fits, once made to; and the reasons of the others."""
    fit, unfit = [], {}
    seen: set[str] = set()
    for recipient in batch:
        try:
            fitting = _fitting(recipient)
            if fitting.email.casefold() in seen:
                raise ValueError("the address stands twice in this request")  # noqa: TRY301
        except ValueError as error:
            unfit[recipient.delivery] = str(error)
        else:
            seen.add(fitting.email.casefold())
            fit.append(fitting)
    return fit, unfit


def _fitting(recipient: Recipient) -> Recipient:
    """The recipient with address and name as they may stand in a request.

    Raises ValueError with a reason for the receipt.
    """
    address = message.wire_address(recipient.email)
    if not address.isascii():
        raise ValueError("SendGrid takes only addresses of ASCII letters before the @")
    name = _name(recipient.name)
    size = sum(len(text.encode()) for pair in recipient.tokens.items() for text in pair)
    if size > _MAX_SUBSTITUTIONS:
        raise ValueError(f"the personal parts have {size} bytes; SendGrid takes 10,000")
    message.link(recipient.unsubscribe_url)
    return replace(recipient, email=address, name=name)


def _entries(send: Send, people: Sequence[Recipient]) -> list[dict[str, Any]]:
    shared, headers = message.shared_ids(send), message.list_headers(send)
    return [
        {
            "to": [{"email": r.email, "name": r.name} if r.name else {"email": r.email}],
            "substitutions": r.tokens,
            "headers": headers(r.unsubscribe_url),
            # The events of a test must not pass for those of a delivery.
            "custom_args": shared if send.test else {**shared, "nb_delivery": str(r.delivery)},
        }
        for r in people
    ]


def _name(name: str) -> str:
    """The name without the two characters that SendGrid does not allow in one."""
    plain = message.one_line(name, "name")
    if "," in plain or ";" in plain:
        plain = plain.replace(",", " ").replace(";", " ")
    return " ".join(plain.split())
