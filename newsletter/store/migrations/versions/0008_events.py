"""What providers report: as it came, event by event, and what is left of it; growth of lists."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables, and room for what is reported of a delivery."""
    moment = sa.DateTime(timezone=True)
    op.add_column("subscribers", sa.Column("permitted_at", moment, nullable=True))
    op.add_column("deliveries", sa.Column("reported", sa.Integer(), nullable=True))
    op.add_column("deliveries", sa.Column("reported_at", moment, nullable=True))
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
    )
    _make_events(moment)
    op.create_table(
        "figures",
        sa.Column("send_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("closed_at", moment, nullable=False),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_figures_send_id")),
        sa.PrimaryKeyConstraint("send_id", name=op.f("pk_figures")),
    )
    op.create_table(
        "list_days",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_list_days_list_id")),
        sa.PrimaryKeyConstraint("list_id", "day", name=op.f("pk_list_days")),
    )


def _make_events(moment: sa.DateTime) -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("received_at", moment, nullable=False),
        sa.Column("send_id", sa.Integer(), nullable=True),
        sa.Column("subscriber_id", sa.Integer(), nullable=True),
        sa.Column("reader", sa.String(length=22), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("machine", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_events_send_id")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name=op.f("fk_events_subscriber_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("key", name=op.f("uq_events_key")),
    )
    op.create_index(op.f("ix_events_send_id_kind"), "events", ["send_id", "kind"], unique=False)
    for name, columns, where in (
        ("reader", ["send_id", "reader"], "reader IS NOT NULL"),
        ("subscriber_id", ["subscriber_id"], "subscriber_id IS NOT NULL"),
        ("raw", ["id"], "raw IS NOT NULL"),
        ("link", ["id"], "link IS NOT NULL"),
    ):
        there = sa.text(where)
        op.create_index(
            f"ix_events_{name}", "events", columns, sqlite_where=there, postgresql_where=there
        )
