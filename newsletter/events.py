"""What a provider reports later.

An event proves that its request was taken, and settles doubt; it moves its delivery forward, and
says who is not to be mailed any more. Events may come twice, late and in any order.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from newsletter.message import slug
from newsletter.model import Consequence, Event, EventKind, Reported
from newsletter.sanitize import canonical
from newsletter.scanners import PREFETCH
from newsletter.store import Connection, doubt, events, sends, suppression
from newsletter.store.address_keys import address_keys
from newsletter.store.events import Row, Told
from newsletter.store.lists import lock_lists
from newsletter.store.reader_pseudonyms import reader, reader_key
from newsletter.store.subscribers import numbers
from newsletter.store.suppression import PersonEvent

log = logging.getLogger(__name__)

KINDS = frozenset(EventKind)
# Kinds that say nothing of whether the mail has left the provider.
BEFORE = frozenset((EventKind.PROCESSED, EventKind.DROPPED, EventKind.OTHER))
LOOKS = frozenset((EventKind.OPENED, EventKind.CLICKED))
# Kinds of which neither the reader nor the details are stored.
IMPERSONAL = LOOKS | {EventKind.PROCESSED, EventKind.DELIVERED}
LONGEST_KEY, LONGEST_KIND = 100, 40  # characters, as the columns have it
LONGEST = 2_000  # characters of an address that was clicked
# A reader's own link of ours, by the form of its key; a story may well be below "/preferences/".
_PERSONAL = re.compile(
    r"(/(?:unsubscribe|preferences)/)\d{1,4}-\d+-\d+-[\w-]{20}.*"
    r"|(/(?:confirm|approve)/)\d{1,4}\.[\w.-]{40}.*",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True)
class EventPolicy:
    """``per_reader``: whether it is kept who opened and clicked."""

    now: datetime
    per_reader: bool = False


def settle_doubt(connection: Connection, reported: Iterable[Event], now: datetime) -> int:
    """Settle what the events tell; how many readers that were in doubt, or waited, have the mail.

    Those about the sends of another database, which may share the provider's account, change
    nothing.
    """
    settled = 0
    for send_id, listed, _ in _by_send(connection, reported):
        # Nearly all are about readers of whom everything is known.
        batches, deliveries = doubt.open_among(
            connection, send_id, {e.batch for e in listed}, {e.delivery for e in listed}
        )
        # In one order, so that two requests with the same events do not wait for each other.
        for event in sorted(listed, key=lambda e: (e.batch, e.delivery)):
            if event.batch in batches or event.delivery in deliveries:
                left = event.kind not in BEFORE
                settled += doubt.witnessed(
                    connection, send_id, event.batch, event.delivery, now, left=left
                )
    return settled


def store_events(connection: Connection, reported: Iterable[Event], reading: EventPolicy) -> int:
    """Store each event once, with what follows from it; how many are new."""
    listed = list(reported)
    lock_lists(connection, shared=True)
    keys = address_keys(connection)
    new, effects = 0, []
    for send_id, ours, foreign in _by_send(connection, listed):
        for origin in {event.origin for event in foreign}:
            _log_foreign(*origin, send_id)
        count, of_send = _of_send(connection, send_id, ours, reading)
        new += count
        effects += of_send
    unnamed = [event for event in listed if not event.delivery]
    by_address = [e for e in unnamed if e.email and e.consequence >= Consequence.LEAVES]
    if len(by_address) < len(unnamed):
        _log_unnamed()
    people = numbers(connection, {e.email: keys.key(e.email) for e in by_address})
    by_address = [event for event in by_address if event.email in people]
    new += len(
        events.add(connection, [_row(e, reading, None, people[e.email]) for e in by_address])
    )
    effects += [
        PersonEvent(people[event.email], event.consequence, event.at, None) for event in by_address
    ]
    suppression.apply_events(
        connection, [effect for effect in effects if effect.consequence], reading.now
    )
    return new


def _of_send(
    connection: Connection, send_id: int, listed: Sequence[Event], reading: EventPolicy
) -> tuple[int, list[PersonEvent]]:
    """The events of one send: how many are new, and what they mean for people."""
    deliveries = events.told(connection, send_id, {event.delivery for event in listed})
    listed = [event for event in listed if event.delivery in deliveries]
    if not listed:
        return 0, []
    new = 0
    if not events.closed(connection, send_id):
        new = _keep(connection, send_id, listed, deliveries, reading)
    list_id = events.list_of(connection, send_id)
    events.forward(connection, _furthest(listed, deliveries))
    return new, [
        PersonEvent(deliveries[event.delivery].subscriber, event.consequence, event.at, list_id)
        for event in listed
        if event.consequence
    ]


def _keep(
    connection: Connection,
    send_id: int,
    listed: Sequence[Event],
    deliveries: Mapping[int, Told],
    reading: EventPolicy,
) -> int:
    """Store them, those of readers who look or click under a name made up for the send."""
    key, rows = reader_key(connection, send_id), []
    delivered = _furthest(listed, deliveries)
    for event in listed:
        delivery = deliveries[event.delivery]
        if event.kind not in LOOKS:
            person = None if event.kind in IMPERSONAL else delivery.subscriber
            rows.append(_row(event, reading, send_id, person, erased=delivery.erased))
            continue
        name = reader(key, event.delivery)
        state, at = delivered.get(event.delivery, (delivery.reported, delivery.reported_at))
        soon = state == Reported.DELIVERED and at is not None and event.at <= at + PREFETCH
        person = delivery.subscriber if reading.per_reader and not delivery.erased else None
        row = _row(event, reading, send_id, person, erased=delivery.erased)
        rows.append(row._replace(reader=name, machine=row.machine or soon))
    new = events.add(connection, rows)
    arrived = {
        reader(key, number): at
        for number, (state, at) in delivered.items()
        if state == Reported.DELIVERED
    }
    events.mark_prefetched(connection, send_id, arrived)
    return len(new)


def _row(
    event: Event,
    reading: EventPolicy,
    send_id: int | None,
    person: int | None,
    *,
    erased: bool = False,
) -> Row:
    stored = not erased and event.details and event.kind not in IMPERSONAL
    return Row(
        key=_key(event.id),
        kind=_kind(event),
        at=event.at,
        received_at=reading.now,
        send_id=send_id,
        subscriber_id=person,
        reader=None,
        link=_impersonal(event.link) if event.link else None,
        machine=event.machine,
        raw=json.dumps(event.details, ensure_ascii=False) if stored else None,
    )


def _key(id_: str) -> str:
    """The id as the column can hold it."""
    if 0 < len(id_) <= LONGEST_KEY and id_.isprintable():
        return id_
    return hashlib.sha256(id_.encode(errors="replace")).hexdigest()


def _kind(event: Event) -> str:
    """The kind; of an OTHER the provider's own word, where that is none of ours."""
    if event.kind is not EventKind.OTHER or not event.word.isprintable():
        return event.kind
    word = event.word[:LONGEST_KIND]
    return event.kind if not word or word in KINDS else word


def _impersonal(link: str) -> str:
    """The address that was clicked, as stories have theirs, and without the key of a reader."""
    return canonical(_PERSONAL.sub(r"\1\2", link.replace("\0", ""))[:LONGEST])


def _furthest(
    listed: Iterable[Event], deliveries: Mapping[int, Told]
) -> dict[int, tuple[Reported, datetime]]:
    """Of each delivery what is reported of it, where that is further than what is known."""
    furthest: dict[int, tuple[Reported, datetime]] = {}
    for event in listed:
        reported = event.kind.reported
        if reported is None:
            continue
        stored = deliveries[event.delivery]
        state, at = furthest.get(event.delivery, (stored.reported or 0, stored.reported_at))
        if reported > state or (reported == state and at and event.at < at):
            furthest[event.delivery] = (reported, event.at)
    return furthest


def _by_send(
    connection: Connection, reported: Iterable[Event]
) -> Iterator[tuple[int, list[Event], list[Event]]]:
    """By send: the events about ours, and those about another newsletter's of the same number."""
    by_send: dict[int, list[Event]] = {}
    for event in reported:
        if event.delivery:
            by_send.setdefault(event.send, []).append(event)
    for send_id, of_send in sorted(by_send.items()):
        send = sends.origin(connection, send_id)
        ours = (slug(send[0]), str(send[1])) if send else None
        of_ours = [event for event in of_send if event.origin == ours]
        yield send_id, of_ours, [event for event in of_send if event.origin != ours]


@lru_cache(maxsize=1_000)  # once is enough
def _log_foreign(newsletter: str, issue: str, send_id: int) -> None:
    log.warning(
        "Events about issue %.40s of %.80s (send %s) are left out: no such mail was sent from this "
        "database. Point the webhook of that newsletter to the server that sends it.",
        issue,
        newsletter,
        send_id,
    )


@lru_cache(maxsize=1)
def _log_unnamed() -> None:
    log.warning(
        "Events that name no delivery are left out. If they are about mails of this newsletter, "
        "its provider's class loses the ids that message.ids gives it."
    )
