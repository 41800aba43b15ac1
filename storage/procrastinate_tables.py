"""Procrastinate's own tables, beside ours: made and changed by `retrigger db upgrade` where the settings want them.

Procrastinate ships its whole schema, and one SQL file for each change since. Which of these a database has had is kept
with the installation, since Procrastinate itself keeps it nowhere.
"""

from __future__ import annotations

from functools import partial
from importlib import resources

from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, insert, select, update

from engine.errors import StorageError
from storage.changing import change_tables
from storage.database import Database
from storage.errors import place
from storage.tables import installation

_NAME = "procrastinate_schema"


def upgrade(database: Database) -> bool:
    """Make or change the tables. False when nothing was to be done. Raises StorageError."""
    changed = False
    while change_tables(database, partial(_step, database)):
        changed = True
    return changed


def _step(database: Database, connection: Connection) -> bool:
    """The whole schema, or the next change, in a transaction of its own, as a change may use what the one before has
    added. False when there is none."""
    found, files = _found(connection), _changes()
    _refuse_newer(database, found, files)
    if found == files[-1]:
        return False
    following = files[-1] if found is None else files[files.index(found) + 1]
    many_statements = SchemaManager.get_schema() if found is None else _read(following)
    connection.execution_options(no_parameters=True).exec_driver_sql(many_statements)
    _keep(connection, following, new=found is None)
    return True


def check(database: Database) -> None:
    """Raise StorageError, with what to do, unless the tables are those of the Procrastinate that is installed."""
    with database.reading() as connection:
        found = _found(connection)
    files = _changes()
    _refuse_newer(database, found, files)
    if found != files[-1]:
        what = "no tables of Procrastinate yet" if found is None else "older tables of Procrastinate than are installed"
        raise StorageError(f"{place(database.url)} has {what}. Run `retrigger db upgrade`.")


def _changes() -> list[str]:
    """The names of the files with all changes of the schema, in their order."""
    folder = resources.files("procrastinate.sql") / "migrations"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


def _read(name: str) -> str:
    return (resources.files("procrastinate.sql") / "migrations" / name).read_text(encoding="utf-8")


def _refuse_newer(database: Database, found: str | None, files: list[str]) -> None:
    if found is not None and found not in files:
        raise StorageError(
            f"The tables of Procrastinate in {place(database.url)} are newer ({found}) than the one that is installed. "
            "Install that one, or a newer."
        )


def _found(connection: Connection) -> str | None:
    value: str | None = connection.scalar(select(installation.c.value).where(installation.c.name == _NAME))
    return value


def _keep(connection: Connection, value: str, *, new: bool) -> None:
    if new:
        connection.execute(insert(installation).values(name=_NAME, value=value))
    else:
        connection.execute(update(installation).where(installation.c.name == _NAME).values(value=value))
