"""Tables, guarded writes, the outbox and migrations, on SQLite and PostgreSQL."""
