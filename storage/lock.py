"""On SQLite one process runs the engine (SPEC 9)."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from engine.errors import StorageError
from storage.database import Database


class EngineLock:
    """Held by the process that runs steps. The system lets go of it when the process ends, however it ends."""

    def __init__(self, database: Database) -> None:
        assert database.path is not None, "only SQLite needs it: on PostgreSQL leases decide"
        self._database = database.path
        self._path = database.path.with_name(database.path.name + ".lock")
        self._lock = FileLock(self._path, blocking=False)

    def acquire(self) -> None:
        """Raises StorageError, naming the process that holds it, when another does."""
        try:
            self._lock.acquire()
            self._path.write_text(f"{os.getpid()}\n")
        except Timeout as error:
            raise StorageError(
                f"Another Retrigger engine (process {self._holder()}) is running on {self._database}. Stop it first; "
                "`bot`, `api` and the commands may run beside it."
            ) from error
        except OSError as error:
            self._lock.release()
            raise StorageError(f"The lock {self._path} cannot be written: {error.strerror}.") from error

    def release(self) -> None:
        """Let another engine start."""
        self._lock.release()

    def __enter__(self) -> EngineLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _holder(self) -> str:
        try:
            return Path(self._path).read_text().strip() or "unknown"
        except OSError:
            return "unknown"
