"""Who runs, and what this installation knows of itself."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, Table, Text

from storage.tables.base import metadata

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("present_until", Double, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("process", Text),  # see engine.worker.process_identity
)

# What this installation keeps for itself, such as the secret from which callback addresses are made.
installation = Table(
    "installation",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Slack workspaces that took the app out.
removals = Table(
    "removals",
    metadata,
    Column("team", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
)

# PostgreSQL only: the last transaction of each writer; see storage.commit_numbers.
commits = Table(
    "commits",
    metadata,
    Column("writer", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
)

# How many there are of what is asked for often, in parts (storage.tallies).
tallies = Table(
    "tallies",
    metadata,
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, primary_key=True),  # requests (by status), or events (by kind, of all applications)
    Column("app", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)
