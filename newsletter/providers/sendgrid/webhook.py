"""SendGrid's Event Webhook: verify the signature, then read the events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from newsletter import scanners
from newsletter.config import secret
from newsletter.errors import ProviderError
from newsletter.message import read_ids
from newsletter.model import Consequence, Event, EventKind

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_MAX_ID = 100  # characters of an id
_MAX_AGENT = 1_000  # characters of a user agent that are searched
_MAX_SECONDS = 1 << 33  # no event has a later timestamp
_MAX_DEPTH = 20  # of lists in lists; Python cannot serialize some hundreds
_KINDS = {
    "processed": EventKind.PROCESSED,
    "deferred": EventKind.DEFERRED,
    "dropped": EventKind.DROPPED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
# Reasons about the address. Others, such as "Spam Content", are about the mail.
_DROP_REASONS = {
    "bounced address": EventKind.BOUNCED,
    "invalid": EventKind.BOUNCED,
    "spam reporting address": EventKind.COMPLAINED,
    "unsubscribed address": EventKind.UNSUBSCRIBED,
}
_STORED_KEYS = frozenset(
    ("email", "event", "timestamp", "smtp-id", "category", "send_at", "useragent", "ip", "url")
)


def verify(headers: Mapping[str, str], body: bytes) -> None:
    """Raises ProviderError unless SendGrid signed exactly these bytes."""
    from sendgrid.helpers.eventwebhook import EventWebhook

    key = secret("SENDGRID_EVENT_PUBLIC_KEY")
    if not key:
        raise ProviderError(
            "Events cannot be verified: SENDGRID_EVENT_PUBLIC_KEY is not set. Copy the "
            "verification key from SendGrid's Event Webhook settings into it."
        )
    received = {name.lower(): value for name, value in headers.items()}
    if _SIGNATURE not in received or _TIMESTAMP not in received:
        raise ProviderError(
            "The request has no signature. Turn on the signed Event Webhook in SendGrid."
        )
    try:
        verifier = EventWebhook("".join(key.split()))
    except Exception as error:  # a wrong key fails in many ways
        raise ProviderError(
            "SENDGRID_EVENT_PUBLIC_KEY is not a public key. Copy the verification key again from "
            "SendGrid's Event Webhook settings."
        ) from error
    try:
        genuine = verifier.verify_signature(
            body.decode(), received[_SIGNATURE], received[_TIMESTAMP]
        )
    except (ValueError, TypeError):  # not base64 or not UTF-8, so not from SendGrid
        genuine = False
    if not genuine:
        raise ProviderError(
            "The request is not from SendGrid: its signature is wrong. If SendGrid did send it, "
            "copy the verification key into SENDGRID_EVENT_PUBLIC_KEY again."
        )


def parse(body: str | bytes) -> list[Event]:
    """The events in their order, without those about mails of other programs.

    Raises ProviderError if the body is not a list of events.
    """
    entries = _read(body)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ProviderError("The request contains no list of events, so it was ignored.")
    return [event for event in map(_event, entries) if event]


def _read(body: str | bytes) -> Any:
    """The JSON document, or None. Lone surrogates, which some user agents contain, are replaced."""
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    try:
        return orjson.loads(
            json.dumps(json.loads(body), ensure_ascii=False).encode(errors="replace")
        )
    except (ValueError, RecursionError):
        return None


def _event(entry: Mapping[str, Any]) -> Event | None:
    raw = {key: value for key, value in entry.items() if not _too_deep(value)}
    try:
        seconds = float(raw["timestamp"])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    if not 0 <= seconds < _MAX_SECONDS:
        return None
    word, ids = raw.get("event"), read_ids(raw)
    if not isinstance(word, str) or not word or not word.isprintable() or ids is None:
        return None
    # The id identifies repeated events. An event without one is identified by its content.
    id_ = raw.get("sg_event_id")
    if not isinstance(id_, str) or not 0 < len(id_) <= _MAX_ID or not id_.isprintable():
        id_ = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
    kind = _kind(word, raw)
    event = Event(
        id=id_,
        kind=kind,
        at=datetime.fromtimestamp(seconds, UTC),
        email=str(raw.get("email") or ""),
        link=str(raw.get("url") or "") or None if kind is EventKind.CLICKED else None,
        machine=_is_machine(kind, raw),
        dropped_for=_DROP_REASONS.get(str(raw.get("reason")).lower())
        if kind is EventKind.DROPPED
        else None,
        word=word,
        details={key: value for key, value in raw.items() if not _has_column(key)},
        **ids,
    )
    # Events without a delivery are about mails of other programs on the same account.
    return event if event.delivery or event.consequence >= Consequence.LEAVES else None


def _too_deep(value: Any, left: int = _MAX_DEPTH) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return not left or any(_too_deep(item, left - 1) for item in inner)


def _kind(word: str, raw: Mapping[str, Any]) -> EventKind:
    if word == "bounce" and raw.get("type") == "blocked":
        return EventKind.SOFT_BOUNCED
    return _KINDS.get(word, EventKind.OTHER)


def _is_machine(kind: EventKind, raw: Mapping[str, Any]) -> bool:
    if kind not in {EventKind.OPENED, EventKind.CLICKED}:
        return False
    return raw.get("sg_machine_open") is True or scanners.known(
        str(raw.get("useragent") or "")[:_MAX_AGENT]
    )


def _has_column(key: str) -> bool:
    """Whether the database stores the key in a column of its own."""
    return key in _STORED_KEYS or key.startswith(("nb_", "sg_"))
