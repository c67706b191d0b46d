"""Sends: frozen in one transaction, and read again as receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Connection,
    case,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy import null as sql_null

from newsletter.model import Receipt, Rendered, Send
from newsletter.store.schema import (
    batches,
    deliveries,
    sends,
    subscribers,
    subscriptions,
    suppressions,
)
from newsletter.store.subscribers import ACTIVE, list_id


class State(StrEnum):
    """What a send is doing."""

    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"


class DeliveryState(StrEnum):
    """What became of one reader; the receipt's words."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"


class BatchState(StrEnum):
    """Where a request to the provider stands (docs/architecture.md draws the machine)."""

    PLANNED = "PLANNED"
    CLAIMED = "CLAIMED"
    SUBMITTING = "SUBMITTING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"  # over, and nobody in it was accepted
    UNKNOWN = "UNKNOWN"
    HELD = "HELD"


@dataclass(frozen=True)
class Frozen:
    """A send as it stands in the database."""

    send: Send
    list_id: int
    state: State
    reason: str | None
    created_at: datetime


def freeze(
    connection: Connection,
    rendered: Rendered,
    *,
    newsletter: str,
    issue: str,
    list_name: str,
    sender: str,
    reply_to: str | None,
    articles: Sequence[tuple[str, str | None]],
    provider: str,
    batch_size: int,
    now: datetime,
) -> int:
    """Freeze content and recipients, and plan the batches; how many readers are eligible.

    Recipients are everybody active on the list now; who is suppressed is in it as excluded.
    ``articles``: the id and canonical address of each story, for "already mailed".
    """
    number = list_id(connection, list_name)
    made = connection.execute(
        insert(sends)
        .values(
            newsletter=newsletter,
            issue=issue,
            list_id=number,
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            hash=rendered.hash,
            sender=sender,
            reply_to=reply_to,
            articles=[list(article) for article in articles],
            provider=provider,
            state=State.SENDING,
            created_at=now,
        )
        .returning(sends.c.id)
    )
    send_id: int = made.scalar_one()
    active = (
        select(subscribers.c.id, suppressions.c.reason)
        .join_from(subscriptions, subscribers)
        .outerjoin(suppressions, suppressions.c.address_key == subscribers.c.address_key)
        .where(
            subscriptions.c.list_id == number,
            subscriptions.c.status == ACTIVE,
            subscribers.c.email.is_not(None),
        )
        .subquery()
    )
    fit = active.c.reason.is_(None)
    count = connection.scalar(select(func.count()).select_from(active).where(fit)) or 0
    plan = [
        {"send_id": send_id, "number": i, "state": BatchState.PLANNED, "changed_at": now}
        for i in range(1, -(-count // batch_size) + 1)
    ]
    if plan:
        connection.execute(insert(batches), plan)
    rank = func.row_number().over(partition_by=fit, order_by=active.c.id)
    columns = ["send_id", "subscriber_id", "state", "reason", "batch"]
    rows = select(
        literal(send_id),
        active.c.id,
        case((fit, literal(DeliveryState.WAITING.value)), else_=DeliveryState.EXCLUDED.value),
        active.c.reason,
        case((fit, (rank - 1) // batch_size + 1), else_=sql_null()),
    )
    connection.execute(insert(deliveries).from_select(columns, rows))
    total = select(func.count()).where(deliveries.c.send_id == send_id)
    return connection.scalar(total) or 0


def find(connection: Connection, newsletter: str, issue: str) -> Frozen | None:
    """The send of an issue, or None where it was never started."""
    row = connection.execute(
        select(sends).where(sends.c.newsletter == newsletter, sends.c.issue == issue)
    ).one_or_none()
    if row is None:
        return None
    send = Send(
        issue=row.issue,
        newsletter=row.newsletter,
        list=str(row.list_id),
        subject=row.subject,
        html=row.html,
        text=row.text,
        hash=row.hash,
        sender=row.sender,
        reply_to=row.reply_to,
        id=row.id,
    )
    return Frozen(send, row.list_id, State(row.state), row.reason, row.created_at)


def set_state(
    connection: Connection, send_id: int, state: State, now: datetime, reason: str | None = None
) -> None:
    """Move the send to a state."""
    finished = now if state is State.DONE else None
    connection.execute(
        update(sends)
        .where(sends.c.id == send_id)
        .values(state=state, reason=reason, finished_at=finished)
    )


def issues(connection: Connection, newsletter: str) -> dict[str, State]:
    """Every issue that has a send, with its state, the oldest first."""
    rows = connection.execute(
        select(sends.c.issue, sends.c.state)
        .where(sends.c.newsletter == newsletter)
        .order_by(sends.c.issue)
    )
    return {issue: State(state) for issue, state in rows}


def under_another_name(
    connection: Connection, newsletter: str, issue: str, list_name: str
) -> str | None:
    """The name under which this list was sent an issue of that date, if it is another one."""
    found: str | None = connection.scalar(
        select(sends.c.newsletter).where(
            sends.c.issue == issue,
            sends.c.list_id == list_id(connection, list_name),
            sends.c.newsletter != newsletter,
        )
    )
    return found


def mailed(connection: Connection, newsletter: str, but: str) -> dict[str, str]:
    """Article ids and canonical addresses → the issue that carried them.

    Counts only issues that the provider accepted for at least one reader; ``but`` is left out.
    """
    accepted = (
        select(literal(1))
        .where(deliveries.c.send_id == sends.c.id, deliveries.c.state == DeliveryState.ACCEPTED)
        .exists()
    )
    rows = connection.execute(
        select(sends.c.issue, sends.c.articles).where(
            sends.c.newsletter == newsletter, sends.c.issue != but, accepted
        )
    )
    return {key: issue for issue, articles in rows for pair in articles for key in pair if key}


def receipt(connection: Connection, found: Frozen) -> Receipt:
    """Who got it. Who was erased since stands in the numbers, without an address.

    ``addresses``: a list of addresses for each number; for rejected and excluded a list of
    ``{"address": …, "reason": …}``.
    """
    rows = connection.execute(
        select(deliveries.c.state, deliveries.c.reason, subscribers.c.email)
        .join_from(deliveries, subscribers)
        .where(deliveries.c.send_id == found.send.id)
        .order_by(subscribers.c.email)
    )
    lists: dict[str, list[object]] = {state.value: [] for state in DeliveryState}
    numbers = dict.fromkeys(lists, 0)
    for state, reason, email in rows:
        numbers[state] += 1
        shown = email or "(erased)"
        explained = state in {DeliveryState.REJECTED, DeliveryState.EXCLUDED}
        lists[state].append({"address": shown, "reason": reason} if explained else shown)
    return Receipt(
        issue=found.send.issue,
        state=found.state.value,
        eligible=sum(numbers.values()),
        reason=found.reason,
        addresses=lists,
        **numbers,
    )
