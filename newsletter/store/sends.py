"""Sends: their content and recipients, frozen in one transaction, and their states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, case, func, insert, literal, or_, select, update
from sqlalchemy import null as sql_null

from newsletter.model import IssueName, Rendered, Send
from newsletter.store import mailable
from newsletter.store.lists import ensure_list, list_id_query
from newsletter.store.schema import batches, deliveries, lists, sends


class SendState(StrEnum):
    """The state of a send."""

    SENDING = "sending"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class DeliveryState(StrEnum):
    """The state of one delivery; a receipt counts them under these names."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    EXCLUDED = "excluded"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"


class BatchState(StrEnum):
    """The state of a batch. docs/architecture.md shows the transitions."""

    PLANNED = "PLANNED"
    CLAIMED = "CLAIMED"
    SUBMITTING = "SUBMITTING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"  # over, and no reader in it was accepted
    UNKNOWN = "UNKNOWN"
    RECALLING = "RECALLING"  # the provider is asked to drop it
    HELD = "HELD"


@dataclass(frozen=True)
class FrozenSend:
    """A send as stored in the database."""

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
    """Freeze content and recipients, and plan the batches. Returns how many readers are eligible.

    Recipients are all people active on the list now; suppressed people become excluded deliveries.
    ``articles``: id and canonical address of each story, for later gathers.
    ``send_at``: when the provider releases the mails. ``corrects``: the send that this one
    corrects, whose readers alone are recipients.
    """
    list_id = ensure_list(connection, list_name)
    added = connection.execute(
        insert(sends)
        .values(
            newsletter=newsletter,
            issue=issue,
            list_id=list_id,
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
    send_id: int = added.scalar_one()
    active = mailable.active_subscribers(list_id, corrects).subquery()
    mailable_now = active.c.reason.is_(None)
    count = connection.scalar(select(func.count()).select_from(active).where(mailable_now)) or 0
    plan = [
        {"send_id": send_id, "number": i, "state": BatchState.PLANNED, "changed_at": now}
        for i in range(1, -(-count // batch_size) + 1)
    ]
    if plan:
        connection.execute(insert(batches), plan)
    rank = func.row_number().over(partition_by=mailable_now, order_by=active.c.id)
    columns = ["send_id", "subscriber_id", "state", "reason", "batch"]
    rows = select(
        literal(send_id),
        active.c.id,
        case(
            (mailable_now, literal(DeliveryState.WAITING.value)), else_=DeliveryState.EXCLUDED.value
        ),
        active.c.reason,
        case((mailable_now, (rank - 1) // batch_size + 1), else_=sql_null()),
    )
    connection.execute(insert(deliveries).from_select(columns, rows))
    return update_eligible(connection, send_id)


def update_eligible(connection: Connection, send_id: int) -> int:
    """Count the deliveries of the send, store the number in the send, and return it."""
    total = select(func.count()).where(deliveries.c.send_id == send_id)
    eligible = connection.scalar(total) or 0
    connection.execute(update(sends).where(sends.c.id == send_id).values(eligible=eligible))
    return eligible


def lock_list(connection: Connection, list_name: str) -> None:
    """Until the transaction ends, let no other process plan a send to the list."""
    list_id = ensure_list(connection, list_name)
    connection.execute(select(lists.c.id).where(lists.c.id == list_id).with_for_update())


def find(connection: Connection, newsletter: str, issue: IssueName) -> FrozenSend | None:
    """The send of an issue; None if there is none."""
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
    """The state of the send, and its reason."""
    row = connection.execute(_STATE, {"send": send_id}).one()
    return SendState(row.state), row.reason


def newsletter_and_issue(connection: Connection, send_id: int) -> tuple[str, IssueName] | None:
    """The newsletter and the issue of a send; None if there is no send of that id."""
    row = connection.execute(
        select(sends.c.newsletter, sends.c.issue).where(sends.c.id == send_id)
    ).one_or_none()
    return (row.newsletter, row.issue) if row else None


def request_counts(
    connection: Connection, newsletter: str, issue: IssueName
) -> dict[IssueName, int]:
    """Issue → requests begun, under any name of the newsletter.

    For ``issue`` itself only requests under the current name count.
    """
    rows = connection.execute(
        select(sends.c.issue, func.sum(sends.c.requests))
        .where(or_(sends.c.issue != issue, sends.c.newsletter == newsletter))
        .group_by(sends.c.issue)
    )
    return {name: int(count) for name, count in rows}


def last_audience(
    connection: Connection, newsletter: str, list_name: str
) -> tuple[IssueName, int] | None:
    """The newest issue sent to the list, and to how many readers; None if there is none."""
    row = connection.execute(
        select(sends.c.issue, sends.c.id)
        .where(sends.c.newsletter == newsletter, sends.c.list_id == list_id_query(list_name))
        .where(sends.c.state != SendState.CANCELLED, sends.c.corrects.is_(None))
        .order_by(sends.c.issue.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    readers = connection.scalar(
        select(func.count()).where(
            deliveries.c.send_id == row.id, deliveries.c.state != DeliveryState.EXCLUDED
        )
    )
    return row.issue, readers or 0


def set_state(
    connection: Connection,
    send_id: int,
    new: SendState,
    now: datetime,
    reason: str | None = None,
    *,
    only_from: SendState | None = None,
) -> bool:
    """Set the state of the send. With ``only_from``, only if it is in that state; else False."""
    change = update(sends).where(sends.c.id == send_id)
    if only_from:
        change = change.where(sends.c.state == only_from)
    finished = now if new is SendState.DONE else None
    changed = connection.execute(change.values(state=new, reason=reason, finished_at=finished))
    return changed.rowcount > 0


def states(
    connection: Connection, newsletter: str, *, corrections: bool = False
) -> dict[IssueName, SendState]:
    """Issue → the state of its send, the oldest first; with ``corrections`` those mails instead."""
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
    """Another newsletter name under which the list was sent this issue; None if there is none."""
    name: str | None = connection.scalar(
        select(sends.c.newsletter).where(
            sends.c.issue == issue,
            sends.c.list_id == list_id_query(list_name),
            sends.c.newsletter != newsletter,
        )
    )
    return name


def mailed_articles(
    connection: Connection, newsletter: str, other_than: IssueName
) -> dict[str, IssueName]:
    """Article id or canonical address → the issue that carried it, except in ``other_than``.

    Only issues that the provider accepted for at least one reader count.
    """
    accepted = (
        select(literal(1))
        .where(deliveries.c.send_id == sends.c.id, deliveries.c.state == DeliveryState.ACCEPTED)
        .exists()
    )
    rows = connection.execute(
        select(sends.c.issue, sends.c.articles).where(
            sends.c.newsletter == newsletter, sends.c.issue != other_than, accepted
        )
    )
    return {key: issue for issue, articles in rows for pair in articles for key in pair if key}
