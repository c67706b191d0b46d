"""Addresses that are never mailed, on any list: because they bounced, complained or were erased.

What providers report is applied here: an address that bounced or complained is suppressed, who
wants to leave is unsubscribed.
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
IN_A_ROW = 3  # issues that came back softly, after which the address is not tried any more
_LOOKED_AT = 15  # issues: of the newest nothing may be known yet
_SECOND = timedelta(seconds=1)  # what the moments of events are rounded to
_REASONS = {
    Consequence.BOUNCED: Status.BOUNCED.word,
    Consequence.COMPLAINED: Status.COMPLAINED.word,
}


class PersonEvent(NamedTuple):
    """What was reported of one person, and what it means."""

    subscriber: int
    consequence: Consequence
    at: datetime
    list_id: int | None  # None: every list of theirs


class _Person(NamedTuple):
    """Whom it is about, and what holds for them now."""

    id: int
    address_key: str
    permitted_at: datetime | None
    suppressed: str | None


def reason(connection: Connection, address_key: str) -> str | None:
    """Why the address is never mailed, on any list; None where it may be."""
    suppressed: str | None = connection.scalar(
        select(suppressions.c.reason).where(suppressions.c.address_key == address_key)
    )
    return suppressed


def lift(connection: Connection, address_key: str, now: datetime) -> None:
    """Lift a suppression; that of somebody who was erased stays.

    What providers report from before ``now`` does not bring it back.
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
    """Suppress the address of somebody who is erased, whatever was known of it."""
    row = {"reason": ERASED, "created_at": now}
    statement = upsert(connection, suppressions).values(address_key=address_key, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["address_key"], set_=row))


def merge(connection: Connection, rows: Select[tuple[str, str, datetime]]) -> None:
    """Suppress many in one statement; a suppression that is there stays as it is.

    ``rows``: keyed hash, reason and moment.
    """
    statement = upsert(connection, suppressions).from_select(
        ["address_key", "reason", "created_at"], rows
    )
    connection.execute(statement.on_conflict_do_nothing())


def apply_events(connection: Connection, events: Iterable[PersonEvent], now: datetime) -> None:
    """Suppress, or unsubscribe, whom events are about, by rule.

    An erasure stays what it is, and a person's own later wish to be mailed counts for more than
    what happened before it.
    """
    latest: dict[tuple[int, int | None, Consequence], PersonEvent] = {}
    for event in events:
        key = (event.subscriber, event.list_id, event.consequence)
        if key not in latest or event.at > latest[key].at:
            latest[key] = event
    numbers = {event.subscriber for event in latest.values()}
    people, wishes = _people(connection, numbers), _wishes(connection, numbers)
    softly = {e.subscriber for e in latest.values() if e.consequence is Consequence.SOFT}
    too_often = _too_often(connection, softly)
    for event in sorted(latest.values(), key=lambda e: (e.subscriber, e.list_id or 0)):
        person, consequence = people.get(event.subscriber), event.consequence
        if person is None or person.suppressed == ERASED:
            continue
        if consequence is Consequence.SOFT and event.subscriber in too_often:
            consequence = Consequence.BOUNCED
        if consequence is Consequence.LEAVES:
            subscription_status.unsubscribe(
                connection,
                [event.subscriber],
                now,
                event.list_id,
                unless_active_since=event.at + _SECOND,  # who came onto the list later stays
            )
        elif consequence in _REASONS and not _wished_later(person, wishes, event):
            _suppress(connection, person.address_key, _REASONS[consequence], now)


def _wished_later(
    person: _Person, wishes: Mapping[tuple[int, int], datetime], event: PersonEvent
) -> bool:
    """Whether the suppression was lifted, or the person came onto that list, after it happened."""
    since = [
        at
        for (number, list_id), at in wishes.items()
        if number == event.subscriber and event.list_id in (None, list_id)
    ]
    return any(at > event.at + _SECOND for at in (*since, person.permitted_at) if at)


def _people(connection: Connection, numbers: Collection[int]) -> dict[int, _Person]:
    people: dict[int, _Person] = {}
    for part in chunks(numbers):
        rows = connection.execute(
            select(
                subscribers.c.id,
                subscribers.c.address_key,
                subscribers.c.permitted_at,
                suppressions.c.reason.label("suppressed"),
            )
            .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
            .where(subscribers.c.id.in_(part))
        )
        people.update((row.id, _Person(*row)) for row in rows)
    return people


def _wishes(connection: Connection, numbers: Collection[int]) -> dict[tuple[int, int], datetime]:
    """Since when each of them is active on each of their lists."""
    since: dict[tuple[int, int], datetime] = {}
    for part in chunks(numbers):
        rows = connection.execute(
            select(
                subscriptions.c.subscriber_id, subscriptions.c.list_id, subscriptions.c.changed_at
            )
            .where(subscriptions.c.subscriber_id.in_(part))
            .where(subscriptions.c.status == ACTIVE)
        )
        since.update(((row.subscriber_id, row.list_id), row.changed_at) for row in rows)
    return since


def _suppress(connection: Connection, address_key: str, reason: str, now: datetime) -> None:
    """Suppress the address; of two reasons the stricter stays, and an erasure above all."""
    statement = upsert(connection, suppressions).values(
        address_key=address_key, reason=reason, created_at=now
    )
    laxer = [status.word for status in Status if status < Status[reason.upper()]]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["address_key"],
            set_={"reason": statement.excluded.reason},
            where=suppressions.c.reason.in_(laxer),
        )
    )


def _too_often(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Who among them got back softly each of the last issues of which anything is known.

    A delivery in between, or later, begins the count anew, and so does a suppression that was
    lifted. Where nothing is known of an issue in between, it may have arrived.
    """
    too_often: set[int] = set()
    for part in chunks(numbers):
        rank = func.row_number().over(
            partition_by=deliveries.c.subscriber_id, order_by=sends.c.id.desc()
        )
        mailed = (
            select(deliveries.c.subscriber_id, deliveries.c.reported, rank.label("rank"))
            .join_from(deliveries, sends)
            .join(subscribers, subscribers.c.id == deliveries.c.subscriber_id)
            .where(
                deliveries.c.subscriber_id.in_(part),
                deliveries.c.state == DeliveryState.ACCEPTED,
                func.coalesce(deliveries.c.reported, 0) != Reported.DROPPED,
                # A correction is no issue of its own; that it arrived counts all the same.
                or_(sends.c.corrects.is_(None), deliveries.c.reported == Reported.DELIVERED),
                or_(
                    subscribers.c.permitted_at.is_(None),
                    sends.c.created_at >= subscribers.c.permitted_at,
                ),
            )
            .subquery()
        )
        newest = select(mailed).where(mailed.c.rank <= _LOOKED_AT).order_by(mailed.c.rank)
        states_of: dict[int, list[int]] = {}
        for number, reported, _ in connection.execute(newest):
            states_of.setdefault(number, []).append(reported or 0)
        too_often.update(number for number, states in states_of.items() if _in_a_row(states))
    return too_often


def _in_a_row(states: Sequence[int]) -> bool:
    """Whether the newest that are known came back softly; ``states``: the newest first."""
    newest = list(dropwhile(lambda state: state < Reported.DELIVERED, states))[:IN_A_ROW]
    return len(newest) == IN_A_ROW and all(state == Reported.BLOCKED for state in newest)
