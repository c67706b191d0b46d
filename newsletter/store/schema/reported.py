"""What providers report, and the figures made of it."""

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

# What a provider posted, as it came, until it is read: it holds addresses, and does not stay.
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

# Each event once; whose an open or a click is says only `reader`, a name made up for this send.
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
    Column("raw", Text, nullable=True),  # what was said beyond that, without the address
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

# The figures of a send whose events are gone.
figures = Table(
    "figures",
    metadata,
    Column("send_id", ForeignKey("sends.id"), primary_key=True),
    Column("document", JSON, nullable=False),
    Column("closed_at", Moment, nullable=False),
)

# How many on a list may be mailed, by the day (UTC).
list_days = Table(
    "list_days",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("readers", Integer, nullable=False),
)
