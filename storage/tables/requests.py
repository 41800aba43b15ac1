"""Workflows, their requests, and each request's steps, attempts and events.

The columns stand in the order of their records' fields (engine.records), so that rows go to the driver as they are.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Double, Index, Integer, Table, Text, false, literal_column
from sqlalchemy.sql import ColumnElement

from engine.limits import ALONE_FROM_RECOVERY
from engine.states import StepStatus
from storage.tables.base import HIGHEST_ID, Id, is_one_of, metadata, partial_index

workflows = Table(
    "workflows",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("app", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("published_at", Double, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("workflow_version", Integer, nullable=False),
    Column("app", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("requester", Text, nullable=False),
    Column("alerted", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("blocked_at", Double),
    Column("pruned_at", Double),
    Column("title", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("submit_key", Text),
    Column("stuck", Boolean, nullable=False),  # in progress, and no step moves
)
Index("requests_by_status", requests.c.status, requests.c.id)
Index("requests_by_app", requests.c.app, requests.c.id)
Index("requests_by_app_and_status", requests.c.app, requests.c.status, requests.c.id)
IS_BLOCKED = requests.c.blocked_at.is_not(None)
partial_index("requests_blocked", requests.c.blocked_at, requests.c.id, where=IS_BLOCKED)
partial_index("requests_blocked_by_app", requests.c.app, requests.c.blocked_at, requests.c.id, where=IS_BLOCKED)
STUCK = requests.c.stuck.is_(True)
partial_index("requests_stuck", requests.c.id, where=STUCK)
partial_index(
    "requests_submit_key",
    requests.c.workflow,
    requests.c.submit_key,
    where=requests.c.submit_key.is_not(None),
    unique=True,
)

steps = Table(
    "steps",
    metadata,
    Column("request_id", Id, primary_key=True, autoincrement=False),
    Column("node", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("next_kind", Text, nullable=False),
    Column("visit", Integer, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("recoveries", Integer, nullable=False),
    Column("due_at", Double),
    Column("worker", Text),
    Column("lease_until", Double),
    Column("outlet", Text),
    Column("held", Boolean, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("only", Boolean, nullable=False),
    Column("update_status", Boolean, nullable=False),
    Column("was", Text),
    Column("key_salt", Integer, nullable=False),
    Column("sent_key", Text),
    Column("effect_key", Text),
    Column("repeat", Text),
    Column("call", Text),
    Column("error", Text),
    Column("trigger", Text),
    Column("wakes_at", Double),
    Column("approval", Text),
    Column("early", Boolean, nullable=False),
    Column("cancelled_by", Text),
    Column("result", Text),
)
_due = is_one_of(steps.c.status, StepStatus.READY, StepStatus.WAITING) & steps.c.due_at.is_not(None)
# Two conditions that exclude each other, each with its index: a long queue hides no step that must run alone.
DUE = _due & (steps.c.recoveries < literal_column(str(ALONE_FROM_RECOVERY)))
DUE_ALONE = _due & (steps.c.recoveries >= literal_column(str(ALONE_FROM_RECOVERY)))
RUNNING = is_one_of(steps.c.status, StepStatus.RUNNING)
WAKING = is_one_of(steps.c.status, StepStatus.WAITING) & steps.c.wakes_at.is_not(None)
partial_index("steps_due", steps.c.due_at, where=DUE)
partial_index("steps_due_alone", steps.c.due_at, where=DUE_ALONE)
partial_index("steps_running", steps.c.lease_until, where=RUNNING)
partial_index("steps_waking", steps.c.wakes_at, steps.c.request_id, steps.c.node, where=WAKING)

attempts = Table(
    "attempts",
    metadata,
    Column("request_id", Id, primary_key=True, autoincrement=False),
    Column("node", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("visit", Integer, nullable=False),
    Column("workflow_version", Integer, nullable=False),
    Column("worker", Text),
    Column("started_at", Double, nullable=False),
    Column("trigger", Text),
    Column("idempotency_key", Text),
    Column("outcome", Text),
    Column("ended_at", Double),
    Column("error", Text),
    Column("call", Text),
    Column("response", Text),
    Column("late", Text),
    sqlite_with_rowid=False,  # found by its key alone: one tree, not two
)

events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id),
    Column("kind", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("node", Text),
    Column("attempt", Integer),
    Column("by", Text),
    Column("actor", Text),
    Column("door", Text),
    Column("reason", Text),
    Column("data", Text),
    Column("command_id", Text),
)
Index("events_by_request", events.c.request_id)
partial_index("events_command", events.c.command_id, where=events.c.command_id.is_not(None), unique=True)


def numbered(request_id: int) -> ColumnElement[bool]:
    """The request with this number. One that is too large for the database is no request's."""
    return requests.c.id == request_id if 0 < request_id <= HIGHEST_ID else false()
