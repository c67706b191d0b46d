"""Provider events: what a provider reports about a delivery after it was handed over.

An event proves that its request was taken, which settles doubt. It moves its delivery forward, and
may unsubscribe or suppress the reader. Events may come twice, late and in any order.
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
from newsletter.store.address_keys import AddressKeys, address_keys
from newsletter.store.events import EventRow, ReportedDelivery
from newsletter.store.lists import lock_lists
from newsletter.store.reader_pseudonyms import ensure_key, reader_pseudonym
from newsletter.store.subscribers import ids_by_name
from newsletter.store.suppression import PersonEvent

log = logging.getLogger(__name__)

KINDS = frozenset(EventKind)
# Kinds that do not prove that the mail has left the provider.
BEFORE_RELEASE = frozenset((EventKind.PROCESSED, EventKind.DROPPED, EventKind.OTHER))
ENGAGEMENT = frozenset((EventKind.OPENED, EventKind.CLICKED))
# Kinds that are stored without the reader and the details.
IMPERSONAL = ENGAGEMENT | {EventKind.PROCESSED, EventKind.DELIVERED}
MAX_KEY, MAX_KIND = 100, 40  # characters, the lengths of the columns
MAX_LINK = 2_000  # characters
# A reader's own link, by the form of its key; a story's address may contain "/preferences/" too.
_READER_LINK = re.compile(
    r"(/(?:unsubscribe|preferences)/)\d{1,4}-\d+-\d+-[\w-]{20}.*"
    r"|(/(?:confirm|approve)/)\d{1,4}\.[\w.-]{40}.*",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True)
class EventPolicy:
    """How events are stored."""

    now: datetime
    per_reader: bool = False  # store which reader opened and clicked


def settle_doubt(connection: Connection, reported: Iterable[Event], now: datetime) -> int:
    """Settle doubt about the deliveries that the events are about.

    Returns how many readers that were in doubt or waiting have the mail. Events about sends of
    another database, which may share the provider's account, change nothing.
    """
    settled = 0
    for send_id, own_events, _ in _by_send(connection, reported):
        # Nearly all are about deliveries that are settled already.
        batches, deliveries = doubt.unsettled_among(
            connection, send_id, {e.batch for e in own_events}, {e.delivery for e in own_events}
        )
        # In a fixed order, so that two requests with the same events do not wait for each other.
        for event in sorted(own_events, key=lambda e: (e.batch, e.delivery)):
            if event.batch in batches or event.delivery in deliveries:
                left = event.kind not in BEFORE_RELEASE
                settled += doubt.settle_by_event(
                    connection, send_id, event.batch, event.delivery, now, left=left
                )
    return settled


def store_events(connection: Connection, reported: Iterable[Event], policy: EventPolicy) -> int:
    """Store each event once and apply its consequences. Returns how many are new."""
    reported = list(reported)
    lock_lists(connection, shared=True)
    keys = address_keys(connection)  # may store a new key, so before any rows are locked
    new, consequences = 0, []
    for send_id, own_events, foreign_events in _by_send(connection, reported):
        for origin in {event.origin for event in foreign_events}:
            _log_foreign(*origin, send_id)
        count, of_send = _store_send_events(connection, send_id, own_events, policy)
        new += count
        consequences += of_send
    count, of_addresses = _store_address_events(
        connection, [event for event in reported if not event.delivery], policy, keys
    )
    suppression.apply_events(connection, [*consequences, *of_addresses], policy.now)
    return new + count


def _store_send_events(
    connection: Connection, send_id: int, own_events: Sequence[Event], policy: EventPolicy
) -> tuple[int, list[PersonEvent]]:
    """Store the events of one send: how many are new, and their consequences."""
    deliveries = events.lock_deliveries(
        connection, send_id, {event.delivery for event in own_events}
    )
    own_events = [event for event in own_events if event.delivery in deliveries]
    if not own_events:
        return 0, []
    new = 0
    if not events.is_closed(connection, send_id):
        new = _insert(connection, send_id, own_events, deliveries, policy)
    list_id = events.list_id(connection, send_id)
    events.advance_deliveries(connection, _furthest(own_events, deliveries))
    return new, [
        PersonEvent(deliveries[event.delivery].subscriber, event.consequence, event.at, list_id)
        for event in own_events
        if event.consequence
    ]


def _store_address_events(
    connection: Connection, unnamed: Sequence[Event], policy: EventPolicy, keys: AddressKeys
) -> tuple[int, list[PersonEvent]]:
    """Store the events that name an address and no delivery: new ones, and their consequences."""
    by_address = [e for e in unnamed if e.email and e.consequence >= Consequence.LEAVES]
    if len(by_address) < len(unnamed):
        _log_unnamed()
    people = ids_by_name(connection, {e.email: keys.key(e.email) for e in by_address})
    by_address = [event for event in by_address if event.email in people]
    rows = [_row(event, policy, None, people[event.email]) for event in by_address]
    return len(events.add(connection, rows)), [
        PersonEvent(people[event.email], event.consequence, event.at, None) for event in by_address
    ]


def _insert(
    connection: Connection,
    send_id: int,
    own_events: Sequence[Event],
    deliveries: Mapping[int, ReportedDelivery],
    policy: EventPolicy,
) -> int:
    """Store the events; readers who open and click get a pseudonym for this send."""
    key, rows = ensure_key(connection, send_id), []
    furthest = _furthest(own_events, deliveries)
    for event in own_events:
        delivery = deliveries[event.delivery]
        if event.kind not in ENGAGEMENT:
            person = None if event.kind in IMPERSONAL else delivery.subscriber
            rows.append(_row(event, policy, send_id, person, erased=delivery.erased))
            continue
        state, at = furthest.get(event.delivery, (delivery.reported, delivery.reported_at))
        is_prefetch = state == Reported.DELIVERED and at is not None and event.at <= at + PREFETCH
        person = delivery.subscriber if policy.per_reader and not delivery.erased else None
        row = _row(event, policy, send_id, person, erased=delivery.erased)
        pseudonym = reader_pseudonym(key, event.delivery)
        rows.append(row._replace(reader=pseudonym, machine=row.machine or is_prefetch))
    new = events.add(connection, rows)
    delivered = {
        reader_pseudonym(key, number): at
        for number, (state, at) in furthest.items()
        if state == Reported.DELIVERED
    }
    events.mark_prefetched(connection, send_id, delivered)
    return len(new)


def _row(
    event: Event,
    policy: EventPolicy,
    send_id: int | None,
    person: int | None,
    *,
    erased: bool = False,
) -> EventRow:
    has_details = not erased and event.details and event.kind not in IMPERSONAL
    return EventRow(
        key=_key(event.id),
        kind=_kind(event),
        at=event.at,
        received_at=policy.now,
        send_id=send_id,
        subscriber_id=person,
        reader=None,
        link=_impersonal_link(event.link) if event.link else None,
        machine=event.machine,
        raw=json.dumps(event.details, ensure_ascii=False) if has_details else None,
    )


def _key(id_: str) -> str:
    """The id, or its hash if the column cannot hold it."""
    if 0 < len(id_) <= MAX_KEY and id_.isprintable():
        return id_
    return hashlib.sha256(id_.encode(errors="replace")).hexdigest()


def _kind(event: Event) -> str:
    """The kind; for OTHER the provider's own word, unless that is one of our kinds."""
    if event.kind is not EventKind.OTHER or not event.word.isprintable():
        return event.kind
    word = event.word[:MAX_KIND]
    return event.kind if not word or word in KINDS else word


def _impersonal_link(link: str) -> str:
    """The address that was clicked, in canonical form and without a reader's key."""
    return canonical(_READER_LINK.sub(r"\1\2", link.replace("\0", ""))[:MAX_LINK])


def _furthest(
    own_events: Iterable[Event], deliveries: Mapping[int, ReportedDelivery]
) -> dict[int, tuple[Reported, datetime]]:
    """Delivery → the furthest reported state, where that is further than the stored one."""
    furthest: dict[int, tuple[Reported, datetime]] = {}
    for event in own_events:
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
    """For each send: its events, and those of another newsletter's send of the same number."""
    by_send: dict[int, list[Event]] = {}
    for event in reported:
        if event.delivery:
            by_send.setdefault(event.send, []).append(event)
    for send_id, send_events in sorted(by_send.items()):
        send = sends.newsletter_and_issue(connection, send_id)
        origin = (slug(send[0]), str(send[1])) if send else None
        own_events = [event for event in send_events if event.origin == origin]
        yield send_id, own_events, [event for event in send_events if event.origin != origin]


@lru_cache(maxsize=1_000)  # once for each origin
def _log_foreign(newsletter: str, issue: str, send_id: int) -> None:
    log.warning(
        "Events about issue %.40s of %.80s (send %s) are ignored: no such mail was sent from this "
        "database. Point that newsletter's webhook to the server that sends it.",
        issue,
        newsletter,
        send_id,
    )


@lru_cache(maxsize=1)
def _log_unnamed() -> None:
    log.warning(
        "Events that name no delivery are ignored. If they are about mails of this newsletter, "
        "its provider's class drops the ids that message.ids gives it."
    )
