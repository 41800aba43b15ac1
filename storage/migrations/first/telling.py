"""What is to be told in Slack, and where it was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create() -> None:
    """Make these tables and their indexes."""
    _outbox()
    _posted()


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", Id, primary_key=True),
        sa.Column("request_id", Id, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event", sa.Text),
        sa.Column("actor", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("taken_until", sa.Double),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.Double),
        sa.Column("done_at", sa.Double),
        sa.Column("error", sa.Text),
    )
    where = sa.text("done_at IS NULL")
    op.create_index("outbox_waiting", "outbox", ["request_id", "id"], sqlite_where=where, postgresql_where=where)
    op.create_index("outbox_due", "outbox", ["due_at", "id"], sqlite_where=where, postgresql_where=where)
    where = sa.text("done_at IS NOT NULL AND error IS NOT NULL")
    op.create_index("outbox_given_up", "outbox", ["done_at"], sqlite_where=where, postgresql_where=where)


def _posted() -> None:
    op.create_table(
        "posted",
        sa.Column("request_id", Id, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("team", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
