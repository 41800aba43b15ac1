"""Processes of an older version, while a newer one has changed the tables: what docs/deployment.md promises."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import text

from engine.rules.permissions import Permission
from storage.changing import change_tables
from storage.database import open_database
from tests.support.api import serve_api
from tests.support.front import Front
from tests.support.poll import wait_until

NEWER = (  # as a migration of a minor version may: it only adds
    "ALTER TABLE requests ADD COLUMN of_a_newer_version TEXT",
    "ALTER TABLE steps ADD COLUMN of_a_newer_version INTEGER DEFAULT 7",
    "CREATE TABLE of_a_newer_version (id INTEGER PRIMARY KEY)",
    "UPDATE alembic_version SET version_num = '9999'",
)


def has_status(ci: httpx.Client, number: int, status: str) -> bool:
    return bool(ci.get(f"/v1/requests/{number}").json()["status"] == status)


def test_old_processes_go_on_with_newer_tables_and_start_no_more(tmp_path: Path, database_url: str):
    front = Front(tmp_path, database_url)
    front.out("db", "upgrade")
    with serve_api(front) as api:
        ci = api.caller("ci", Permission.ADMIN)
        front.break_second()
        ci.post("/v1/workflows/steps/requests", json={"input": {"name": "Ada"}})
        wait_until(partial(has_status, ci, 1, "blocked"), "a blocked request")
        database = open_database(database_url)
        change_tables(database, lambda connection: [connection.execute(text(statement)) for statement in NEWER])
        database.close()

        front.mend_second()
        ci.post("/v1/requests/1/steps/second/retrigger", json={"flow": True})
        ci.post("/v1/workflows/steps/requests", json={"input": {"name": "Bea"}})
        for number in (1, 2):
            wait_until(partial(has_status, ci, number, "completed"), f"REQ-{number} to be completed")
        wait_until(lambda: ci.get("/readyz").status_code == 503, "the old version to be told from the new")
        assert "newer Retrigger" in " ".join(ci.get("/readyz").json()["reasons"])
        assert ci.get("/healthz").status_code == 200
        for words in (("list",), ("api",), ("db", "upgrade")):
            assert "was made by a newer Retrigger" in front.refused(*words, code=1)
