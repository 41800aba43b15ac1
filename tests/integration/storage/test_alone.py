from __future__ import annotations

from storage.store import SqlStore
from tests.integration.storage.helpers import Worker, note, submit, succeeding
from tests.integration.storage.test_claims import killer


def test_a_step_that_runs_alone_waits_for_outcomes_that_are_not_stored_yet(store: SqlStore):
    """The worker has nothing to do any more, but what it did is still on its way: a death now would cost it."""
    worker = Worker()
    submit(store)
    store.attach(worker.claimer)
    done = worker.wait()[0]
    store.detach()
    worker.busy = 0
    alone = submit(store)
    store.change(alone, killer)
    store.attach(worker.claimer)
    store.change(alone, note("a commit with an idle worker"))
    assert worker.claims == [done]
    store.change(done.step.request_id, succeeding(done))
    assert worker.wait(2)[1].step.request_id == alone
