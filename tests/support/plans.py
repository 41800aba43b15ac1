"""Which statements a database ran, and which of them read more the more there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, event

# What grows with every request.
GROWING = ("requests", "steps", "attempts", "events", "outbox", "posted")
# Indexes of the few rows that something has to be done about; all of them may be read.
OF_FEW = {
    "steps_running": "what runs at this moment",
    "steps_due": "what is due",
    "steps_due_alone": "what is due and killed its workers",
    "steps_waking": "what waits until a time that has come",
    "requests_stuck": "what moves no more",
    "outbox_waiting": "what is still to be told",
    "outbox_due": "what is to be told now",
    "outbox_given_up": "what could not be told",
}
_GROWS = re.compile(rf"\b({'|'.join(GROWING)})(?: AS (\w+))?", re.IGNORECASE)
_SCAN = re.compile(r"^SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?")
_IS_PLANNED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)


class Watch:
    """Remembers each statement with the values it was first run with, from now on."""

    def __init__(self, engine: Engine) -> None:
        self.seen: dict[str, Any] = {}
        event.listen(engine, "before_cursor_execute", self._remember)

    def _remember(self, _c: object, _cursor: object, statement: str, values: Any, _context: object, many: bool) -> None:
        if _IS_PLANNED.match(statement):
            self.seen.setdefault(statement, values[0] if many else values)

    def growing(self, connection: Connection) -> dict[str, list[str]]:
        """The statements that read a growing table from end to end, each with the parts of its plan that do."""
        found = {}
        for statement, values in self.seen.items():
            parts = list(scans(connection, statement, values))
            if parts:
                found[statement] = parts
        return found


def scans(connection: Connection, statement: str, values: Any = ()) -> Iterator[str]:
    """The parts of its plan that read all of a growing table, or sort what they found only to cut it off."""
    if connection.dialect.name == "sqlite":
        return _sqlite_scans(connection, statement, values)
    return _postgres_scans(connection, statement, values)


def _sqlite_scans(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    names = {name.lower() for found in _GROWS.findall(statement) for name in found if name}
    for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
        scan = _SCAN.match(line[-1])
        if scan and scan[1].lower() in names and scan[2] not in OF_FEW:
            yield line[-1]
        if names and "TEMP B-TREE FOR ORDER BY" in line[-1] and statement.count("LIMIT") == 1:
            yield line[-1]  # with several, what is sorted are the few that the inner ones leave


def _postgres_scans(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    (plan,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).scalar_one()
    for node in _nodes(plan["Plan"]):
        kind, index, table = node["Node Type"], node.get("Index Name", ""), node.get("Relation Name")
        if kind == "Seq Scan" and table in GROWING:
            yield f"{kind} on {table}"
        whole = "Index Cond" not in node and index not in OF_FEW
        if whole and index.startswith(GROWING):
            yield f"{kind} with all of {index}"
        if kind == "Limit" and _sorts_a_table(node):
            yield "Sort before Limit"


def _sorts_a_table(limit: dict[str, Any]) -> bool:
    """What is cut off was found and sorted first, and was not the few that are left by limits further in."""
    inner = [node for plan in limit["Plans"] for node in _nodes(plan)]
    kinds = {node["Node Type"] for node in inner}
    grows = any(node.get("Relation Name") in GROWING and node.get("Index Name") not in OF_FEW for node in inner)
    return grows and "Limit" not in kinds and not kinds.isdisjoint({"Sort", "Incremental Sort"})


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
