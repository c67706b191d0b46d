"""Figures of a send: counted from its events while these are there, kept as numbers afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, TypedDict, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    distinct,
    exists,
    func,
    insert,
    or_,
    select,
)

from newsletter.model import EventKind, Reported
from newsletter.scanners import AT_ONCE
from newsletter.store import events as stored
from newsletter.store.schema import (
    deliveries,
    events,
    figures,
    sends,
    subscribers,
    subscriptions,
)
from newsletter.store.sends import DeliveryState
from newsletter.store.subscription_status import UNSUBSCRIBED

FIRST_HOURS = 24 * 7  # for which opens and clicks are kept by the hour

Pair = tuple[int, int]  # readers, times


class EventCounts(TypedDict):
    """What events say of a send. Each pair is of readers and times, people first, then machines."""

    complained: int
    left: int  # the list, between this issue and the next
    opens: list[Pair]
    clicks: list[Pair]
    links: list[tuple[str, Pair, Pair]]
    hours: list[tuple[str, int, int]]  # "2025-07-07 14", opens and clicks of people


class ReaderActivity(NamedTuple):
    """What one reader did, where that is kept."""

    email: str
    opens: int
    clicks: int
    last: datetime


def event_counts(connection: Connection, send_id: int) -> EventCounts:
    """What events say of the send: now, or when they were deleted."""
    kept = connection.scalar(select(figures.c.document).where(figures.c.send_id == send_id))
    return cast(EventCounts, kept) if kept is not None else _count(connection, send_id)


def close(connection: Connection, send_id: int, now: datetime) -> None:
    """Keep the figures, and delete the events from which they come."""
    # One process counts and deletes, and nobody adds events meanwhile (``events.is_closed``).
    connection.execute(select(sends.c.id).where(sends.c.id == send_id).with_for_update())
    if stored.is_closed(connection, send_id):
        return
    document = _count(connection, send_id)
    connection.execute(insert(figures).values(send_id=send_id, document=document, closed_at=now))
    stored.delete_all(connection, send_id)


def open_sends(connection: Connection, newsletter: str, before: datetime) -> list[int]:
    """The sends of the newsletter that began before then, and whose events are still there."""
    done = exists().where(figures.c.send_id == sends.c.id)
    old = select(sends.c.id).where(sends.c.newsletter == newsletter, sends.c.created_at <= before)
    return list(connection.scalars(old.where(~done).order_by(sends.c.id)))


def closed_at(connection: Connection, send_id: int) -> datetime | None:
    """When the events were deleted, if they were."""
    found: datetime | None = connection.scalar(
        select(figures.c.closed_at).where(figures.c.send_id == send_id)
    )
    return found


def articles(connection: Connection, send_id: int) -> list[tuple[str, str | None]]:
    """Id and canonical address of each story of the send, in their order."""
    found = connection.scalar(select(sends.c.articles).where(sends.c.id == send_id))
    return [(id_, address) for id_, address in found or ()]


def reported_counts(connection: Connection, send_id: int) -> dict[Reported, int]:
    """How many deliveries are in each state that a provider reports; every state named."""
    rows = connection.execute(
        select(deliveries.c.reported, func.count())
        .where(deliveries.c.send_id == send_id, deliveries.c.reported.is_not(None))
        .group_by(deliveries.c.reported)
    )
    return dict.fromkeys(Reported, 0) | {Reported(state): int(n) for state, n in rows}


def delivered_by_minute(connection: Connection, send_id: int) -> list[tuple[str, int]]:
    """How many arrived in each minute in which any did: ``("2025-07-07 14:00", 312)``, in UTC."""
    minute = _moment(connection, deliveries.c.reported_at, minutes=True)
    rows = connection.execute(
        select(minute.label("minute"), func.count())
        .where(deliveries.c.send_id == send_id, deliveries.c.reported == Reported.DELIVERED)
        .group_by("minute")
        .order_by("minute")
    )
    return [(str(at), int(count)) for at, count in rows]


def reader_activity(connection: Connection, send_id: int) -> Iterator[ReaderActivity]:
    """What each reader did, without what machines did; nobody where that is not kept."""
    by_people = _by_people(send_id)
    rows = connection.execute(
        select(
            subscribers.c.email,
            func.sum(case((by_people.c.kind == EventKind.OPENED, 1), else_=0)),
            func.sum(case((by_people.c.kind == EventKind.CLICKED, 1), else_=0)),
            func.max(by_people.c.at),
        )
        .join_from(by_people, subscribers, subscribers.c.id == by_people.c.subscriber_id)
        .where(subscribers.c.email.is_not(None), by_people.c.by_machine == 0)
        .group_by(subscribers.c.id, subscribers.c.email)
        .order_by(subscribers.c.email),
        execution_options={"yield_per": 5_000},
    )
    return (
        ReaderActivity(email, int(opens), int(clicks), last) for email, opens, clicks, last in rows
    )


def _count(connection: Connection, send_id: int) -> EventCounts:
    apart = _by_people(send_id)
    totals: dict[tuple[str, int], Pair] = {}
    for kind, machine, readers, times in connection.execute(
        select(
            apart.c.kind, apart.c.by_machine, func.count(distinct(apart.c.reader)), func.count()
        ).group_by(apart.c.kind, apart.c.by_machine)
    ):
        totals[kind, machine] = (int(readers), int(times))
    links: dict[str, dict[int, Pair]] = {}
    for link, machine, readers, times in connection.execute(
        select(apart.c.link, apart.c.by_machine, func.count(distinct(apart.c.reader)), func.count())
        .where(apart.c.link.is_not(None))
        .group_by(apart.c.link, apart.c.by_machine)
        .order_by(apart.c.link)
    ):
        links.setdefault(link, {})[machine] = (int(readers), int(times))
    return {
        "complained": _complained(connection, send_id),
        "left": _left(connection, send_id),
        "opens": [totals.get((EventKind.OPENED, machine), (0, 0)) for machine in (0, 1)],
        "clicks": [totals.get((EventKind.CLICKED, machine), (0, 0)) for machine in (0, 1)],
        "links": [(link, n.get(0, (0, 0)), n.get(1, (0, 0))) for link, n in links.items()],
        "hours": _by_hour(connection, apart),
    }


def _by_people(send_id: int) -> Any:
    """Opens and clicks, each with whether a machine did it: who follows several links within a
    second is one, whatever it calls itself.
    """
    ours = events.c.send_id == send_id
    at_once = (
        select(events.c.reader, events.c.at)
        .where(ours, events.c.kind == EventKind.CLICKED)
        .group_by(events.c.reader, events.c.at)
        .having(func.count(distinct(events.c.link)) >= AT_ONCE)
        .subquery()
    )
    machine = or_(events.c.machine, at_once.c.reader.is_not(None))
    return (
        select(
            events.c.kind,
            events.c.reader,
            events.c.subscriber_id,
            events.c.link,
            events.c.at,
            case((machine, 1), else_=0).label("by_machine"),
        )
        .outerjoin(
            at_once,
            and_(
                events.c.kind == EventKind.CLICKED,
                at_once.c.reader == events.c.reader,
                at_once.c.at == events.c.at,
            ),
        )
        .where(ours, events.c.kind.in_((EventKind.OPENED, EventKind.CLICKED)))
        .subquery()
    )


def _by_hour(connection: Connection, apart: Any) -> list[tuple[str, int, int]]:
    hour = _moment(connection, apart.c.at, minutes=False)
    rows = connection.execute(
        select(
            hour.label("hour"),
            func.sum(case((apart.c.kind == EventKind.OPENED, 1), else_=0)),
            func.sum(case((apart.c.kind == EventKind.CLICKED, 1), else_=0)),
        )
        .where(apart.c.by_machine == 0)
        .group_by("hour")
        .order_by("hour")
        .limit(FIRST_HOURS)
    )
    return [(str(at), int(opens), int(clicks)) for at, opens, clicks in rows]


def _complained(connection: Connection, send_id: int) -> int:
    found = select(func.count(distinct(events.c.subscriber_id))).where(
        events.c.send_id == send_id, events.c.kind == EventKind.COMPLAINED
    )
    return connection.scalar(found) or 0


def _left(connection: Connection, send_id: int) -> int:
    """Who got it, and left the list before the next issue went to it."""
    mine = connection.execute(
        select(sends.c.list_id, sends.c.created_at).where(sends.c.id == send_id)
    ).one()
    following = connection.scalar(
        select(func.min(sends.c.created_at)).where(
            sends.c.list_id == mine.list_id,
            sends.c.created_at > mine.created_at,
            sends.c.corrects.is_(None),
        )
    )
    until = [] if following is None else [subscriptions.c.changed_at < following]
    found = (
        select(func.count())
        .select_from(subscriptions)
        .join(deliveries, deliveries.c.subscriber_id == subscriptions.c.subscriber_id)
        .where(
            deliveries.c.send_id == send_id,
            deliveries.c.state == DeliveryState.ACCEPTED,
            subscriptions.c.list_id == mine.list_id,
            subscriptions.c.status == UNSUBSCRIBED,
            subscriptions.c.changed_at >= mine.created_at,
            *until,
        )
    )
    return connection.scalar(found) or 0


def _moment(
    connection: Connection, column: ColumnElement[Any], *, minutes: bool
) -> ColumnElement[str]:
    """The column's hour, or minute, in UTC as text."""
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M" if minutes else "%Y-%m-%d %H", column)
    shape = "YYYY-MM-DD HH24:MI" if minutes else "YYYY-MM-DD HH24"
    return func.to_char(func.timezone("UTC", column), shape)
