"""Remove an erased person's address from every text in the database."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Text, and_, select, update

from newsletter.store.column_types import metadata
from newsletter.store.reader_pseudonyms import find_key, reader_pseudonym
from newsletter.store.schema import (
    corrections,
    deliveries,
    events,
    facts,
    figures,
    issue_texts,
    sends,
    subscribers,
)

BLANK = "(erased)"
# Columns without texts about a person: what was mailed to all, and facts about the database.
_NOT_PERSONAL = (
    facts.c.value,
    *(sends.c.subject, sends.c.html, sends.c.text),
    *issue_texts.c,
    corrections.c.note,
)
_TEXTS = tuple(
    column
    for table in metadata.sorted_tables
    for column in table.columns
    if isinstance(column.type, Text) and not any(column is other for other in _NOT_PERSONAL)
)
_BEFORE, _AFTER = r"(?<![\w.+%-])", r"(?![\w-]|\.\w)"  # not inside another address


def anonymize_events(connection: Connection, address_key: str) -> None:
    """Detach the person from their events. The counts stay."""
    person = select(subscribers.c.id).where(subscribers.c.address_key == address_key)
    theirs = events.c.subscriber_id.in_(person)
    connection.execute(update(events).where(theirs).values(raw=None))
    connection.execute(
        update(events).where(theirs, events.c.reader.is_not(None)).values(subscriber_id=None)
    )
    closed = select(figures.c.send_id)
    own = select(deliveries.c.id, deliveries.c.send_id).where(
        deliveries.c.subscriber_id.in_(person), deliveries.c.send_id.not_in(closed)
    )
    keys: dict[int, bytes | None] = {}
    for delivery, send_id in connection.execute(own).all():
        if send_id not in keys:
            keys[send_id] = find_key(connection, send_id)
        if key := keys[send_id]:
            connection.execute(
                update(events)
                .where(
                    events.c.send_id == send_id, events.c.reader == reader_pseudonym(key, delivery)
                )
                .where(events.c.reader.is_not(None))
                .values(reader=secrets.token_hex(11))
            )


def blank_address(connection: Connection, email: str, address_key: str) -> None:
    """Replace the address in every text. In the reasons of the person's own deliveries also replace
    the part before the @, because servers name a mailbox by it.
    """
    local = email.rpartition("@")[0]
    pattern = re.compile("|".join(_patterns(email)), re.IGNORECASE)
    for column in _TEXTS:
        # Most events have no text; an index skips them.
        contains = and_(column.is_not(None), column.icontains(f"{local}@", autoescape=True))
        _replace(connection, column, contains, pattern)
    person = select(subscribers.c.id).where(subscribers.c.address_key == address_key)
    own = and_(
        deliveries.c.subscriber_id.in_(person),
        deliveries.c.reason.icontains(local, autoescape=True),
    )
    local_part = re.compile(f"{_BEFORE}{re.escape(local)}{_AFTER}", re.IGNORECASE)
    _replace(connection, deliveries.c.reason, own, local_part)


def _patterns(email: str) -> Iterator[str]:
    """Patterns for the address as stored, as sent over the wire, and cut off at the end."""
    local, _, domain = email.rpartition("@")
    start = f"{_BEFORE}{re.escape(local)}@"
    names = {domain}
    with contextlib.suppress(UnicodeError):
        names.add(domain.encode("idna").decode())
    for name in names:
        yield f"{start}{re.escape(name)}{_AFTER}"
        yield f"{start}(?:{'|'.join(re.escape(name[:n]) for n in range(len(name)))})$"


def _replace(
    connection: Connection,
    column: Column[Any],
    where: ColumnElement[bool],
    pattern: re.Pattern[str],
) -> None:
    keys = list(column.table.primary_key)
    for *row, text in connection.execute(select(*keys, column).where(where)).all():
        if text != (blanked := pattern.sub(BLANK, text)):
            row_ = and_(*(key == value for key, value in zip(keys, row, strict=True)))
            connection.execute(update(column.table).where(row_).values({column: blanked}))
