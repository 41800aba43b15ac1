"""The one thread that writes: what it batches, what fails alone, and what is written when it ends."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import pytest
from sqlalchemy import Connection, event, func, select

from engine.errors import Refused, StorageError
from engine.records import Notice
from engine.rules.draft import Draft
from storage.database import Database
from storage.operations import Change, Direct
from storage.store import SqlStore
from storage.tables import events, outbox
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import GRAPH, Worker, bump, in_one_batch, note, submit
from tests.support.poll import PATIENCE, wait_until


def test_a_defect_in_a_rule_reaches_only_its_caller(store: SqlStore):
    request_id = submit(store)
    good, bad = in_one_batch(
        store,
        lambda: store.change_soon(request_id, note("good")),
        lambda: store.change_soon(request_id, lambda draft: draft.graph.nodes["nowhere"]),
    )
    assert good.result(PATIENCE) == "good"
    with pytest.raises(KeyError, match="nowhere"):
        bad.result(PATIENCE)


def refuse(draft: Draft) -> None:
    raise Refused("It is Completed.")


def test_a_refusal_that_was_told_keeps_nothing_in_memory(store: SqlStore):
    """Else it, and the whole batch with it, would stay until the garbage collector comes."""
    request_id = submit(store)
    gc.disable()
    try:
        try:
            store.change(request_id, refuse)
        except Refused as refusal:
            told = weakref.ref(refusal)
        wait_until(lambda: told() is None, "the refusal to be gone")
    finally:
        gc.enable()


def test_operations_of_one_batch_on_one_request_see_each_other(store: SqlStore):
    request_id = submit(store)
    futures = in_one_batch(store, *[lambda: store.change_soon(request_id, bump)] * 10)
    assert [future.result(PATIENCE) for future in futures] == list(range(1, 11))
    second = next(step for step in store.status(request_id)[1] if step.node == "second")
    assert (second.retries, second.version) == (10, 11)


def test_many_threads_lose_no_change(open_store: OpenStore):
    stores = [open_store(), open_store()]  # as two processes
    request_ids = [submit(stores[0]) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: stores[i % 2].change(request_ids[i % 3], bump), range(120)))
    counted = [next(s for s in stores[1].status(i)[1] if s.node == "second").retries for i in request_ids]
    assert counted == [40, 40, 40, 0]


def test_who_asks_while_a_transaction_is_under_way_shares_the_next_one(store: SqlStore):
    asked = [partial(store.change_soon, submit(store), bump) for _ in range(32)]
    commits: list[Connection] = []
    event.listen(store.database.engine, "commit", commits.append)
    assert [future.result(PATIENCE) for future in in_one_batch(store, *asked)] == [1] * 32
    assert len(commits) == 2  # that one, and one for all


@pytest.mark.slow
def test_threads_that_ask_again_and_again_share_their_transactions(store: SqlStore):
    """It asks for a pace, which a machine that is busy with other things does not have."""
    request_ids = [submit(store) for _ in range(32)]
    commits: list[Connection] = []
    event.listen(store.database.engine, "commit", commits.append)
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda request_id: [store.change(request_id, bump) for _ in range(10)], request_ids))
    assert 10 <= len(commits) <= 20  # most of them for all


def unwritable(draft: Draft) -> None:
    """A defect that shows only when the batch is written: JSON has no infinity."""
    draft.event("noted", data={"delay": float("inf")})


def test_one_bad_operation_fails_alone_and_the_others_are_written_once(store: SqlStore):
    request_id = submit(store)
    calls: list[str] = []

    def counted(draft: Draft) -> None:
        calls.append("called")
        draft.event("noted", reason="good")

    good, bad, after = in_one_batch(
        store,
        lambda: store.change_soon(request_id, counted),
        lambda: store.change_soon(request_id, unwritable),
        lambda: store.change_soon(request_id, note("after")),
    )
    assert good.result(PATIENCE) is None
    assert after.result(PATIENCE) == "after"
    with pytest.raises(ValueError, match="JSON"):
        bad.result(PATIENCE)
    assert len(calls) == 2  # in the batch that failed, and alone
    assert [event.reason for event in store.detail(request_id).events[1:]] == ["good", "after"]


def test_a_statement_that_the_database_refuses_fails_alone(store: SqlStore):
    request_id = submit(store)
    bad, good = in_one_batch(
        store,
        lambda: store.writer.ask_soon(Direct, lambda connection, now: connection.exec_driver_sql("UPDATE nowhere")),
        lambda: store.change_soon(request_id, note("good")),
    )
    assert good.result(PATIENCE) == "good"
    with pytest.raises(StorageError, match="refused"):
        bad.result(PATIENCE)


def test_a_question_that_the_database_refuses_fails_alone(store: SqlStore):
    """PostgreSQL takes no NUL, and is asked for a command's id as the transaction begins."""
    request_id = submit(store)
    bad, good = in_one_batch(
        store,
        lambda: store.writer.ask_soon(Change, request_id, note("bad"), "a\0b"),
        lambda: store.change_soon(request_id, note("good")),
    )
    assert good.result(PATIENCE) == "good"
    if not store.database.is_sqlite:
        with pytest.raises(StorageError, match=r"refused: .* cannot contain NUL"):
            bad.result(PATIENCE)


def test_a_hook_that_fails_does_not_stop_the_writer(store: SqlStore, caplog: pytest.LogCaptureFixture):
    worker = Worker()
    request_id = submit(store)

    def take(claims: object, looked: object) -> None:
        raise RuntimeError("the worker is broken")

    store.attach(worker.claimer._replace(take=take))
    assert store.change(request_id, note("on")) == "on"
    wait_until(lambda: "the worker is broken" in caplog.text)
    assert store.change(request_id, note("and on")) == "and on"


def test_the_log_of_a_hook_that_fails_has_nothing_of_what_was_written(
    store: SqlStore, caplog: pytest.LogCaptureFixture
):
    """It is the outcome of a step, perhaps, and nobody masks it there."""
    request_id = submit(store)

    def then(answer: object, error: Exception | None) -> None:
        raise RuntimeError("whoever asked is broken")

    def decide(draft: Draft, result: str) -> None:
        draft.set_result("second", result)

    store.change_then(request_id, partial(decide, result='"s3cret"'), then)
    wait_until(lambda: "whoever asked is broken" in caplog.text)
    assert "s3cret" not in caplog.text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_waits_hears_that_the_writer_has_ended(store: SqlStore):
    def end(connection: Connection, now: float) -> None:
        raise SystemExit

    asked = store.writer.ask_soon(Direct, end)

    with pytest.raises(StorageError, match="writer has stopped"):
        asked.result(PATIENCE)
    with pytest.raises(StorageError):
        submit(store)


def test_who_tells_is_called_after_each_commit_that_left_something_to_tell(database: Database):
    """Else it would be told only when the relay looks by itself."""
    waiting: list[int] = []

    def on_told() -> None:
        with database.reading() as connection:
            waiting.append(connection.scalar(select(func.count()).select_from(outbox)) or 0)

    with closing(SqlStore(database, lambda name, version: GRAPH, lambda app: True, on_told)) as store:
        request_id = submit(store)
        store.change(request_id, note("nothing to tell"))
        assert waiting == []
        for _ in range(2):
            store.change(request_id, lambda draft: draft.notices.append(Notice(request_id, "card")))
        wait_until(lambda: waiting == [1, 2])


def test_events_keep_the_order_in_which_they_happened(store: SqlStore):
    request_id = submit(store)
    texts = [str(number) for number in range(300)]
    in_one_batch(store, *[partial(store.change_soon, request_id, note(text)) for text in texts])[-1].result(PATIENCE)
    assert [event.reason for event in store.detail(request_id).events[1:]] == texts


def test_close_writes_what_waits(store: SqlStore, open_store: OpenStore):
    request_id = submit(store)
    futures = [store.change_soon(request_id, note(str(i))) for i in range(600)]
    store.close()
    assert [future.result(0) for future in futures] == [str(i) for i in range(600)]
    with store.database.reading() as connection:
        assert connection.scalar(select(func.count()).where(events.c.kind == "noted")) == 600
    with pytest.raises(StorageError, match="stopping"):
        store.change(request_id, note("too late"))
