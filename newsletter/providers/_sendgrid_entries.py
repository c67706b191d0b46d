"""The readers of a request to SendGrid: an entry for each, and what the API refuses kept out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from newsletter.model import Recipient, Send
from newsletter.providers import _message

MAX_RECIPIENTS = 1000
_MAX_SUBSTITUTIONS = 10_000  # bytes a recipient, keys and values together
_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
_WORD = r"[^\s,;\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
# Readers with nothing about them that would have to be changed or refused, three lines each.
_USUAL = re.compile(rf"(?>{_ADDRESS}\n(?:{_WORD}(?: {_WORD})*)?\nhttps:[!-;=?-~]+\n)*+")


def personalizations(
    send: Send, batch: Sequence[Recipient]
) -> tuple[Sequence[Recipient], list[dict[str, Any]], dict[int, str]]:
    """Who can be in the request, in the order of the batch; the entries of those; and by delivery
    the reason why the others cannot. One of those would fail the whole request.
    """
    entry = _entries(send)
    if _usual(batch):
        return batch, [entry(each, each.email, each.name) for each in batch], {}
    fit, entries, unfit = [], [], {}
    seen: set[str] = set()
    for recipient in batch:
        try:
            address, name = _fitting(recipient)
            if address.casefold() in seen:
                raise ValueError("the address stands twice in this request")  # noqa: TRY301
            entries.append(entry(recipient, address, name))
        except ValueError as error:
            unfit[recipient.delivery] = str(error)
        else:
            seen.add(address.casefold())
            fit.append(recipient)
    return fit, entries, unfit


def _usual(batch: Sequence[Recipient]) -> bool:
    """Whether all can go in as they are. Looked at at once, as nearly every batch is such."""
    lines = "\n".join(chain.from_iterable((r.email, r.name, r.unsubscribe_url) for r in batch))
    tokens = [recipient.tokens for recipient in batch]
    return (
        lines.count("\n") == 3 * len(batch) - 1  # nobody brings lines of their own
        and _USUAL.fullmatch(f"{lines}\n") is not None
        and len({recipient.email.casefold() for recipient in batch}) == len(batch)
        and 4 * max(map(_letters, tokens)) <= _MAX_SUBSTITUTIONS
    )


def _fitting(recipient: Recipient) -> tuple[str, str]:
    """The address and the name as they may stand in a request.

    Raises ValueError with a reason for the receipt.
    """
    address = _message.wire_address(recipient.email)
    if not address.isascii():
        raise ValueError("SendGrid takes only addresses of ASCII letters before the @")
    if 4 * _letters(recipient.tokens) > _MAX_SUBSTITUTIONS:
        size = sum(len(text.encode()) for pair in recipient.tokens.items() for text in pair)
        if size > _MAX_SUBSTITUTIONS:
            raise ValueError(f"the personal parts have {size} bytes; SendGrid takes 10,000")
    _message.link(recipient.unsubscribe_url)
    return address, _name(recipient.name)


def _letters(tokens: Mapping[str, str]) -> int:
    """Of all keys and values; a letter has four bytes at most."""
    return len("".join((*tokens, *tokens.values())))


def _entries(send: Send) -> Callable[[Recipient, str, str], dict[str, Any]]:
    """What makes a recipient's entry, with the address and the name as they may stand in it."""
    shared, headers, test = _shared_arguments(send), _message.list_headers(send), send.test

    def entry(recipient: Recipient, address: str, name: str) -> dict[str, Any]:
        return {
            "to": [{"email": address, "name": name} if name else {"email": address}],
            "substitutions": recipient.tokens,
            "headers": headers(recipient.unsubscribe_url),
            # The events of a test must not pass for those of a delivery.
            "custom_args": shared if test else {**shared, "nb_delivery": str(recipient.delivery)},
        }

    return entry


def _shared_arguments(send: Send) -> dict[str, str]:
    """What comes back with every event; nothing in it says who the recipient is."""
    return {
        "nb_newsletter": _message.slug(send.newsletter),
        "nb_issue": send.issue,
        "nb_send": str(send.id),
        "nb_batch": str(send.batch),
        **({"nb_test": "1"} if send.test else {}),
    }


def _name(name: str) -> str:
    """The name without the two characters that SendGrid does not allow in one."""
    plain = _message.one_line(name, "name")
    if "," in plain or ";" in plain:
        plain = plain.replace(",", " ").replace(";", " ")
    return " ".join(plain.split())
