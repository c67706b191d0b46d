"""Figures of a send: counted from its events, and stored as numbers when those are deleted."""

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
from newsletter.store import events as event_store
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

FIRST_HOURS = 24 * 7  # opens and clicks are counted by the hour for so long

Pair = tuple[int, int]  # readers, times


class EventCounts(TypedDict):
    """Counts of a send's events. In lists of pairs, people come first, then machines."""

    complained: int
    left: int  # readers who unsubscribed between this issue and the next
    opens: list[Pair]
    clicks: list[Pair]
    links: list[tuple[str, Pair, Pair]]
    hours: list[tuple[str, int, int]]  # "2025-07-07 14" (UTC), people's opens, clicks


class ReaderActivity(NamedTuple):
    """The opens and clicks of one reader, without machines."""

    email: str
    opens: int
    clicks: int
    last: datetime


def event_counts(connection: Connection, send_id: int) -> EventCounts:
    """The counts of the send's events, or those stored when its events were deleted."""
    document = connection.scalar(select(figures.c.document).where(figures.c.send_id == send_id))
    return cast(EventCounts, document) if document is not None else _count(connection, send_id)


def close(connection: Connection, send_id: int, now: datetime) -> None:
    """Store the figures, and delete the events that they come from."""
    # The lock keeps other processes from adding events meanwhile (see ``events.is_closed``).
    connection.execute(select(sends.c.id).where(sends.c.id == send_id).with_for_update())
    if event_store.is_closed(connection, send_id):
        return
    document = _count(connection, send_id)
    connection.execute(insert(figures).values(send_id=send_id, document=document, closed_at=now))
    event_store.delete_all(connection, send_id)


def open_sends(connection: Connection, newsletter: str, before: datetime) -> list[int]:
    """The ids of the newsletter's sends that began by ``before`` and still have their events."""
    closed = exists().where(figures.c.send_id == sends.c.id)
    old = select(sends.c.id).where(sends.c.newsletter == newsletter, sends.c.created_at <= before)
    return list(connection.scalars(old.where(~closed).order_by(sends.c.id)))


def closed_at(connection: Connection, send_id: int) -> datetime | None:
    """When the events of the send were deleted; None if they were not."""
    moment: datetime | None = connection.scalar(
        select(figures.c.closed_at).where(figures.c.send_id == send_id)
    )
    return moment


def articles(connection: Connection, send_id: int) -> list[tuple[str, str | None]]:
    """The id and canonical address of each story of the send, in order."""
    pairs = connection.scalar(select(sends.c.articles).where(sends.c.id == send_id))
    return [(id_, address) for id_, address in pairs or ()]


def reported_counts(connection: Connection, send_id: int) -> dict[Reported, int]:
    """How many deliveries are in each reported state, with 0 for the others."""
    rows = connection.execute(
        select(deliveries.c.reported, func.count())
        .where(deliveries.c.send_id == send_id, deliveries.c.reported.is_not(None))
        .group_by(deliveries.c.reported)
    )
    return dict.fromkeys(Reported, 0) | {Reported(state): int(n) for state, n in rows}


def delivered_by_minute(connection: Connection, send_id: int) -> list[tuple[str, int]]:
    """Deliveries by minute, without empty minutes: ``("2025-07-07 14:00", 312)``, in UTC."""
    minute = _moment(connection, deliveries.c.reported_at, minutes=True)
    rows = connection.execute(
        select(minute.label("minute"), func.count())
        .where(deliveries.c.send_id == send_id, deliveries.c.reported == Reported.DELIVERED)
        .group_by("minute")
        .order_by("minute")
    )
    return [(str(at), int(count)) for at, count in rows]


def reader_activity(connection: Connection, send_id: int) -> Iterator[ReaderActivity]:
    """Each reader's opens and clicks, by address; empty if they are not stored by reader."""
    activity = _opens_and_clicks(send_id)
    rows = connection.execute(
        select(
            subscribers.c.email,
            func.sum(case((activity.c.kind == EventKind.OPENED, 1), else_=0)),
            func.sum(case((activity.c.kind == EventKind.CLICKED, 1), else_=0)),
            func.max(activity.c.at),
        )
        .join_from(activity, subscribers, subscribers.c.id == activity.c.subscriber_id)
        .where(subscribers.c.email.is_not(None), activity.c.by_machine == 0)
        .group_by(subscribers.c.id, subscribers.c.email)
        .order_by(subscribers.c.email),
        execution_options={"yield_per": 5_000},
    )
    return (
        ReaderActivity(email, int(opens), int(clicks), last) for email, opens, clicks, last in rows
    )


def _count(connection: Connection, send_id: int) -> EventCounts:
    activity = _opens_and_clicks(send_id)
    totals: dict[tuple[str, int], Pair] = {}
    for kind, machine, readers, times in connection.execute(
        select(
            activity.c.kind,
            activity.c.by_machine,
            func.count(distinct(activity.c.reader)),
            func.count(),
        ).group_by(activity.c.kind, activity.c.by_machine)
    ):
        totals[kind, machine] = (int(readers), int(times))
    links: dict[str, dict[int, Pair]] = {}
    for link, machine, readers, times in connection.execute(
        select(
            activity.c.link,
            activity.c.by_machine,
            func.count(distinct(activity.c.reader)),
            func.count(),
        )
        .where(activity.c.link.is_not(None))
        .group_by(activity.c.link, activity.c.by_machine)
        .order_by(activity.c.link)
    ):
        links.setdefault(link, {})[machine] = (int(readers), int(times))
    return {
        "complained": _complained(connection, send_id),
        "left": _unsubscribed(connection, send_id),
        "opens": [totals.get((EventKind.OPENED, machine), (0, 0)) for machine in (0, 1)],
        "clicks": [totals.get((EventKind.CLICKED, machine), (0, 0)) for machine in (0, 1)],
        "links": [(link, n.get(0, (0, 0)), n.get(1, (0, 0))) for link, n in links.items()],
        "hours": _by_hour(connection, activity),
    }


def _opens_and_clicks(send_id: int) -> Any:
    """The opens and clicks of a send, with ``by_machine`` 1 or 0.

    A reader who follows several links within a second is a machine, whatever it calls itself.
    """
    own = events.c.send_id == send_id
    at_once = (
        select(events.c.reader, events.c.at)
        .where(own, events.c.kind == EventKind.CLICKED)
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
        .where(own, events.c.kind.in_((EventKind.OPENED, EventKind.CLICKED)))
        .subquery()
    )


def _by_hour(connection: Connection, activity: Any) -> list[tuple[str, int, int]]:
    hour = _moment(connection, activity.c.at, minutes=False)
    rows = connection.execute(
        select(
            hour.label("hour"),
            func.sum(case((activity.c.kind == EventKind.OPENED, 1), else_=0)),
            func.sum(case((activity.c.kind == EventKind.CLICKED, 1), else_=0)),
        )
        .where(activity.c.by_machine == 0)
        .group_by("hour")
        .order_by("hour")
        .limit(FIRST_HOURS)
    )
    return [(str(at), int(opens), int(clicks)) for at, opens, clicks in rows]


def _complained(connection: Connection, send_id: int) -> int:
    readers = select(func.count(distinct(events.c.subscriber_id))).where(
        events.c.send_id == send_id, events.c.kind == EventKind.COMPLAINED
    )
    return connection.scalar(readers) or 0


def _unsubscribed(connection: Connection, send_id: int) -> int:
    """How many readers of the send unsubscribed before the list's next issue."""
    send = connection.execute(
        select(sends.c.list_id, sends.c.created_at).where(sends.c.id == send_id)
    ).one()
    following = connection.scalar(
        select(func.min(sends.c.created_at)).where(
            sends.c.list_id == send.list_id,
            sends.c.created_at > send.created_at,
            sends.c.corrects.is_(None),
        )
    )
    until = [] if following is None else [subscriptions.c.changed_at < following]
    readers = (
        select(func.count())
        .select_from(subscriptions)
        .join(deliveries, deliveries.c.subscriber_id == subscriptions.c.subscriber_id)
        .where(
            deliveries.c.send_id == send_id,
            deliveries.c.state == DeliveryState.ACCEPTED,
            subscriptions.c.list_id == send.list_id,
            subscriptions.c.status == UNSUBSCRIBED,
            subscriptions.c.changed_at >= send.created_at,
            *until,
        )
    )
    return connection.scalar(readers) or 0


def _moment(
    connection: Connection, column: ColumnElement[Any], *, minutes: bool
) -> ColumnElement[str]:
    """The column's hour, or minute, as text in UTC."""
    if connection.dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:%M" if minutes else "%Y-%m-%d %H", column)
    format_ = "YYYY-MM-DD HH24:MI" if minutes else "YYYY-MM-DD HH24"
    return func.to_char(func.timezone("UTC", column), format_)
