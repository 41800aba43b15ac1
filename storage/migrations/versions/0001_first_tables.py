"""The first tables."""

from __future__ import annotations

from storage.migrations.first import causes, people, requests, running, telling

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for subject in (requests, telling, people, running, causes):
        subject.create()
