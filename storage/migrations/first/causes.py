"""What blocks many requests at once, and their bulk re-triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create() -> None:
    """Make these tables and their indexes."""
    _causes()
    _bulk()


def _causes() -> None:
    op.create_table(
        "blocks",
        sa.Column("request_id", Id, primary_key=True, autoincrement=False),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("told_by", Id),
    )
    op.create_index("blocks_by_key", "blocks", ["key", "at"])
    op.create_table(
        "causes",
        sa.Column("id", Id, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.Column("closed_at", sa.Double),
    )
    where = sa.text("closed_at IS NULL")
    op.create_index("causes_open", "causes", ["key"], unique=True, sqlite_where=where, postgresql_where=where)


def _bulk() -> None:
    op.create_table(
        "bulk_runs",
        sa.Column("id", Id, primary_key=True),
        sa.Column("cause_id", Id, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("flow", sa.Boolean, nullable=False),
        sa.Column("rate", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("why", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("begun_at", sa.Double),
        sa.Column("next_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until", sa.Double),
    )
    where = sa.text("state IN ('canary', 'running', 'stopping')")
    op.create_index(
        "bulk_runs_under_way", "bulk_runs", ["cause_id"], unique=True, sqlite_where=where, postgresql_where=where
    )
    op.create_index("bulk_runs_by_cause", "bulk_runs", ["cause_id", "id"])
    op.create_table(
        "bulk_items",
        sa.Column("run_id", Id, primary_key=True, autoincrement=False),
        sa.Column("request_id", Id, primary_key=True, autoincrement=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
    )
