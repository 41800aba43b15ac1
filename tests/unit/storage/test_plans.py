"""How SQLite looks things up on the hot path: a table that is read from end to end would be slow only years later."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from engine.records import Step
from storage.statements import Statements
from storage.tables import metadata

QUERIES = [
    "lock_requests",
    "load_steps",
    "done_commands",
    "alone_due",
    "claimable",
    "claimable_alone",
    "input",
    "results",
]
WRITES = ["update_requests", "update_results", "update_keys", "end_attempts", "late_attempts", "update_steps"]


@pytest.fixture(scope="module")
def plans() -> dict[str, str]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    statements = Statements(engine.dialect)
    found = {}
    with engine.connect() as connection:
        texts = {name: getattr(statements, name).sql for name in (*QUERIES, *WRITES[:-1])}
        texts["update_steps"] = statements.update_steps(tuple(range(2, len(Step._fields)))).sql
        for name, sql in texts.items():
            values = ("[1]",) * sql.count("?")
            lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
            found[name] = "; ".join(line[3] for line in lines)
    engine.dispose()
    return found


@pytest.mark.parametrize("name", [*QUERIES, *WRITES])
def test_no_table_is_scanned(plans: dict[str, str], name: str):
    assert "SEARCH" in plans[name]
    for table in metadata.tables:
        assert f"SCAN {table}" not in plans[name]


@pytest.mark.parametrize(
    ("name", "index"),
    [("claimable", "steps_due"), ("claimable_alone", "steps_due_alone"), ("alone_due", "steps_due_alone")],
)
def test_due_steps_are_found_by_their_own_index_and_in_order(plans: dict[str, str], name: str, index: str):
    assert f"INDEX {index} (due_at>? AND due_at<?)" in plans[name]
    assert "TEMP B-TREE" not in plans[name]
