"""What is to be told in Slack, and where it was told."""

from __future__ import annotations

from sqlalchemy import Column, Double, Integer, Table, Text, and_

from storage.tables.base import Id, metadata, partial_index

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id, nullable=False),
    Column("kind", Text, nullable=False),
    Column("event", Text),
    Column("actor", Text),
    Column("created_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("taken_until", Double),
    Column("tries", Integer, nullable=False),
    Column("sent_at", Double),
    Column("done_at", Double),
    Column("error", Text),
)
TO_TELL = outbox.c.done_at.is_(None)
partial_index("outbox_waiting", outbox.c.request_id, outbox.c.id, where=TO_TELL)
partial_index("outbox_due", outbox.c.due_at, outbox.c.id, where=TO_TELL)
GIVEN_UP = and_(outbox.c.done_at.is_not(None), outbox.c.error.is_not(None))
partial_index("outbox_given_up", outbox.c.done_at, where=GIVEN_UP)

posted = Table(
    "posted",
    metadata,
    Column("request_id", Id, primary_key=True, autoincrement=False),
    Column("subject", Text, primary_key=True),
    Column("team", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
    Column("digest", Text, nullable=False),
)
