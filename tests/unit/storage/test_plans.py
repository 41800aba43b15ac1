"""How SQLite finds due steps. That no statement reads a whole table is asked of both databases, with rows in them."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from storage.statements import Statements
from storage.tables import metadata


@pytest.mark.parametrize(
    ("name", "index"),
    [("claimable", "steps_due"), ("claimable_alone", "steps_due_alone"), ("waiting", "steps_due_alone")],
)
def test_due_steps_are_found_by_their_own_index_and_in_order(name: str, index: str):
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    sql = getattr(Statements(engine.dialect), name).sql
    with engine.connect() as connection:
        lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (1,) * sql.count("?")).all()
    engine.dispose()
    plan = "; ".join(line[3] for line in lines)
    assert f"INDEX {index} (due_at>? AND due_at<?)" in plan
    assert "TEMP B-TREE" not in plan
