"""What a provider reports later.

An event proves that its request was taken, and settles doubt; it moves its delivery forward, and
says who is not to be mailed any more. Events may come twice, late and in any order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.message import slug
from newsletter.model import Event, Reported
from newsletter.sanitize import canonical
from newsletter.scanners import PREFETCH
from newsletter.store import Connection, doubt, events, sends, suppression
from newsletter.store.address_keys import address_keys
from newsletter.store.events import Row, Told
from newsletter.store.lists import lock_lists
from newsletter.store.reader_pseudonyms import reader, reader_key
from newsletter.store.subscribers import numbers
from newsletter.store.suppression import PersonEvent

# Kinds that there are only once a mail has left the provider; "processed" may come before.
LEFT = frozenset(("delivered", "deferred", "bounce", "open", "click", "spamreport", "unsubscribe"))
LOOKS = frozenset(("open", "click"))
LONGEST = 2_000  # characters of an address that was clicked
# A reader's own link of ours, by the form of its key; a story may well be below "/preferences/".
_PERSONAL = re.compile(
    r"(/(?:unsubscribe|preferences)/)\d{1,4}-\d+-\d+-[\w-]{20}.*"
    r"|(/(?:confirm|approve)/)\d{1,4}\.[\w.-]{40}.*",
    re.DOTALL | re.ASCII,
)


@dataclass(frozen=True)
class Reading:
    """``per_reader``: whether it is kept who opened and clicked."""

    now: datetime
    per_reader: bool = False


def settle(connection: Connection, told: Iterable[Event], now: datetime) -> int:
    """Settle what the events tell; how many readers that were in doubt, or waited, have the mail.

    Those about the sends of another database, which may share the provider's account, change
    nothing.
    """
    settled = 0
    for send_id, mine in _by_send(connection, told):
        # Nearly all are about readers of whom everything is known.
        batches, deliveries = doubt.open_among(
            connection, send_id, {e.batch for e in mine}, {e.delivery for e in mine}
        )
        # In one order, so that two requests with the same events do not wait for each other.
        for event in sorted(mine, key=lambda e: (e.batch, e.delivery)):
            if event.batch in batches or event.delivery in deliveries:
                left = event.kind in LEFT
                settled += doubt.witnessed(
                    connection, send_id, event.batch, event.delivery, now, left=left
                )
    return settled


def read(connection: Connection, told: Iterable[Event], reading: Reading) -> int:
    """Store each event once, with what follows from it; how many are new."""
    listed = list(told)
    lock_lists(connection, shared=True)
    keys = address_keys(connection)
    new, wanted = 0, []
    for send_id, mine in _by_send(connection, listed):
        count, leaving_ = _of_send(connection, send_id, mine, reading)
        new += count
        wanted += leaving_
    people = numbers(
        connection, {e.email: keys.key(e.email) for e in listed if not e.delivery and e.email}
    )
    by_address = [event for event in listed if not event.delivery and event.email in people]
    new += len(
        events.add(connection, [_row(e, reading, None, people[e.email]) for e in by_address])
    )
    wanted += [
        PersonEvent(people[event.email], event.consequence, event.at, None) for event in by_address
    ]
    suppression.apply_events(connection, [each for each in wanted if each.consequence], reading.now)
    return new


def _of_send(
    connection: Connection, send_id: int, mine: Sequence[Event], reading: Reading
) -> tuple[int, list[PersonEvent]]:
    """The events of one send: how many are new, and what they mean for people."""
    known = events.told(connection, send_id, {event.delivery for event in mine})
    mine = [event for event in mine if event.delivery in known]
    if not mine:
        return 0, []
    new = 0
    if not events.closed(connection, send_id):
        new = _keep(connection, send_id, mine, known, reading)
    list_id = events.list_of(connection, send_id)
    events.forward(connection, _furthest(mine, known))
    return new, [
        PersonEvent(known[event.delivery].subscriber, event.consequence, event.at, list_id)
        for event in mine
        if event.consequence
    ]


def _keep(
    connection: Connection,
    send_id: int,
    mine: Sequence[Event],
    known: Mapping[int, Told],
    reading: Reading,
) -> int:
    """Store them, those of readers who look or click under a name made up for the send."""
    key, rows = reader_key(connection, send_id), []
    delivered = _furthest(mine, known)
    for event in mine:
        told = known[event.delivery]
        if event.kind not in LOOKS:
            person = told.subscriber if event.said is not None else None
            rows.append(_row(event, reading, send_id, person, erased=told.erased))
            continue
        name = reader(key, event.delivery)
        state, at = delivered.get(event.delivery, (told.reported, told.reported_at))
        soon = state == Reported.DELIVERED and at is not None and event.at <= at + PREFETCH
        person = told.subscriber if reading.per_reader and not told.erased else None
        row = _row(event, reading, send_id, person, erased=told.erased)
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
    reading: Reading,
    send_id: int | None,
    person: int | None,
    *,
    erased: bool = False,
) -> Row:
    said = None if erased or not event.said else json.dumps(event.said, ensure_ascii=False)
    return Row(
        key=event.id,
        kind=event.kind[:40],
        at=event.at,
        received_at=reading.now,
        send_id=send_id,
        subscriber_id=person,
        reader=None,
        link=_impersonal(event.link) if event.link else None,
        machine=event.machine,
        raw=said,
    )


def _impersonal(link: str) -> str:
    """The address that was clicked, as stories have theirs, and without the key of a reader."""
    return canonical(_PERSONAL.sub(r"\1\2", link.replace("\0", ""))[:LONGEST])


def _furthest(
    told: Iterable[Event], known: Mapping[int, Told]
) -> dict[int, tuple[Reported, datetime]]:
    """Of each delivery what is reported of it, where that is further than what is known."""
    found: dict[int, tuple[Reported, datetime]] = {}
    for event in told:
        if event.reported is None:
            continue
        before = known[event.delivery]
        held = found.get(event.delivery, (before.reported or 0, before.reported_at))
        at = held[1]
        if event.reported > held[0] or (event.reported == held[0] and at and event.at < at):
            found[event.delivery] = (event.reported, event.at)
    return found


def _by_send(connection: Connection, told: Iterable[Event]) -> Iterator[tuple[int, list[Event]]]:
    """Those about our own sends, by send."""
    by_send: dict[int, list[Event]] = {}
    for event in told:
        if event.delivery:
            by_send.setdefault(event.send, []).append(event)
    for send_id, some in sorted(by_send.items()):
        found = sends.origin(connection, send_id)
        ours = (slug(found[0]), str(found[1])) if found else None
        if mine := [event for event in some if event.origin == ours]:
            yield send_id, mine
