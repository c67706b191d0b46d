"""Tables of provider events, and the figures made from them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
)

from newsletter.store.column_types import Moment, metadata

# Provider requests as they came, until they are read. They hold addresses, so they do not stay.
reports = Table(
    "reports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("provider", String(100), nullable=False),
    Column("body", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=True),  # why it could not be read
)

# Each event once. `reader` is a pseudonym for this send; opens and clicks have no other name.
events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(100), nullable=False, unique=True),  # the provider's own id
    Column("kind", String(40), nullable=False),  # of EventKind, or the word for an OTHER
    Column("at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("send_id", ForeignKey("sends.id"), nullable=True),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=True),
    Column("reader", String(22), nullable=True),
    Column("link", Text, nullable=True),
    Column("machine", Boolean, nullable=False, server_default=false()),
    Column("raw", Text, nullable=True),  # the rest of the event, without the address
    Index(None, "send_id", "kind"),
    *(
        Index(f"ix_events_{name}", *columns, sqlite_where=text(where), postgresql_where=text(where))
        for name, columns, where in (
            ("reader", ("send_id", "reader"), "reader IS NOT NULL"),
            ("subscriber_id", ("subscriber_id",), "subscriber_id IS NOT NULL"),
            ("raw", ("id",), "raw IS NOT NULL"),
            ("link", ("id",), "link IS NOT NULL"),
        )
    ),
)

# The figures of a send whose events were deleted.
figures = Table(
    "figures",
    metadata,
    Column("send_id", ForeignKey("sends.id"), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("closed_at", Moment, nullable=False),
)

# How many people on a list may be mailed, by day (UTC).
list_days = Table(
    "list_days",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("readers", Integer, nullable=False),
)
