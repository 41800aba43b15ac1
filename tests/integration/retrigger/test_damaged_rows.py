"""A hand has damaged what is stored of one request: it is told as damaged, and every other is served."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from engine.rules.permissions import Permission
from tests.support.api import problem, serve_api
from tests.support.front import Front

ASKING = """
workflow: asking
app: HR
sensitive: [request.input.name]
nodes:
  first: {function: {name: front.work, args: {folder: "{{ request.input.folder }}"}, isolation: thread}}
  ask: {approval: {approvers: [hanna@example.com]}, rejected: end}
"""
DAMAGES = {
    "requests.input": "the input of REQ-1",
    "steps.result": "the result of first of REQ-1",
    "steps.trigger": "an act on a step",
    "steps.approval": "an approval",
    "attempts.trigger": "an act on a step",
    "events.data": "an event",
}
Damage = Callable[[str], None]


def write(front: Front, statement: str) -> None:
    with closing(sqlite3.connect(front.folder / "retrigger.db", isolation_level=None)) as database:
        database.execute(statement)


@pytest.fixture
def damage(still: Front) -> Damage:
    """Damages one column of REQ-1, beside which REQ-2 is as it was; the last step of both waits."""

    def damage(column: str) -> None:
        table, name = column.split(".")
        row = "id = 1" if table == "requests" else "request_id = 1"
        row += " AND node = 'first'" if table == "steps" else ""
        value = "5" if name == "approval" else '{"it": '
        write(still, f"UPDATE {table} SET {name} = '{value}' WHERE {row}")

    still.define("asking", ASKING)
    with still.engine():
        for _ in range(2):
            given = json.dumps({"name": "Ada", "folder": str(still.folder)})
            request = still.out("submit", "asking", "--input", given).strip()
            still.wait_for_step(request, "ask", "waiting")
    return damage


@pytest.mark.parametrize("column", DAMAGES)
def test_only_the_damaged_request_is_told_as_such(still: Front, damage: Damage, column: str):
    damage(column)
    told = f"This cannot be read: {DAMAGES[column]} is damaged, or a newer Retrigger wrote it. Bring its row back"

    assert still.refused("show", "REQ-1", code=1).startswith(told)
    listed = still.run("list", "--json")
    assert ([each["id"] for each in json.loads(listed.stdout)], listed.exit_code) == (["REQ-2"], 1)
    assert listed.stderr.startswith(f"REQ-1 is left out. {told}")
    assert [line.split()[0] for line in still.out("list").splitlines()[1:]] == ["REQ-2", "REQ-1"]
    with serve_api(still, engine=False) as api:
        ci = api.caller("ci", Permission.ADMIN)
        assert problem(ci.get("/v1/requests/1"), 500, "unreadable")["detail"].startswith(told)
        assert [each["id"] for each in ci.get("/v1/requests").json()["requests"]] == ["REQ-2", "REQ-1"]


@pytest.mark.parametrize("column", DAMAGES)
def test_the_engine_goes_on_with_the_others(still: Front, damage: Damage, column: str):
    damage(column)

    with still.engine():
        still.out("approve", "REQ-2", "ask")
        still.wait("REQ-2", "completed")
    audit = still.run("doctor", "--audit", "--json")
    assert {each["request"] for each in json.loads(audit.stdout)["differences"]} == {"REQ-1"}


@pytest.mark.parametrize("column", [column for column in DAMAGES if column != "steps.approval"])
def test_retention_leaves_the_damaged_one_and_removes_the_others(still: Front, damage: Damage, column: str):
    for request in ("REQ-1", "REQ-2"):
        still.out("withdraw", request, "--reason", "over")
    write(still, "UPDATE requests SET updated_at = 1.0")
    damage(column)

    assert still.out("prune", "--older-than", "1d").startswith("Contents of 1 request removed (HR 1).")
    assert still.json("show", "REQ-2")["pruned_at"] is not None
