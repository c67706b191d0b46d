"""Who may be mailed: the one rule, for counting, freezing, claiming, and who missed an issue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    select,
)

from newsletter.store.lists import list_id_query
from newsletter.store.schema import deliveries, subscribers, subscriptions, suppressions
from newsletter.store.subscription_status import ACTIVE

# Whoever is active on the list, has an address, and is not suppressed.
_ACTIVE = subscriptions.c.status == ACTIVE
_HAS_ADDRESS = subscribers.c.email != ""
_NOT_SUPPRESSED = suppressions.c.reason.is_(None)
_SUPPRESSION = suppressions.c.address_key == subscribers.c.address_key

# Why a person may not be mailed; NULL where they may.
OBSTACLE = case(
    (~_NOT_SUPPRESSED, suppressions.c.reason),
    (and_(_ACTIVE, _HAS_ADDRESS), None),
    (_HAS_ADDRESS, "unsubscribed before the issue went out"),
    else_="the address is gone",
)


def join_obstacles(query: Select[Any], list_: BindParameter[int]) -> Select[Any]:
    """A query of subscribers, joined with all that ``OBSTACLE`` looks at."""
    on_the_list = and_(
        subscriptions.c.subscriber_id == subscribers.c.id, subscriptions.c.list_id == list_
    )
    return query.outerjoin(suppressions, _SUPPRESSION).outerjoin(subscriptions, on_the_list)


def may_be_mailed(list_: int | ScalarSelect[int]) -> Select[tuple[int]]:
    """Their numbers as a query."""
    return active_subscribers(list_).where(_NOT_SUPPRESSED).with_only_columns(subscribers.c.id)


def active_subscribers(
    list_: int | ScalarSelect[int], of: int | None = None
) -> Select[tuple[int, str]]:
    """Everybody active on the list, with the reason for which one is suppressed, as a query.

    ``of``: a send; only those who have what it sent.
    """
    people = (
        select(subscribers.c.id, suppressions.c.reason)
        .join_from(subscriptions, subscribers)
        .outerjoin(suppressions, _SUPPRESSION)
        .where(subscriptions.c.list_id == list_, _ACTIVE, _HAS_ADDRESS)
    )
    return people if of is None else people.where(subscribers.c.id.in_(_who_got(of)))


def count(connection: Connection, list_name: str, of: int | None = None) -> int:
    """How many may be mailed on the list of that name; with ``of`` only those who have what that
    send sent.
    """
    people = may_be_mailed(list_id_query(list_name))
    if of is not None:
        people = people.where(subscribers.c.id.in_(_who_got(of)))
    return connection.scalar(select(func.count()).select_from(people.subquery())) or 0


def _who_got(send_id: int) -> Select[tuple[int]]:
    """Who has what was sent, as a query: the provider took it for them."""
    return select(deliveries.c.subscriber_id).where(
        deliveries.c.send_id == send_id, deliveries.c.state == "accepted"
    )
