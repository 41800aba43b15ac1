"""Grants and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create() -> None:
    """Make these tables and their indexes."""
    _grants()
    _api_keys()


def _grants() -> None:
    op.create_table(
        "grants",
        sa.Column("who", sa.Text, primary_key=True),
        sa.Column("permission", sa.Text, primary_key=True),
        sa.Column("app", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
    )


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", Id, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.Double),
    )
    op.create_index("api_keys_digest", "api_keys", ["digest"], unique=True)
    where = sa.text("revoked_at IS NULL")
    op.create_index("api_keys_in_use", "api_keys", ["name"], unique=True, sqlite_where=where, postgresql_where=where)
