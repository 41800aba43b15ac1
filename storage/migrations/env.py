"""What Alembic runs: on the connection that storage.migrations gives, with no alembic.ini."""

from __future__ import annotations

from alembic import context

from storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
