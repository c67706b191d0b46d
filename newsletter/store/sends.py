"""Sends: frozen in one transaction, and read again as receipts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy import null as sql_null

from newsletter.model import IssueName, Rendered, Send
from newsletter.store import mailable
from newsletter.store.lists import ensure_list, list_id_query
from newsletter.store.schema import (
    batches,
    deliveries,
    lists,
    sends,
)


class SendState(StrEnum):
    """What a send is doing."""

    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
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
    RECALLING = "RECALLING"  # the provider is asked to drop it
    HELD = "HELD"


@dataclass(frozen=True)
class FrozenSend:
    """A send as it stands in the database."""

    issue: IssueName
    send: Send
    list_id: int
    state: SendState
    reason: str | None
    created_at: datetime
    eligible: int
    requests: int  # begun so far


def freeze(
    connection: Connection,
    rendered: Rendered,
    *,
    newsletter: str,
    issue: IssueName,
    list_name: str,
    sender: str,
    reply_to: str | None,
    articles: Sequence[tuple[str, str | None]],
    provider: str,
    batch_size: int,
    send_at: datetime | None,
    now: datetime,
    corrects: int | None = None,
) -> int:
    """Freeze content and recipients, and plan the batches; how many readers are eligible.

    Recipients are everybody active on the list now; who is suppressed is in it as excluded.
    ``articles``: the id and canonical address of each story, for "already mailed". ``corrects``:
    the send that it corrects; only those who got that are recipients.
    """
    number = ensure_list(connection, list_name)
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
            state=SendState.SENDING,
            created_at=now,
            send_at=send_at,
            corrects=corrects,
        )
        .returning(sends.c.id)
    )
    send_id: int = made.scalar_one()
    active = mailable.active_subscribers(number, corrects).subquery()
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
    return update_eligible(connection, send_id)


def update_eligible(connection: Connection, send_id: int) -> int:
    """How many deliveries the send has; it stands in the send from now on."""
    total = select(func.count()).where(deliveries.c.send_id == send_id)
    eligible = connection.scalar(total) or 0
    connection.execute(update(sends).where(sends.c.id == send_id).values(eligible=eligible))
    return eligible


def lock_list(connection: Connection, list_name: str) -> None:
    """Let one process at a time plan something for the list, until the transaction ends."""
    number = ensure_list(connection, list_name)
    connection.execute(select(lists.c.id).where(lists.c.id == number).with_for_update())


def find(connection: Connection, newsletter: str, issue: IssueName) -> FrozenSend | None:
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
        send_at=row.send_at,
    )
    return FrozenSend(
        row.issue,
        send,
        row.list_id,
        SendState(row.state),
        row.reason,
        row.created_at,
        row.eligible,
        row.requests,
    )


_STATE = select(sends.c.state, sends.c.reason).where(sends.c.id == bindparam("send"))


def state(connection: Connection, send_id: int) -> tuple[SendState, str | None]:
    """What the send is doing now, and why."""
    found = connection.execute(_STATE, {"send": send_id}).one()
    return SendState(found.state), found.reason


def newsletter_and_issue(connection: Connection, send_id: int) -> tuple[str, IssueName] | None:
    """The newsletter and the issue of a send; None where there is none of that number."""
    row = connection.execute(
        select(sends.c.newsletter, sends.c.issue).where(sends.c.id == send_id)
    ).one_or_none()
    return (row.newsletter, row.issue) if row else None


def request_counts(
    connection: Connection, newsletter: str, issue: IssueName
) -> dict[IssueName, int]:
    """How many requests were begun for each issue, whatever the newsletter's name was then.

    For ``issue`` only those under this name count.
    """
    rows = connection.execute(
        select(sends.c.issue, func.sum(sends.c.requests))
        .where(or_(sends.c.issue != issue, sends.c.newsletter == newsletter))
        .group_by(sends.c.issue)
    )
    return {name: int(begun) for name, begun in rows}


def last_audience(
    connection: Connection, newsletter: str, list_name: str
) -> tuple[IssueName, int] | None:
    """The newest issue that went to the list, and to how many readers; None: the first one."""
    row = connection.execute(
        select(sends.c.issue, sends.c.id)
        .where(sends.c.newsletter == newsletter, sends.c.list_id == list_id_query(list_name))
        .where(sends.c.state != SendState.CANCELLED, sends.c.corrects.is_(None))
        .order_by(sends.c.issue.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    mailed_to = connection.scalar(
        select(func.count()).where(
            deliveries.c.send_id == row.id, deliveries.c.state != DeliveryState.EXCLUDED
        )
    )
    return row.issue, mailed_to or 0


def set_state(
    connection: Connection,
    send_id: int,
    new: SendState,
    now: datetime,
    reason: str | None = None,
    *,
    only_from: SendState | None = None,
) -> bool:
    """Move the send to a state; with ``only_from`` where it is in that one. False: it was not."""
    change = update(sends).where(sends.c.id == send_id)
    if only_from:
        change = change.where(sends.c.state == only_from)
    finished = now if new is SendState.DONE else None
    changed = connection.execute(change.values(state=new, reason=reason, finished_at=finished))
    return changed.rowcount > 0


def states(
    connection: Connection, newsletter: str, *, corrections: bool = False
) -> dict[IssueName, SendState]:
    """Every issue that has a send, with its state, the oldest first; or every correction."""
    kind = sends.c.corrects.is_not(None) if corrections else sends.c.corrects.is_(None)
    rows = connection.execute(
        select(sends.c.issue, sends.c.state)
        .where(sends.c.newsletter == newsletter, kind)
        .order_by(sends.c.issue)
    )
    return {issue: SendState(state) for issue, state in rows}


def other_newsletter_name(
    connection: Connection, newsletter: str, issue: IssueName, list_name: str
) -> str | None:
    """The name under which this list was sent an issue of that date, if it is another one."""
    found: str | None = connection.scalar(
        select(sends.c.newsletter).where(
            sends.c.issue == issue,
            sends.c.list_id == list_id_query(list_name),
            sends.c.newsletter != newsletter,
        )
    )
    return found


def mailed_articles(
    connection: Connection, newsletter: str, but: IssueName
) -> dict[str, IssueName]:
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
