from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Table, insert, update

from engine.errors import UnreadableRow
from engine.records import Event, NewRequest
from engine.states import RequestStatus
from engine.stored import BlockedFilter, Cursor, RequestFilter
from storage.database import now
from storage.store import SqlStore
from storage.tables import requests, steps, tallies
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import GRAPH, Worker, submit
from tests.support.poll import wait_until

STATUSES = (RequestStatus.BLOCKED, RequestStatus.WITHDRAWN, RequestStatus.IN_PROGRESS)


def ids(store: SqlStore, **filter: Any) -> list[int]:
    return [row.request.id for row in store.requests(RequestFilter(**filter))]


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


def test_a_page_of_several_applications_is_the_first_of_all_their_requests(store: SqlStore):
    made = [submit(store, app=app) for app in ("HR", "IT", "HR", "Finance", "IT", "HR")]
    apps = frozenset({"HR", "IT"})
    seen = [number for number in made if number != made[3]]
    assert ids(store, apps=apps, oldest_first=True) == seen
    assert ids(store, apps=apps, limit=2) == [made[5], made[4]]
    assert ids(store, apps=apps, limit=2, after=made[4]) == [made[2], made[1]]
    assert ids(store, apps=apps, status=RequestStatus.IN_PROGRESS, after=made[1], oldest_first=True) == seen[2:]
    assert ids(store, apps=apps, status=RequestStatus.BLOCKED) == []
    many = apps | {f"App {number}" for number in range(1000)}  # more than SQLite takes in one union
    assert ids(store, apps=many, oldest_first=True) == seen


def test_counts_are_exact_whoever_changes_the_requests(open_store: OpenStore):
    stores = [open_store(), open_store()]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda turn: submit(stores[turn % 2], app=("HR", "IT")[turn % 3 > 0]), range(60)))

        def end(turn: int) -> None:
            stores[turn % 2].change(made[turn], lambda draft: draft.change_request(STATUSES[turn % 3], "Ended."))

        list(pool.map(end, range(40)))
    for apps in (None, frozenset({"HR"}), frozenset({"IT"}), frozenset({"HR", "IT"})):
        listed = stores[0].requests(RequestFilter(apps=apps, limit=100))
        counted = Counter(row.request.status for row in listed)
        assert stores[0].counts(apps) == {status: counted[status] for status in RequestStatus}
    measures = stores[1].measures()
    everywhere = Counter(
        (row.request.app, row.request.status.value) for row in stores[0].requests(RequestFilter(limit=100))
    )
    assert measures.requests == everywhere
    told = [event.kind for number in made for event in stores[0].detail(number).events]
    assert measures.events == {"status_changed": told.count("status_changed")}


def test_a_listed_request_names_its_blocked_steps(store: SqlStore):
    request_id = submit(store)
    worker = Worker()
    store.attach(worker.claimer)
    worker.fail(store, worker.wait()[0], "Identity said 503.")
    (row,) = store.requests(RequestFilter())
    assert row.request == store.status(request_id)[0]
    assert row.title == "A title"
    assert row.blocked == (("first", "Identity said 503."),)


def block(store: SqlStore, *numbers: int) -> None:
    """One after another, so that each is Blocked later than the one before."""
    for number in numbers:
        store.change(number, lambda draft: draft.change_request(RequestStatus.BLOCKED, "Why."))
        wait_past(store, store.status(number)[0].blocked_at or 0.0)


def wait_past(store: SqlStore, moment: float) -> None:
    with store.database.reading() as connection:
        wait_until(lambda: now(connection) > moment, "the clock's next moment")


def blocked(store: SqlStore, **filter: Any) -> list[int]:
    return [row.request.id for row in store.blocked(BlockedFilter(**filter))]


def test_those_that_are_blocked_longest_come_first_and_are_paged_both_ways(store: SqlStore):
    one, two, three, four = (submit(store, app=app) for app in ("HR", "IT", "HR", "Finance"))
    submit(store)
    block(store, three, one, four, two)
    assert blocked(store) == [three, one, four, two]
    since = {row.request.id: row.request.blocked_at or 0.0 for row in store.blocked(BlockedFilter())}

    def cursor(number: int, backwards: bool = False) -> Cursor:
        return Cursor(since[number], number, backwards)

    for apps, order in ((None, [three, one, four, two]), (frozenset({"HR", "IT"}), [three, one, two])):
        assert blocked(store, apps=apps, limit=2) == order[:2]
        assert blocked(store, apps=apps, limit=2, cursor=cursor(order[1])) == order[2:4]
        assert blocked(store, apps=apps, limit=2, cursor=cursor(order[2], True)) == order[:2]
        assert blocked(store, apps=apps, limit=1, cursor=cursor(order[2], True)) == [order[1]]
        assert blocked(store, apps=apps, cursor=cursor(order[0], True)) == []
    assert blocked(store, apps=frozenset()) == []
    assert store.apps() == ["Finance", "HR", "IT"]


def test_how_long_a_request_is_blocked_outlives_other_reasons_and_ends_with_the_status(store: SqlStore):
    old, new = submit(store), submit(store)
    block(store, old)
    since = store.status(old)[0].blocked_at
    store.change(old, lambda draft: draft.change_request(RequestStatus.BLOCKED, "Another reason."))
    assert store.status(old)[0].blocked_at == since
    with store.database.writing() as connection:  # an hour ago
        connection.execute(update(requests).values(blocked_at=requests.c.blocked_at - 3600))
    block(store, new)
    assert blocked(store, longer_than=3599.0) == [old]
    assert blocked(store, longer_than=3700.0) == []
    assert blocked(store) == [old, new]
    store.change(old, lambda draft: draft.change_request(RequestStatus.IN_PROGRESS, None))
    assert blocked(store) == [new]
    assert store.status(old)[0].blocked_at is None


def test_what_was_submitted_is_read_once_and_not_at_all_where_it_was_stored(open_store: OpenStore):
    here, elsewhere = open_store(), open_store()
    odd = NewRequest("w", 1, "HR", "", "rae \0 \ud800@example.com", '{"name":"Rae"}')
    request_id, _ = here.create(odd, GRAPH, Event(None, "submitted", 0.0))
    read = elsewhere.template_values(request_id, [])
    read.input["name"] = "changed by a template's hands"
    for store in (here, elsewhere):
        store.database.close()  # whoever reads fails
        found = store.template_values(request_id, [])
        assert (found.input, found.requester) == ({"name": "Rae"}, read.requester)


def test_a_submit_that_is_repeated_changes_nothing_of_what_is_known(store: SqlStore):
    first = submit(store, "key")
    again = NewRequest("w", 1, "HR", "", "someone.else@example.com", "{}", "key")
    assert store.create(again, GRAPH, Event(None, "submitted", 0.0)) == (first, True)
    assert store.template_values(first, []).requester == "rae@example.com"


def test_a_status_that_only_a_newer_version_knows_is_counted_by_nobody_else(store: SqlStore):
    """App Home shows the counts: it must not fail for that while both versions run."""
    submit(store)
    with store.database.writing() as connection:
        newer = {"part": 0, "what": "requests", "app": "HR", "name": "of tomorrow", "number": 1}
        connection.execute(insert(tallies).values(newer))
    assert {status: number for status, number in store.counts().items() if number} == {RequestStatus.IN_PROGRESS: 1}


def test_requests_whose_status_only_a_newer_version_knows_keep_no_other_from_a_list(store: SqlStore):
    old, *newer, known = [submit(store) for _ in range(4)]
    block(store, old)
    with store.database.writing() as connection:
        tomorrow = {"status": "of_tomorrow", "blocked_at": 1.0}
        connection.execute(update(requests).where(requests.c.id.in_(newer)).values(tomorrow))
    for limit, wanted in ((1, [known]), (2, [known, old]), (5, [known, old])):
        assert ids(store, limit=limit) == ids(store, apps=frozenset({"HR"}), limit=limit) == wanted
    assert ids(store, oldest_first=True, limit=2) == [old, known]
    assert blocked(store) == [old]


@pytest.mark.parametrize("table", [requests, steps], ids=str)
def test_what_only_a_newer_version_knows_is_told_by_name(store: SqlStore, table: Table):
    newer = submit(store)
    with store.database.writing() as connection:
        connection.execute(update(table).values(status="of_tomorrow"))
    for read in (store.status, store.detail):
        with pytest.raises(UnreadableRow, match="'of_tomorrow' is nothing that this Retrigger knows"):
            read(newer)


def test_however_many_contents_there_are_each_comes_once(store: SqlStore):
    numbers = [submit(store) for _ in range(120)]
    with store.database.writing() as connection:
        connection.execute(update(steps).values(result="1"))

    found = sorted((it.request_id, it.node or "") for it in store.contents(dict.fromkeys(numbers, GRAPH.nodes)))
    assert found == sorted((number, place) for number in numbers for place in ("", *GRAPH.nodes))
