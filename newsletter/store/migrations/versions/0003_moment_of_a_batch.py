"""The moment at which the provider lets a batch go: what is handed over late has its own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; without a value, the send's own moment holds."""
    op.add_column("batches", sa.Column("send_at", sa.DateTime(timezone=True), nullable=True))
