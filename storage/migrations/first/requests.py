"""Workflows, their requests, and each request's steps, attempts and events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def create() -> None:
    """Make these tables and their indexes."""
    _workflows()
    _requests()
    _steps()
    _attempts()
    _events()


def _workflows() -> None:
    op.create_table(
        "workflows",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("published_at", sa.Double, nullable=False),
    )


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", Id, primary_key=True),
        sa.Column("workflow", sa.Text, nullable=False),
        sa.Column("workflow_version", sa.Integer, nullable=False),
        sa.Column("app", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("alerted", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("blocked_at", sa.Double),
        sa.Column("pruned_at", sa.Double),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("input", sa.Text, nullable=False),
        sa.Column("submit_key", sa.Text),
        sa.Column("stuck", sa.Boolean, nullable=False),
    )
    op.create_index("requests_by_status", "requests", ["status", "id"])
    op.create_index("requests_by_app", "requests", ["app", "id"])
    op.create_index("requests_by_app_and_status", "requests", ["app", "status", "id"])
    where = sa.text("blocked_at IS NOT NULL")
    for name, columns in (
        ("requests_blocked", ["blocked_at", "id"]),
        ("requests_blocked_by_app", ["app", "blocked_at", "id"]),
    ):
        op.create_index(name, "requests", columns, sqlite_where=where, postgresql_where=where)
    op.create_index(
        "requests_stuck",
        "requests",
        ["id"],
        sqlite_where=sa.text("stuck IS 1"),
        postgresql_where=sa.text("stuck IS true"),
    )
    where = sa.text("submit_key IS NOT NULL")
    op.create_index(
        "requests_submit_key",
        "requests",
        ["workflow", "submit_key"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )


def _steps() -> None:
    op.create_table(
        "steps",
        sa.Column("request_id", Id, primary_key=True, autoincrement=False),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("next_kind", sa.Text, nullable=False),
        sa.Column("visit", sa.Integer, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("recoveries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Double),
        sa.Column("worker", sa.Text),
        sa.Column("lease_until", sa.Double),
        sa.Column("outlet", sa.Text),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("stale", sa.Boolean, nullable=False),
        sa.Column("only", sa.Boolean, nullable=False),
        sa.Column("update_status", sa.Boolean, nullable=False),
        sa.Column("was", sa.Text),
        sa.Column("key_salt", sa.Integer, nullable=False),
        sa.Column("sent_key", sa.Text),
        sa.Column("effect_key", sa.Text),
        sa.Column("repeat", sa.Text),
        sa.Column("call", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("trigger", sa.Text),
        sa.Column("wakes_at", sa.Double),
        sa.Column("approval", sa.Text),
        sa.Column("early", sa.Boolean, nullable=False),
        sa.Column("cancelled_by", sa.Text),
        sa.Column("result", sa.Text),
    )
    where = sa.text("status IN ('ready', 'waiting') AND due_at IS NOT NULL AND recoveries < 2")
    op.create_index("steps_due", "steps", ["due_at"], sqlite_where=where, postgresql_where=where)
    where = sa.text("status IN ('ready', 'waiting') AND due_at IS NOT NULL AND recoveries >= 2")
    op.create_index("steps_due_alone", "steps", ["due_at"], sqlite_where=where, postgresql_where=where)
    where = sa.text("status IN ('running')")
    op.create_index("steps_running", "steps", ["lease_until"], sqlite_where=where, postgresql_where=where)
    where = sa.text("status IN ('waiting') AND wakes_at IS NOT NULL")
    place = ["wakes_at", "request_id", "node"]
    op.create_index("steps_waking", "steps", place, sqlite_where=where, postgresql_where=where)


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("request_id", Id, primary_key=True, autoincrement=False),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("visit", sa.Integer, nullable=False),
        sa.Column("workflow_version", sa.Integer, nullable=False),
        sa.Column("worker", sa.Text),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("trigger", sa.Text),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("ended_at", sa.Double),
        sa.Column("error", sa.Text),
        sa.Column("call", sa.Text),
        sa.Column("response", sa.Text),
        sa.Column("late", sa.Text),
        sqlite_with_rowid=False,
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", Id, primary_key=True),
        sa.Column("request_id", Id),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("node", sa.Text),
        sa.Column("attempt", sa.Integer),
        sa.Column("by", sa.Text),
        sa.Column("actor", sa.Text),
        sa.Column("door", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("data", sa.Text),
        sa.Column("command_id", sa.Text),
    )
    op.create_index("events_by_request", "events", ["request_id"])
    where = sa.text("command_id IS NOT NULL")
    op.create_index("events_command", "events", ["command_id"], unique=True, sqlite_where=where, postgresql_where=where)
