"""What issues say, to be found and listed; corrections, and the mails that tell of them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_SEARCH = (
    "CREATE VIRTUAL TABLE issue_search USING fts5("
    "words, content='issue_texts', content_rowid='send_id', tokenize='porter unicode61')",
    """CREATE TRIGGER issue_texts_put AFTER INSERT ON issue_texts BEGIN
    INSERT INTO issue_search (rowid, words) VALUES (new.send_id, new.words); END""",
    """CREATE TRIGGER issue_texts_gone AFTER DELETE ON issue_texts BEGIN
    INSERT INTO issue_search (issue_search, rowid, words)
    VALUES ('delete', old.send_id, old.words); END""",
    """CREATE TRIGGER issue_texts_changed AFTER UPDATE ON issue_texts BEGIN
    INSERT INTO issue_search (issue_search, rowid, words)
    VALUES ('delete', old.send_id, old.words);
    INSERT INTO issue_search (rowid, words) VALUES (new.send_id, new.words); END""",
)


def upgrade() -> None:
    """Make the tables and their index; longer names of issues, where a length is minded."""
    moment, postgres = sa.DateTime(timezone=True), op.get_bind().dialect.name == "postgresql"
    if postgres:
        for table in ("sends", "approvals", "alerts"):
            op.alter_column(table, "issue", type_=sa.String(length=20))
    op.add_column("sends", sa.Column("corrects", sa.Integer(), nullable=True))
    op.create_table(
        "issue_texts",
        sa.Column("send_id", sa.Integer(), nullable=False),
        sa.Column("preheader", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("stories", sa.JSON(), nullable=False),
        sa.Column("language", sa.String(length=20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("send_id", name=op.f("pk_issue_texts")),
        sa.ForeignKeyConstraint(["send_id"], ["sends.id"], name=op.f("fk_issue_texts_send_id")),
    )
    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("newsletter", sa.String(length=200), nullable=False),
        sa.Column("issue", sa.String(length=20 if postgres else 10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("mailed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("made_at", moment, nullable=False),
        sa.Column("withdrawn_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sa.UniqueConstraint(
            "newsletter", "issue", "number", name=op.f("uq_corrections_newsletter_issue_number")
        ),
    )
    if postgres:
        for language in ("english", "simple"):
            op.execute(
                f"CREATE INDEX ix_issue_texts_{language} ON issue_texts "
                f"USING gin (to_tsvector('{language}', words)) WHERE language = '{language}'"
            )
    else:
        for statement in _SEARCH:
            op.execute(statement)
