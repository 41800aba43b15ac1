"""What a database's error means, in a sentence that says what to do. Passwords never get into it."""

from __future__ import annotations

from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, DBAPIError, TimeoutError

from engine.errors import StorageError

BUSY_TIMEOUT = 10.0  # seconds that SQLite waits for another process's lock

LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code, where we have said how long to wait

_AGAIN = "Nothing was changed; try again after that."
_UPGRADE = "Run `retrigger db upgrade`."

# What the driver's message has in it, and what that means. The first match counts.
_SQLITE = (
    ("readonly database", "{place} is read-only. Make the file and its folder writable for this user."),
    ("disk is full", "There is no room left for {place}. Nothing of this was stored; free some space and try again."),
    ("not a database", "{place} is not a SQLite database. Name another file in database_url."),
    ("malformed", "{place} is damaged. Restore it from a backup."),
    (
        "is locked",
        f"{{place}} was locked by another process for {BUSY_TIMEOUT:.0f} s. Stop that process, or try again.",
    ),
    ("unable to open", "{place} cannot be opened. Check that this user may read and write the file and its folder."),
    ("disk i/o error", "The disk that holds {place} does not answer: {cause}."),
    ("no such table", f"{{place}} has no tables of Retrigger yet. {_UPGRADE}"),
    ("no such column", f"{{place}} has older tables than this Retrigger. {_UPGRADE}"),
)
_POSTGRES = (
    ("42P01", f"{{place}} has no tables of Retrigger yet. {_UPGRADE}"),
    ("42703", f"{{place}} has older tables than this Retrigger. {_UPGRADE}"),
    ("42501", "This user may not do that in {place}: {cause}."),
    ("25006", "{place} is read-only (a standby, perhaps). Name the primary in database_url."),
    ("53100", "There is no room left for {place}. Nothing of this was stored; free some space and try again."),
    ("53300", "{place} takes no more connections. Raise its max_connections, or stop other clients."),
    (LOCK_NOT_AVAILABLE, f"{{place}} was in use by others: a backup, or a transaction that was left open. {_AGAIN}"),
    ("57014", "{place} cancelled the statement: {cause}."),
)


def place(url: URL) -> str:
    """The database as a person knows it: its file, or its name and server."""
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database}"
    server = url.host or url.query.get("host") or "localhost"
    return f"The PostgreSQL database {url.database} at {server}{f':{url.port}' if url.port else ''}"


def explain(error: Exception, url: URL) -> StorageError:
    """The sentence for ``error``, an exception of SQLAlchemy or of the writer."""
    if isinstance(error, StorageError):
        return error
    if isinstance(error, TimeoutError):
        return StorageError(f"{place(url)} is in use by too many threads at once. Try again.")
    cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().split("\n")[0].rstrip(".")
    code = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    sqlite = url.get_backend_name() == "sqlite"
    for sign, sentence in _SQLITE if sqlite else _POSTGRES:
        if sign in cause.lower() if sqlite else sign == code:
            return StorageError(_capital(sentence.format(place=place(url), cause=cause)))
    if not sqlite and code is None and not isinstance(error, DataError):  # which the driver itself finds in a value
        return StorageError(f"{place(url)} cannot be reached: {cause}.")
    return StorageError(f"{place(url)} refused: {cause}.")


def _capital(sentence: str) -> str:
    """``place`` starts with "The", which is wrong in the middle of a sentence."""
    return sentence[0] + sentence[1:].replace("The database", "the database").replace("The Postgre", "the Postgre")
