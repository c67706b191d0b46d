"""Sends that a person has put to another time; several moments of a kind on one day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make room for the time in `day`, and add when a send was moved to."""
    with op.batch_alter_table("occurrences") as table:
        table.alter_column("day", type_=sa.String(length=20), existing_type=sa.String(length=10))
        table.add_column(sa.Column("moved_to", sa.DateTime(timezone=True), nullable=True))
