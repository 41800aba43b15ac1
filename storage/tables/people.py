"""Who may do what: grants and API keys."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Table, Text

from storage.tables.base import Id, metadata, partial_index

grants = Table(
    "grants",
    metadata,
    Column("who", Text, primary_key=True),
    Column("permission", Text, primary_key=True),
    Column("app", Text, primary_key=True),  # "" means every application: a key has no NULL
    Column("source", Text, nullable=False),
    Column("at", Double, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("revoked_at", Double),
)
Index("api_keys_digest", api_keys.c.digest, unique=True)
partial_index("api_keys_in_use", api_keys.c.name, where=api_keys.c.revoked_at.is_(None), unique=True)
