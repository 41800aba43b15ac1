"""A database: its connections, its clock, and what differs between SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.errors import StorageError
from engine.limits import SILENT_SECONDS
from storage import driver
from storage.errors import BUSY_TIMEOUT, LOCK_NOT_AVAILABLE, explain, place
from storage.query import POSTGRES_CLOCK
from storage.statements import Statements

# SQLite 3.40 has no unixepoch('subsec'); the Julian day has milliseconds.
_NOW = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
    "postgresql": f"SELECT {POSTGRES_CLOCK}",
}


# A cable that is cut ends no connection: without these, who waits for an answer would wait for a quarter of an hour,
# and PostgreSQL would keep a dead machine's connections for two. The address may say otherwise (docs/deployment.md).
_OUR_PATIENCE = {
    "connect_timeout": SILENT_SECONDS,
    "keepalives_idle": SILENT_SECONDS,  # while an answer is waited for
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 1000 * SILENT_SECONDS,  # while what was sent is not acknowledged
}
_ITS_PATIENCE = {
    "tcp_keepalives_idle": f"{SILENT_SECONDS}s",
    "tcp_keepalives_interval": "1s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{SILENT_SECONDS}s",
}


_UTF8 = {"client_encoding": "utf8"}  # whatever PGCLIENTENCODING and the server would rather have


def open_database(url: str) -> Database:
    """Open the database at ``url`` (``sqlite:///FILE`` or ``postgresql://...``). A SQLite file need not exist yet.

    Raises StorageError, in one sentence, when it cannot be used.
    """
    try:
        database = Database(_parse(url))
    except (ArgumentError, ValueError):  # a port that is no number, say; never repeated, there may be a password in it
        raise StorageError(_NO_ADDRESS) from None
    if not database.is_missing():
        with database.reading() as connection:
            now(connection)
            if database.is_sqlite:
                connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # the first look at the file
    return database


def now(connection: Connection) -> float:
    """The database's clock: seconds since the epoch."""
    ((moment,),) = driver.rows(connection, _NOW[connection.dialect.name])
    return float(moment)


class Database:
    """An open database. ``engine`` pools connections whose transactions only read; see ``reading`` and ``writer``."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _sqlite(url) if self.is_sqlite else _postgres(url)
        self.statements = Statements(self.engine.dialect)
        snapshot: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        none: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._reader = self.engine.execution_options(**snapshot)
        self._asker = self.engine.execution_options(**none)
        self._writer = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._is_closed = False
        event.listen(self.engine, "do_connect", self._connecting)
        event.listen(self.engine, "checkin", self._given_back)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.url.database.removeprefix("file:")) if self.is_sqlite and self.url.database else None

    @property
    def conninfo(self) -> str:
        """A PostgreSQL database as libpq knows it, password included, for connections that are not the engine's. They
        go to PostgreSQL itself: a PgBouncer in between takes no ``options``."""
        from psycopg.conninfo import make_conninfo

        _, given = self.engine.dialect.create_connect_args(self.url)
        options = " ".join(f"-c {name}={value}" for name, value in _ITS_PATIENCE.items())
        facts = {**_OUR_PATIENCE, "options": options, **given, **_UTF8}
        return make_conninfo(**{name: fact for name, fact in facts.items() if name != "context"})  # SQLAlchemy's own

    def is_missing(self) -> bool:
        """Whether this is a SQLite database whose file does not exist yet."""
        return self.path is not None and not self.path.exists()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection with one snapshot for all that is read through it. Raises StorageError."""
        with self.explaining(), self._reader.connect() as connection:
            yield connection
            connection.commit()  # at a rollback, psycopg forgets the statements that it has prepared

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """A connection for a question or two, each of which may see what is newer. Without a transaction around them
        PostgreSQL is asked once for each, and not twice more. Raises StorageError."""
        with self.explaining(), self._asker.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction beside the writer's, for migrations. Raises StorageError."""
        with self.explaining(), self._writer.begin() as connection:
            yield connection

    def connect_writer(self) -> Connection:
        """The connection that the writer holds: on SQLite its transactions take the write lock when they begin
        (a transaction that reads first and then writes fails as locked, however long it would wait). On PostgreSQL the
        writer says itself when one begins, and what it asks for first goes with that: the driver would wait for an
        answer in between."""
        if self.is_sqlite:
            return self._writer.connect()
        return self._asker.connect()

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Turn the database's errors into StorageError."""
        try:
            yield
        except SQLAlchemyError as error:
            raise explain(error, self.url) from error

    def close(self) -> None:
        """Close every connection: one in use, by a thread that the stop did not wait for, when it is given back. No new
        one is made."""
        self._is_closed = True
        self.engine.dispose()

    def _connecting(self, *_: object) -> None:
        if self._is_closed:
            raise StorageError("Retrigger is stopping: nothing more is read.")

    def _given_back(self, _: object, pooled: ConnectionPoolEntry) -> None:
        if self._is_closed:
            pooled.close()


_NO_ADDRESS = "database_url must be sqlite:///FILE or postgresql://USER@HOST/NAME."


def _parse(text: str) -> URL:
    """Raises ArgumentError, ValueError, StorageError."""
    url = make_url(text)
    if url.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise StorageError(_NO_ADDRESS)
    if "@" in (url.host or ""):  # or what follows it in the password would be shown as the host
        raise StorageError("database_url holds an @ in its password; write %40 for it.")
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
        hide_parameters=True,
        pool_size=20,
        max_overflow=20,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous = FULL")  # WAL is a lasting property of the file: see migrations

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        driver.bare(connection, connection.get_execution_options().get("sqlite_begin", "BEGIN"))

    return engine


def _postgres(url: URL) -> Engine:
    ours = _UTF8 | {name: value for name, value in _OUR_PATIENCE.items() if name not in url.query}
    engine = create_engine(
        url,
        connect_args=ours,
        hide_parameters=True,
        paramstyle="format",
        pool_pre_ping=True,
        pool_size=30,  # a new connection costs PostgreSQL more than a hundred questions
        max_overflow=0,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect", insert=True)  # SQLAlchemy's own questions come after it
    def configure(connection: Any, _: object) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StorageError(
                f"{place(url)} has the encoding {encoding}, in which not every text can be kept. "
                "Make one with `createdb --template template0 --encoding UTF8`, and name it in database_url."
            )
        connection.autocommit = True  # one round trip, not three
        settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _ITS_PATIENCE.items())
        connection.execute(f"SELECT {settings}")
        connection.autocommit = False

    return engine


def is_locked(error: Exception) -> bool:
    """Whether others have held what the transaction needs for longer than it could wait."""
    return _sqlstate(error) == LOCK_NOT_AVAILABLE


def is_of_nobody(error: Exception) -> bool:
    """Whether a transaction that was refused at its beginning would have been so whatever it is for. Else it is for
    rows that others have (a deadlock, a lost race, a lock), or for what somebody asks with."""
    of_rows = _sqlstate(error) in ("40001", "40P01", LOCK_NOT_AVAILABLE)
    return isinstance(error, SQLAlchemyError) and not (of_rows or isinstance(error, DataError))


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed at the next try: a deadlock, a lost race, a lost connection."""
    code = _sqlstate(error)
    return error.connection_invalidated or code in ("40001", "40P01", "23505") or "UNIQUE" in str(error.orig)


def _sqlstate(error: Exception) -> str | None:
    return getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
