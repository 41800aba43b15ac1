"""The rows of the steps with which requests begin.

One statement writes those of many requests. To bind every column of every row costs ten times what the rows do.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, Double, Text, bindparam, case, func, insert, select
from sqlalchemy import literal as same

from engine.records import Step
from engine.states import StepStatus
from storage.query import Query
from storage.rows import step_row
from storage.tables import steps


def initial_steps(dialect: Dialect) -> Query:
    """For each of ``ids`` a row for each of ``nodes``, as engine.rules.decide.submit has it: ``start`` is due ``now``,
    the others wait. On SQLite ``ids`` is a JSON list, and ``nodes`` an object of their kinds; on PostgreSQL these come
    as lists, with ``kinds``."""
    request_id, node, kind = _given(dialect)
    starts = node == bindparam("start", type_=Text())
    pending = dict(zip(Step._fields, step_row(Step(0, "", "", StepStatus.PENDING, 1)), strict=True))
    values: dict[str, ColumnElement[Any]] = {
        name: same(value, steps.c[name].type) for name, value in pending.items() if value is not None
    }
    values |= {"request_id": request_id, "node": node, "kind": kind}
    values["status"] = case((starts, same(StepStatus.READY.value)), else_=values["status"])
    values["due_at"] = case((starts, bindparam("now", type_=Double())))
    return Query(insert(steps).from_select(list(values), select(*values.values())).inline(), dialect)


def _given(dialect: Dialect) -> tuple[ColumnElement[Any], ColumnElement[Any], ColumnElement[Any]]:
    """The request, the node and its kind, in every pairing."""
    if dialect.name == "sqlite":
        request = func.json_each(bindparam("ids")).table_valued("value", name="request")
        given = func.json_each(bindparam("nodes")).table_valued("key", "value", name="given")
        return request.c.value, given.c.key, given.c.value
    ids = bindparam("ids", type_=ARRAY(BigInteger))
    lists = [bindparam(name, type_=ARRAY(Text)) for name in ("nodes", "kinds")]
    each = func.unnest(ids).table_valued("id").render_derived(name="request")
    nodes = func.unnest(*lists).table_valued("node", "kind").render_derived(name="given")
    return each.c.id, nodes.c.node, nodes.c.kind
