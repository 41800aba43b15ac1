"""A database: its connections, its clock, and what differs between SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from engine.errors import StorageError
from storage.sentences import BUSY_TIMEOUT, explain
from storage.statements import Statements

# SQLite 3.40 has no unixepoch('subsec'); the Julian day has milliseconds.
_NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
}
_BEGUN = {
    "sqlite": _NOW["sqlite"] + ", NULL, data_version FROM pragma_data_version",
    "postgresql": _NOW["postgresql"] + ", pg_current_xact_id()::text, NULL",
}


class Begun(NamedTuple):
    """What is known of a transaction when it begins."""

    now: float  # the database's clock, seconds since the epoch
    number: str | None  # PostgreSQL: by which its fate is looked up when the answer to its commit was lost
    data_version: int | None  # SQLite: another number than before, when another connection has written meanwhile


def open_database(url: str) -> Database:
    """Open the database at ``url`` (``sqlite:///FILE`` or ``postgresql://...``). A SQLite file need not exist yet.

    Raises StorageError, in one sentence, when it cannot be used.
    """
    database = Database(_parse(url))
    if not database.is_missing():
        with database.reading() as connection:
            now(connection)
            if database.is_sqlite:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # the first look at the file
    return database


def now(connection: Connection) -> float:
    """The database's clock: seconds since the epoch."""
    return float(connection.exec_driver_sql(_NOW[connection.dialect.name]).scalar_one())


def begun(connection: Connection) -> Begun:
    """The facts of the transaction that ``connection`` has just begun."""
    return Begun(*connection.exec_driver_sql(_BEGUN[connection.dialect.name]).one())


class Database:
    """An open database. ``engine`` pools connections whose transactions only read; see ``reading`` and ``writer``."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url) if self.is_sqlite else _postgres(url)
        self.statements = Statements(self.engine.dialect)
        snapshot: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = self.engine.execution_options(**snapshot)
        self._writer = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.url.database.removeprefix("file:")) if self.is_sqlite and self.url.database else None

    def is_missing(self) -> bool:
        """Whether this is a SQLite database whose file does not exist yet."""
        return self.path is not None and not self.path.exists()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection with one snapshot for all that is read through it. Raises StorageError."""
        with self.sentences(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction beside the writer's, for migrations. Raises StorageError."""
        with self.sentences(), self._writer.begin() as connection:
            yield connection

    def connect_writer(self) -> Connection:
        """The connection that the writer holds: on SQLite its transactions take the write lock when they begin
        (a transaction that reads first and then writes fails as locked, however long it would wait)."""
        return self._writer.connect()

    @contextmanager
    def sentences(self) -> Iterator[None]:
        """Turn the database's errors into StorageError."""
        try:
            yield
        except SQLAlchemyError as error:
            raise explain(error, self.url) from error

    def outcome(self, transaction: str) -> str | None:
        """What became of a PostgreSQL transaction: "committed", "aborted", or None while that is not known."""
        with self.reading() as connection:
            status = connection.exec_driver_sql("SELECT pg_xact_status(%s::xid8)", (transaction,)).scalar()
        return status if status in ("committed", "aborted") else None

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise StorageError("database_url must be sqlite:///FILE or postgresql://USER@HOST/NAME.")
    if url.get_backend_name() != "sqlite":
        return url.set(drivername="postgresql+psycopg")
    if not url.database or url.database == ":memory:":
        raise StorageError(
            "database_url names no file: write sqlite:///retrigger.db, or another path after sqlite:///."
        )
    folder = Path(url.database).parent
    if not url.query and not folder.is_dir():
        raise StorageError(f"The folder {folder} of the database does not exist. Make it, or change database_url.")
    return url


def _sqlite(url: URL) -> Engine:
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_TIMEOUT, "isolation_level": None, "check_same_thread": False},
        pool_size=20,
        max_overflow=20,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")  # WAL is a lasting property of the file: see migrations

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine


def _postgres(url: URL) -> Engine:
    return create_engine(url, paramstyle="format", pool_pre_ping=True, pool_size=10, max_overflow=20)


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed at the next try: a deadlock, a lost race, a lost connection."""
    code = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or code in ("40001", "40P01", "23505") or "UNIQUE" in str(error.orig)
