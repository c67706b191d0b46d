"""Which delivery a mail is: what goes out with it, and comes back with every event about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from newsletter.message.headers import slug
from newsletter.model import Recipient, Send


class Ids(TypedDict):
    """Which delivery an event is about, as fields of ``Event``."""

    delivery: int
    batch: int
    send: int
    origin: tuple[str, str]  # the newsletter, as its slug, and the issue


def ids(send: Send, recipient: Recipient) -> dict[str, str]:
    """What the provider is to attach to the recipient's mail, and to give back with its events.

    Services call it custom arguments, metadata or variables. Nothing in it says who the recipient
    is.
    """
    # The events of a test must not pass for those of a delivery.
    own = {} if send.test else {"nb_delivery": str(recipient.delivery)}
    return {**shared_ids(send), **own}


def shared_ids(send: Send) -> dict[str, str]:
    """The part of ``ids`` that is the same for everyone in the batch."""
    return {
        "nb_newsletter": slug(send.newsletter),
        "nb_issue": send.about,
        "nb_send": str(send.id),
        "nb_batch": str(send.batch),
        **({"nb_test": "1"} if send.test else {}),
    }


def read_ids(attached: Mapping[str, object]) -> Ids | None:
    """What ``ids`` attached, among whatever else is there.

    None for a mail that is no delivery, such as a test: leave its events out. Where nothing was
    attached all numbers are 0: such an event can still be about an address.
    """
    delivery = _number(attached.get("nb_delivery"))
    if "nb_test" in attached or (not delivery and "nb_send" in attached):
        return None
    return {
        "delivery": delivery,
        "batch": _number(attached.get("nb_batch")),
        "send": _number(attached.get("nb_send")),
        "origin": (str(attached.get("nb_newsletter")), str(attached.get("nb_issue"))),
    }


def _number(value: object) -> int:
    """A number that a database can hold; 0 for anything else."""
    text = str(value)
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else 0
