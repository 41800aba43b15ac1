"""Every table. JSON is ASCII-escaped text, times are seconds since the epoch (UTC, the database's clock).

There are no foreign keys: all rows are written by the one writer, which has just read their request under a lock. A
request, its steps, attempts and events are never deleted; pruning empties what they hold (storage.retention).
"""

from __future__ import annotations

from storage.tables.base import HIGHEST_ID, HIGHEST_VERSION, is_one_of, metadata
from storage.tables.causes import UNDER_WAY, blocks, bulk_items, bulk_runs, causes
from storage.tables.people import api_keys, grants
from storage.tables.requests import (
    DUE,
    DUE_ALONE,
    IS_BLOCKED,
    RUNNING,
    STUCK,
    WAKING,
    attempts,
    events,
    numbered,
    requests,
    steps,
    workflows,
)
from storage.tables.running import commits, installation, removals, tallies, workers
from storage.tables.telling import GIVEN_UP, TO_TELL, outbox, posted

__all__ = [
    "DUE",
    "DUE_ALONE",
    "GIVEN_UP",
    "HIGHEST_ID",
    "HIGHEST_VERSION",
    "IS_BLOCKED",
    "RUNNING",
    "STUCK",
    "TO_TELL",
    "UNDER_WAY",
    "WAKING",
    "api_keys",
    "attempts",
    "blocks",
    "bulk_items",
    "bulk_runs",
    "causes",
    "commits",
    "events",
    "grants",
    "installation",
    "is_one_of",
    "metadata",
    "numbered",
    "outbox",
    "posted",
    "removals",
    "requests",
    "steps",
    "tallies",
    "workers",
    "workflows",
]
