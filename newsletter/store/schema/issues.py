"""Tables of issues: approvals, timetable, alerts, sends, texts and corrections."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from newsletter.store.column_types import ISSUE, Moment, NameOfIssue, metadata

approvals = Table(
    "approvals",
    metadata,
    Column("newsletter", String(200), primary_key=True),
    Column("issue", ISSUE, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("approved_by", String(320), nullable=False),
    Column("approved_at", Moment, nullable=False),
)

# Links that were used. A link works once.
used_links = Table(
    "used_links",
    metadata,
    Column("nonce", String(64), primary_key=True),
    Column("used_at", Moment, nullable=False),
)

# One due moment of the timetable: the process that inserts or claims the row acts.
occurrences = Table(
    "occurrences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("day", String(20), nullable=False),  # the local date, with the time for a second one
    Column("issue", NameOfIssue(10), nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("state", String(20), nullable=False),  # started, waiting, done, held, skipped, missed
    Column("reason", Text, nullable=True),
    Column("lease_until", Moment, nullable=True),
    Column("changed_at", Moment, nullable=False),
    Column("moved_to", Moment, nullable=True),  # of a send: when a person wants it sent instead
    UniqueConstraint("newsletter", "kind", "day"),
)

# Alerts to the editor: added in the transaction of what they report, and sent later.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("key", String(200), nullable=False),  # with `kind`: reports each event once
    Column("issue", ISSUE, nullable=False),
    Column("hash", String(64), nullable=True),  # of the issue that its link approves
    Column("text", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("claimed_until", Moment, nullable=True),  # lease, or when to retry
    Column("mailed_at", Moment, nullable=True),
    Column("posted_at", Moment, nullable=True),
    Column("sent_at", Moment, nullable=True),  # nothing is left to do
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=True),  # why the last attempt failed
    UniqueConstraint("newsletter", "kind", "key"),
    Index(None, "newsletter", "sent_at"),
)

# One issue to one list. It is frozen, because what was mailed must never change.
sends = Table(
    "sends",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(200), nullable=False),
    Column("issue", ISSUE, nullable=False),
    Column("list_id", ForeignKey("lists.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("sender", String(500), nullable=False),
    Column("reply_to", String(500), nullable=True),
    Column("articles", JSON, nullable=False),  # [[id, canonical address or null], …]
    Column("provider", String(100), nullable=False),
    Column("state", String(20), nullable=False),  # sending, paused, cancelled, done
    Column("reason", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=True),
    Column("eligible", Integer, nullable=False, server_default="0"),
    # When the provider releases the mails; null: at once, and they cannot be recalled.
    Column("send_at", Moment, nullable=True),
    # Requests begun so far. The record beside the issue folder must never show more.
    Column("requests", Integer, nullable=False, server_default="0"),
    # Of a correction mail: the send of the issue it corrects, whose readers alone get it.
    Column("corrects", Integer, nullable=True),
    UniqueConstraint("newsletter", "issue"),
)

# `fence` counts the claims: a late process with an old fence changes nothing.
batches = Table(
    "batches",
    metadata,
    Column("send_id", ForeignKey("sends.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(20), nullable=False),
    Column("fence", Integer, nullable=False, default=0),
    Column("owner", String(200), nullable=True),
    Column("lease_until", Moment, nullable=True),
    Column("not_before", Moment, nullable=True),
    Column("reference", String(200), nullable=True),
    # When the provider releases it; null in batches of older versions: at the send's moment.
    Column("send_at", Moment, nullable=True),
    Column("recall_id", String(200), nullable=True),  # names the batch in a recall
    Column("recalled_at", Moment, nullable=True),  # since when a cancellation is open
    # Its readers were in doubt before and are sent the mail again; that happens only once.
    Column("repeated", Boolean, nullable=False, server_default=false()),
    Column("reason", Text, nullable=True),
    Column("changed_at", Moment, nullable=False),
    Index(None, "send_id", "state"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("send_id", ForeignKey("sends.id"), nullable=False),
    Column("subscriber_id", ForeignKey("subscribers.id"), nullable=False),
    Column("batch", Integer, nullable=True),
    Column("state", String(20), nullable=False),
    Column("reason", Text, nullable=True),
    Column("reported", Integer, nullable=True),  # model.Reported; it only grows
    Column("reported_at", Moment, nullable=True),
    UniqueConstraint("send_id", "subscriber_id"),
    ForeignKeyConstraint(["send_id", "batch"], ["batches.send_id", "batches.number"]),
    Index(None, "send_id", "batch"),
)

# The text of an issue, for its page, the feeds and the search, which reads `words`.
issue_texts = Table(
    "issue_texts",
    metadata,
    Column("send_id", ForeignKey("sends.id"), primary_key=True),
    Column("preheader", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("picture", Text, nullable=True),
    Column("stories", JSON, nullable=False),  # [[headline, blurb, address or null], …]
    Column("language", String(20), nullable=False),  # PostgreSQL's text search configuration
    Column("words", Text, nullable=False),
)

# Corrections of an issue's page. The send stays as it was.
corrections = Table(
    "corrections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("newsletter", String(200), nullable=False),
    Column("issue", ISSUE, nullable=False),
    Column("number", Integer, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Column("changes", JSON, nullable=False),  # [["words" or "link", old, new], …]
    Column("mailed", Boolean, nullable=False, server_default=false()),  # as a correction mail
    Column("made_at", Moment, nullable=False),
    Column("withdrawn_at", Moment, nullable=True),  # not shown since then
    UniqueConstraint("newsletter", "issue", "number"),
)
