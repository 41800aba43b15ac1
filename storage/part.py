"""What the parts of the store share."""

from __future__ import annotations

from storage.database import Database
from storage.writer import Writer


class Part:
    """Reads through its own connections, and writes through the writer."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database, self._writer = database, writer
