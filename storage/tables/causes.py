"""What blocks many requests at once, and their bulk re-triggers. Only blocked steps ever write into them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, Table, Text

from engine.causes.records import RUN_UNDER_WAY
from storage.tables.base import Id, is_one_of, metadata, partial_index

# Steps that outside systems blocked: each by the latest error of each fingerprint (engine.records.Blocked, in the order
# of its fields). It is blocked by it still if it has that version.
blocks = Table(
    "blocks",
    metadata,
    Column("request_id", Id, primary_key=True, autoincrement=False),
    Column("node", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("app", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("told_by", Id),  # the cause whose card tells the request, in the place of one of its own
)
Index("blocks_by_key", blocks.c.key, blocks.c.at)

# What blocks many requests, from the tenth within some minutes until it is over (engine.causes).
causes = Table(
    "causes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("app", Text, nullable=False),
    Column("since", Double, nullable=False),
    Column("opened_at", Double, nullable=False),
    Column("closed_at", Double),
)
partial_index("causes_open", causes.c.key, where=causes.c.closed_at.is_(None), unique=True)

# Bulk re-triggers (engine.causes.records.Run and Item, in the order of their fields).
bulk_runs = Table(
    "bulk_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("cause_id", Id, nullable=False),
    Column("state", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("flow", Boolean, nullable=False),
    Column("rate", Integer, nullable=False),
    Column("reason", Text),
    Column("why", Text),
    Column("created_at", Double, nullable=False),
    Column("begun_at", Double),
    Column("next_at", Double),
    Column("ended_at", Double),
    Column("worker", Text),
    Column("lease_until", Double),
)
UNDER_WAY = is_one_of(bulk_runs.c.state, *(state.value for state in RUN_UNDER_WAY))
partial_index("bulk_runs_under_way", bulk_runs.c.cause_id, where=UNDER_WAY, unique=True)
Index("bulk_runs_by_cause", bulk_runs.c.cause_id, bulk_runs.c.id)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("run_id", Id, primary_key=True, autoincrement=False),
    Column("request_id", Id, primary_key=True, autoincrement=False),
    Column("node", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("app", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text),
)
