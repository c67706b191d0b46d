"""Recall of batches, and the evidence of what a send has begun; one index less to write."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, and count the readers of the sends that are there."""
    moment = sa.DateTime(timezone=True)
    op.add_column("sends", sa.Column("eligible", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sends", sa.Column("send_at", moment, nullable=True))
    op.add_column("sends", sa.Column("requests", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("batches", sa.Column("recall_id", sa.String(length=200), nullable=True))
    op.add_column("batches", sa.Column("recalled_at", moment, nullable=True))
    no = sa.false()
    op.add_column("batches", sa.Column("repeated", sa.Boolean(), nullable=False, server_default=no))
    op.drop_index(op.f("ix_deliveries_send_id_state"), table_name="deliveries")
    op.execute(
        "UPDATE sends SET eligible = "
        "(SELECT count(*) FROM deliveries WHERE deliveries.send_id = sends.id)"
    )
