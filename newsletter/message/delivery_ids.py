"""The ids that go out with a mail and come back with every event about it."""

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
    """The ids that the service must attach to the recipient's mail and return with its events.

    Services call them custom arguments, metadata or variables. They contain no personal data.
    """
    # The events of a test must not look like those of a delivery.
    delivery = {} if send.test else {"nb_delivery": str(recipient.delivery)}
    return {**shared_ids(send), **delivery}


def shared_ids(send: Send) -> dict[str, str]:
    """The part of ``ids`` that is the same for every recipient in the batch."""
    return {
        "nb_newsletter": slug(send.newsletter),
        "nb_issue": send.about,
        "nb_send": str(send.id),
        "nb_batch": str(send.batch),
        **({"nb_test": "1"} if send.test else {}),
    }


def read_ids(attached: Mapping[str, object]) -> Ids | None:
    """Read the ids back from an event's keys, among which others may be.

    Returns None for a mail that is not a delivery, such as a test: leave its events out. If there
    are no ids, all numbers are 0; such an event can still be about an address.
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
    """The value as a number that fits the database's columns; 0 for anything else."""
    text = str(value)
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else 0
