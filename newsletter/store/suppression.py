"""Suppressions: addresses that are never mailed on any list, with the reason.

Provider events are applied here: an address that bounced or complained is suppressed, and a reader
who wants to leave is unsubscribed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import dropwhile
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, func, or_, select, update

from newsletter.model import Consequence, Reported, Status
from newsletter.store import subscription_status
from newsletter.store.bulk import chunks, upsert
from newsletter.store.schema import (
    deliveries,
    sends,
    subscribers,
    subscriptions,
    suppressions,
)
from newsletter.store.sends import DeliveryState
from newsletter.store.subscription_status import ACTIVE

ERASED = "erased at their own wish"  # the reason
SOFT_BOUNCES = 3  # in so many issues in a row suppress the address
_MAX_ISSUES = 15  # of a reader, to check for soft bounces; the newest may have no event yet
_SECOND = timedelta(seconds=1)  # precision of the moments in events
_REASONS = {
    Consequence.BOUNCED: Status.BOUNCED.word,
    Consequence.COMPLAINED: Status.COMPLAINED.word,
}


class PersonEvent(NamedTuple):
    """A provider event about one person, and its consequence."""

    subscriber: int
    consequence: Consequence
    at: datetime
    list_id: int | None  # None: every list of theirs


class _Person(NamedTuple):
    """The person an event is about, with their current suppression."""

    id: int
    address_key: str
    permitted_at: datetime | None
    suppressed: str | None


def reason(connection: Connection, address_key: str) -> str | None:
    """Why the address is never mailed on any list; None if it may be."""
    suppressed: str | None = connection.scalar(
        select(suppressions.c.reason).where(suppressions.c.address_key == address_key)
    )
    return suppressed


def lift(connection: Connection, address_key: str, now: datetime) -> None:
    """Lift a suppression, except that of an erased person.

    Provider events from before ``now`` do not suppress the address again.
    """
    connection.execute(
        delete(suppressions).where(
            suppressions.c.address_key == address_key, suppressions.c.reason != ERASED
        )
    )
    connection.execute(
        update(subscribers)
        .where(subscribers.c.address_key == address_key, subscribers.c.email.is_not(None))
        .values(permitted_at=now)
    )


def suppress_erased(connection: Connection, address_key: str, now: datetime) -> None:
    """Suppress the address of an erased person. This replaces any other reason."""
    row = {"reason": ERASED, "created_at": now}
    statement = upsert(connection, suppressions).values(address_key=address_key, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["address_key"], set_=row))


def merge(connection: Connection, rows: Select[tuple[str, str, datetime]]) -> None:
    """Suppress many addresses in one statement. Existing suppressions stay as they are.

    ``rows``: keyed hash, reason and moment.
    """
    statement = upsert(connection, suppressions).from_select(
        ["address_key", "reason", "created_at"], rows
    )
    connection.execute(statement.on_conflict_do_nothing())


def apply_events(connection: Connection, events: Iterable[PersonEvent], now: datetime) -> None:
    """Suppress or unsubscribe the people in the events.

    Erased people stay erased. If a person asked to be mailed after an event, it has no effect.
    """
    latest: dict[tuple[int, int | None, Consequence], PersonEvent] = {}
    for event in events:
        key = (event.subscriber, event.list_id, event.consequence)
        if key not in latest or event.at > latest[key].at:
            latest[key] = event
    ids = {event.subscriber for event in latest.values()}
    people, active_since = _people(connection, ids), _active_since(connection, ids)
    soft = {e.subscriber for e in latest.values() if e.consequence is Consequence.SOFT}
    bounced = _bounced_softly(connection, soft)
    for event in sorted(latest.values(), key=lambda e: (e.subscriber, e.list_id or 0)):
        person, consequence = people.get(event.subscriber), event.consequence
        if person is None or person.suppressed == ERASED:
            continue
        if consequence is Consequence.SOFT and event.subscriber in bounced:
            consequence = Consequence.BOUNCED
        if consequence is Consequence.LEAVES:
            subscription_status.unsubscribe(
                connection,
                [event.subscriber],
                now,
                event.list_id,
                unless_active_since=event.at + _SECOND,  # people who joined later stay
            )
        elif consequence in _REASONS and not _asked_later(person, active_since, event):
            _suppress(connection, person.address_key, _REASONS[consequence], now)


def _asked_later(
    person: _Person, active_since: Mapping[tuple[int, int], datetime], event: PersonEvent
) -> bool:
    """Whether the suppression was lifted, or the person joined the list, after the event."""
    moments = [
        at
        for (subscriber, list_id), at in active_since.items()
        if subscriber == event.subscriber and event.list_id in (None, list_id)
    ]
    return any(at > event.at + _SECOND for at in (*moments, person.permitted_at) if at)


def _people(connection: Connection, ids: Collection[int]) -> dict[int, _Person]:
    people: dict[int, _Person] = {}
    for chunk in chunks(ids):
        rows = connection.execute(
            select(
                subscribers.c.id,
                subscribers.c.address_key,
                subscribers.c.permitted_at,
                suppressions.c.reason.label("suppressed"),
            )
            .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
            .where(subscribers.c.id.in_(chunk))
        )
        people.update((row.id, _Person(*row)) for row in rows)
    return people


def _active_since(connection: Connection, ids: Collection[int]) -> dict[tuple[int, int], datetime]:
    """(Person, list) → since when they are active on it."""
    since: dict[tuple[int, int], datetime] = {}
    for chunk in chunks(ids):
        rows = connection.execute(
            select(
                subscriptions.c.subscriber_id, subscriptions.c.list_id, subscriptions.c.changed_at
            )
            .where(subscriptions.c.subscriber_id.in_(chunk))
            .where(subscriptions.c.status == ACTIVE)
        )
        since.update(((row.subscriber_id, row.list_id), row.changed_at) for row in rows)
    return since


def _suppress(connection: Connection, address_key: str, reason: str, now: datetime) -> None:
    """Suppress the address. Of two reasons the stricter stays; an erasure is the strictest."""
    statement = upsert(connection, suppressions).values(
        address_key=address_key, reason=reason, created_at=now
    )
    milder = [status.word for status in Status if status < Status[reason.upper()]]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["address_key"],
            set_={"reason": statement.excluded.reason},
            where=suppressions.c.reason.in_(milder),
        )
    )


def _bounced_softly(connection: Connection, ids: Collection[int]) -> set[int]:
    """Which of these people had soft bounces in their last SOFT_BOUNCES issues with an outcome.

    A delivery in between or later restarts the count, and so does a lifted suppression. An issue in
    between without an outcome may have arrived, so it restarts the count too.
    """
    bounced: set[int] = set()
    for chunk in chunks(ids):
        rank = func.row_number().over(
            partition_by=deliveries.c.subscriber_id, order_by=sends.c.id.desc()
        )
        mailed = (
            select(deliveries.c.subscriber_id, deliveries.c.reported, rank.label("rank"))
            .join_from(deliveries, sends)
            .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
            .where(
                deliveries.c.subscriber_id.in_(chunk),
                deliveries.c.state == DeliveryState.ACCEPTED,
                func.coalesce(deliveries.c.reported, 0) != Reported.DROPPED,
                # A correction is not an issue, but its arrival counts.
                or_(sends.c.corrects.is_(None), deliveries.c.reported == Reported.DELIVERED),
                or_(
                    subscribers.c.permitted_at.is_(None),
                    sends.c.created_at >= subscribers.c.permitted_at,
                ),
            )
            .subquery()
        )
        newest = select(mailed).where(mailed.c.rank <= _MAX_ISSUES).order_by(mailed.c.rank)
        states_by_person: dict[int, list[int]] = {}
        for subscriber, reported, _ in connection.execute(newest):
            states_by_person.setdefault(subscriber, []).append(reported or 0)
        bounced.update(id_ for id_, states in states_by_person.items() if _is_soft_run(states))
    return bounced


def _is_soft_run(states: Sequence[int]) -> bool:
    """Whether the newest outcomes are all soft bounces. ``states``: the newest first."""
    newest = list(dropwhile(lambda state: state < Reported.DELIVERED, states))[:SOFT_BOUNCES]
    return len(newest) == SOFT_BOUNCES and all(state == Reported.BLOCKED for state in newest)
