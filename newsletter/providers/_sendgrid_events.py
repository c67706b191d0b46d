"""SendGrid's Event Webhook: verify the signature, then read the events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from newsletter.config import secret
from newsletter.errors import ProviderError
from newsletter.model import Event

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"


def verify(headers: Mapping[str, str], body: bytes) -> None:
    """Raises ProviderError unless SendGrid signed exactly these bytes."""
    from sendgrid.helpers.eventwebhook import EventWebhook

    key = secret("SENDGRID_EVENT_PUBLIC_KEY")
    if not key:
        raise ProviderError(
            "Events cannot be verified: SENDGRID_EVENT_PUBLIC_KEY is not set. Copy the "
            "verification key from SendGrid's Event Webhook settings into it."
        )
    given = {name.lower(): value for name, value in headers.items()}
    if _SIGNATURE not in given or _TIMESTAMP not in given:
        raise ProviderError(
            "The request carries no signature. Turn on the signed Event Webhook in SendGrid."
        )
    try:
        verifier = EventWebhook("".join(key.split()))
    except Exception as error:  # a wrong key fails in many ways
        raise ProviderError(
            "SENDGRID_EVENT_PUBLIC_KEY is not a public key. Copy the verification key anew from "
            "SendGrid's Event Webhook settings."
        ) from error
    try:
        genuine = verifier.verify_signature(body.decode(), given[_SIGNATURE], given[_TIMESTAMP])
    except (ValueError, TypeError):  # not base64, not UTF-8: surely not from SendGrid
        genuine = False
    if not genuine:
        raise ProviderError(
            "The request is not from SendGrid: its signature is wrong. If SendGrid did send it, "
            "copy the verification key anew into SENDGRID_EVENT_PUBLIC_KEY."
        )


def parse(body: bytes) -> list[Event]:
    """The events about deliveries of ours, in their order; all others are left out.

    Raises ProviderError where the body is no list of events.
    """
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(event, dict) for event in found):
        raise ProviderError("The request holds no list of events. It is left out.")
    return [event for event in map(_event, found) if event]


def _event(raw: Mapping[str, Any]) -> Event | None:
    try:
        at = datetime.fromtimestamp(float(raw["timestamp"]), UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None
    kind, delivery = raw.get("event"), _number(raw.get("nb_delivery"))
    if not isinstance(kind, str) or not delivery:
        return None
    # The id is what repeated events are known by; one without it is known by its content.
    content = json.dumps(raw, sort_keys=True).encode()
    id_ = str(raw.get("sg_event_id") or hashlib.sha256(content).hexdigest())
    return Event(
        id=id_,
        kind=kind,
        delivery=delivery,
        at=at,
        raw=raw,
        batch=_number(raw.get("nb_batch")),
        send=_number(raw.get("nb_send")),
        origin=(str(raw.get("nb_newsletter")), str(raw.get("nb_issue"))),
    )


def _number(value: Any) -> int:
    """A number that a database can hold; 0 for anything else."""
    text = str(value)
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else 0
