"""Who is on the lists, and who comes to sign up or to search."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, false

from newsletter.store.column_types import Moment, metadata

# Facts about the database itself: the key of the address hashes, since when ticks look.
facts = Table(
    "facts",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("value", Text, nullable=False),
)

# `address_key` is a keyed hash of the normalized address; it stays when the person is erased.
subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=True, unique=True),
    Column("name", String(200), nullable=False, default=""),
    Column("address_key", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    # When a suppression was lifted last: what providers report from before does not bring it back.
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

# A sign-up, whoever the address belongs to: it waits while `email` is there; then it only counts.
signups = Table(
    "signups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(200), nullable=False),
    Column("address_key", String(64), nullable=False),  # of all that lead to that mailbox
    Column("network", String(64), nullable=False),  # a keyed hash of where it came from
    Column("email", String(320), nullable=True),
    Column("made_at", Moment, nullable=False),
    Column("claimed_until", Moment, nullable=True),  # in some process's hands, or not before
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("list_id", ForeignKey("lists.id"), nullable=True),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=True),
    Column("pending", Boolean, nullable=False, server_default=false()),  # it made the subscription
    Column("mailed_at", Moment, nullable=True),
    Index(None, "address_key"),
    Index(None, "network", "made_at"),
    Index(None, "newsletter", "made_at"),
)

# How often a network has searched the archive in an hour.
searches = Table(
    "searches",
    metadata,
    Column("network", String(64), primary_key=True),  # a keyed hash, as in `signups`
    Column("hour", Moment, primary_key=True),  # when it begins
    Column("times", Integer, nullable=False),
)
