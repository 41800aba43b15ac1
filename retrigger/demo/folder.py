"""Where the demo keeps its data."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from engine.errors import SettingsError

SETTINGS = "retrigger.yaml"
MADE_BY = "# Made by `retrigger demo`."  # how its settings file begins


@contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    """The folder ``given``, which stays; without one, a folder that goes. Raises SettingsError for one of somebody's
    own: the demo writes its settings into it, and its requests into the database beside them."""
    if given is not None:
        if not _may_be_taken(given):
            raise SettingsError(
                f"The folder {given} is not the demo's; name an empty folder, a new one, or that of an earlier demo."
            )
        yield given.absolute()
        return
    made = Path(mkdtemp(prefix="retrigger-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _may_be_taken(given: Path) -> bool:
    if not given.is_dir() or not any(given.iterdir()):
        return True
    settings = given / SETTINGS
    return settings.is_file() and settings.read_bytes().startswith(MADE_BY.encode())
