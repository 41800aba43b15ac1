from __future__ import annotations

from engine.states import RequestStatus
from engine.store import RequestFilter
from storage.store import SqlStore
from tests.integration.storage.helpers import Worker, submit


def ids(store: SqlStore, **filter: object) -> list[int]:
    return [row.request.id for row in store.requests(RequestFilter(**filter))]  # type: ignore[arg-type]


def test_lists_are_paged_from_either_end(store: SqlStore):
    one, two, three = submit(store), submit(store), submit(store)
    assert ids(store) == [three, two, one]
    assert ids(store, limit=2) == [three, two]
    assert ids(store, after=two) == [one]
    assert ids(store, oldest_first=True, limit=2) == [one, two]
    assert ids(store, oldest_first=True, after=two) == [three]


def test_lists_and_counts_keep_to_applications_and_status(store: SqlStore):
    hr, it = submit(store, app="HR"), submit(store, app="IT")
    assert ids(store, apps=frozenset({"IT"})) == [it]
    assert ids(store, apps=frozenset()) == []
    worker = Worker()
    store.attach(worker.claimer)
    worker.fail(store, next(claim for claim in worker.wait(2) if claim.step.request_id == hr))
    assert ids(store, status=RequestStatus.BLOCKED) == [hr]
    assert store.counts()[RequestStatus.BLOCKED] == 1
    assert store.counts(frozenset({"IT"}))[RequestStatus.BLOCKED] == 0
    assert store.counts(frozenset({"IT"}))[RequestStatus.IN_PROGRESS] == 1
    assert set(store.counts(frozenset())) == set(RequestStatus)


def test_a_listed_request_names_its_blocked_steps(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    worker.fail(store, worker.wait()[0], "Identity said 503.")
    (row,) = store.requests(RequestFilter())
    assert row.request == store.status(request_id)[0]
    assert row.title == "A title"
    assert row.blocked == (("first", "Identity said 503."),)
