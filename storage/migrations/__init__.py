"""The schema's history. ``upgrade`` brings a database to the newest; ``check`` says whether it is there."""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect

from engine.errors import StorageError
from storage.changing import change_tables
from storage.database import Database
from storage.errors import place


def upgrade(database: Database) -> bool:
    """Make or change the tables, in one transaction. False when nothing was to be done. Raises StorageError."""
    before = None if database.is_missing() else _revision(database)
    _refuse_newer(database, before)
    if before == _newest():
        return False
    if database.is_sqlite:
        with database.explaining(), database.engine.connect() as connection:
            # A lasting property of the file, and not possible inside a transaction.
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA journal_mode = WAL")
    change_tables(database, _bring_up)
    return True


def check(database: Database) -> None:
    """Raise StorageError, with what to do, unless the tables are those of this code."""
    if database.is_missing():
        raise StorageError(f"{place(database.url)} does not exist yet. Run `retrigger db upgrade`.")
    found = _revision(database)
    _refuse_newer(database, found)
    if found is None:
        raise StorageError(f"{place(database.url)} has no tables of Retrigger yet. Run `retrigger db upgrade`.")
    if found != _newest():
        raise StorageError(f"{place(database.url)} has older tables than this Retrigger. Run `retrigger db upgrade`.")


def _refuse_newer(database: Database, revision: str | None) -> None:
    if revision is not None and revision not in _known():
        raise StorageError(
            f"{place(database.url)} was made by a newer Retrigger (revision {revision}). Install that one, or a newer."
        )


def _revision(database: Database) -> str | None:
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if found is None else str(found)


def _known() -> list[str]:
    """The revisions, oldest first: numbers, with which their files begin. Alembic itself takes an eighth of a start to
    import, and of each command, so only a change of the tables does."""
    files = (Path(__file__).parent / "versions").glob("[0-9]*.py")
    return sorted(file.name.partition("_")[0] for file in files)


def _newest() -> str:
    return _known()[-1]


def _bring_up(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic.runtime.migration").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
