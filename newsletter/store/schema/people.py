"""Tables of people: lists, subscriptions, suppressions, sign-ups and search counts."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from newsletter.store.column_types import Moment, metadata

# Named values about the database itself, such as the key of the address hashes.
facts = Table(
    "facts",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("value", Text, nullable=False),
)

# `address_key` is a keyed hash of the normalized address. It stays when the person is erased.
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=True, unique=True),
    Column("name", String(200), nullable=False, default=""),
    Column("address_key", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    # When a suppression was last lifted. Provider events from before do not bring it back.
    Column("permitted_at", Moment, nullable=True),
)

lists = Table(
    "lists",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("list_id", ForeignKey("lists.id"), primary_key=True),
    Column("subscriber_id", ForeignKey("subscribers.id"), primary_key=True),
    Column("status", String(20), nullable=False),  # active, pending, unsubscribed
    Column("changed_at", Moment, nullable=False),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("address_key", String(64), primary_key=True),
    Column("reason", String(200), nullable=False),
    Column("created_at", Moment, nullable=False),
)

# Sign-ups, the same for every address. One with `email` waits; one without only counts.
signups = Table(
    "signups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(200), nullable=False),
    Column("address_key", String(64), nullable=False),  # AddressKeys.mailbox_key
    Column("network", String(64), nullable=False),  # a keyed hash of where it came from
    Column("email", String(320), nullable=True),
    Column("made_at", Moment, nullable=False),
    Column("claimed_until", Moment, nullable=True),  # lease, or when to retry
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("list_id", ForeignKey("lists.id"), nullable=True),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=True),
    Column("pending", Boolean, nullable=False, server_default=false()),  # created the subscription
    Column("mailed_at", Moment, nullable=True),
    Index(None, "address_key"),
    Index(None, "network", "made_at"),
    Index(None, "newsletter", "made_at"),
)

# How often a network searched the archive in an hour.
searches = Table(
    "searches",
    metadata,
    Column("network", String(64), primary_key=True),  # a keyed hash, as in `signups`
    Column("hour", Moment, primary_key=True),  # its start
    Column("times", Integer, nullable=False),
)
