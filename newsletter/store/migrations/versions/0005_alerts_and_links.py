"""Alerts to the editor, and links that work once."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("newsletter", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("issue", sa.String(length=10), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("claimed_until", moment, nullable=True),
        sa.Column("mailed_at", moment, nullable=True),
        sa.Column("posted_at", moment, nullable=True),
        sa.Column("sent_at", moment, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint(
            "newsletter", "kind", "key", name=op.f("uq_alerts_newsletter_kind_key")
        ),
    )
    op.create_index(
        op.f("ix_alerts_newsletter_sent_at"), "alerts", ["newsletter", "sent_at"], unique=False
    )
    op.create_table(
        "used_links",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("used_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_used_links")),
    )
