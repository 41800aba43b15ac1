from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import NotFound
from engine.graph import Graph
from engine.records import Event, NewRequest, Step
from engine.rules.decide.submit import begin
from engine.states import RequestStatus, StepStatus
from storage.operations import Create
from storage.store import SqlStore
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import GRAPH, in_one_batch, line, submit
from tests.support.poll import PATIENCE

SUBMITTED = Event(None, "submitted", 0.0)


def test_a_new_request_has_a_row_for_each_node_and_only_its_start_is_due(store: SqlStore):
    request, steps = store.status(submit(store))
    assert request.status is RequestStatus.IN_PROGRESS
    assert request.version == 1
    assert {step.node: step.status for step in steps} == {
        "first": StepStatus.READY,
        "second": StepStatus.PENDING,
        "end": StepStatus.PENDING,
    }
    assert [step.due_at for step in steps if step.node != "first"] == [None, None]
    assert store.next_due() == 0.0


def test_the_submit_is_in_the_audit_with_the_database_s_time(store: SqlStore):
    detail = store.detail(submit(store))
    assert [(event.kind, event.by, event.at) for event in detail.events] == [
        ("submitted", "Rae", detail.request.created_at)
    ]


def test_the_same_key_makes_one_request(store: SqlStore):
    new = NewRequest("w", 1, "HR", "A title", "rae@example.com", "{}", "key-1")
    submitted = Event(None, "submitted", 0.0)
    first, again = store.create(new, GRAPH, submitted), store.create(new, GRAPH, submitted)
    assert (first[1], again) == (False, (first[0], True))
    assert len(store.detail(first[0]).events) == 1


def test_the_same_key_counts_within_its_workflow(store: SqlStore):
    assert submit(store, "1", workflow="w") != submit(store, "1", workflow="other")


def test_many_submits_at_once_with_few_keys_make_one_request_for_each_key(open_store: OpenStore):
    stores = [open_store(), open_store()]
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda i: (i % 5, submit(stores[i % 2], f"key-{i % 5}")), range(60)))
    assert len(set(ids)) == 5
    assert stores[0].counts()[RequestStatus.IN_PROGRESS] == 5


def test_text_that_a_database_cannot_hold_is_stored_with_a_mark_in_its_place(store: SqlStore):
    new = NewRequest("w", 1, "HR", "nul \0 half \ud800 whole 😀", "rae@example.com", "{}", "k\0")
    request_id, _ = store.create(new, GRAPH, Event(None, "submitted", 0.0))
    assert store.detail(request_id).title == "nul \ufffd half ? whole 😀"
    assert store.create(new, GRAPH, Event(None, "submitted", 0.0)) == (request_id, True)


@pytest.mark.parametrize("read", ["status", "detail", "template_values"])
def test_a_request_that_is_not_there_is_not_found(store: SqlStore, read: str):
    with pytest.raises(NotFound, match="REQ-404"):
        store.template_values(404, []) if read == "template_values" else getattr(store, read)(404)


def test_the_rows_of_many_requests_are_those_that_the_rule_makes(store: SqlStore):
    other = line("only", "one")
    news = [(NewRequest("w", 1, "HR", "", "rae@example.com", "{}"), graph) for graph in (GRAPH, other, GRAPH)]
    futures = in_one_batch(store, *[lambda it=it: store.writer.ask_soon(Create, *it, SUBMITTED) for it in news])
    for (new, graph), future in zip(news, futures, strict=True):
        request, steps = store.status(future.result(PATIENCE)[0])
        assert begin(request.id, new, graph, request.created_at) == (request, sorted(steps, key=rank(graph)))


def rank(graph: Graph) -> Callable[[Step], int]:
    return lambda step: list(graph.rows).index(step.node)
