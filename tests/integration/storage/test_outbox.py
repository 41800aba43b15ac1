from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from engine.ports.outbox import CARD, Backlog, OutboxRow, Posted, RowLost
from storage.outbox import SqlOutbox
from storage.store import SqlStore
from storage.tables import outbox as table
from storage.tables import posted
from tests.integration.storage.conftest import OpenStore
from tests.integration.storage.helpers import pass_time, submit, tell
from tests.support.poll import wait_until


@pytest.fixture
def outbox(store: SqlStore) -> SqlOutbox:
    return SqlOutbox(store)


def test_a_row_carries_what_it_tells(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line")
    (row,) = outbox.due(10, 30)
    assert (row.request_id, row.kind, row.actor, row.tries, row.sent_at) == (
        request_id,
        "line",
        "slack:T1/U1",
        0,
        None,
    )
    assert row.event == store.detail(request_id).events[-1]


def test_rows_of_one_request_come_in_order_and_one_at_a_time(store: SqlStore, outbox: SqlOutbox):
    one, two = submit(store), submit(store)
    tell(store, one, "card", "line", "line")
    tell(store, two, "line")
    first = outbox.due(10, 30)
    assert [(row.request_id, row.kind) for row in first] == [(one, "card"), (two, "line")]
    assert outbox.due(10, 30) == []  # taken
    outbox.done([first[0].id])
    assert [(row.request_id, row.kind) for row in outbox.due(10, 30)] == [(one, "line")]


def test_a_row_that_waits_for_another_try_holds_back_those_behind_it(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line", "line")
    (row,) = outbox.due(10, 30)
    outbox.later(row, 60.0, "Slack is down")
    assert outbox.due(10, 30) == []
    pass_time(store)
    (again,) = outbox.due(10, 30)
    assert (again.id, again.tries) == (row.id, 1)


def test_what_one_person_is_told_waits_for_no_channel_nor_a_channel_for_them(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line", "tell", "tell", "line")
    line, told = outbox.due(10, 30)
    assert (line.kind, told.kind) == ("line", "tell")
    outbox.later(line, 60.0, "is_archived")
    assert outbox.due(10, 30) == []  # the second waits for the first, and the line behind for the line
    outbox.done([told.id])
    assert [row.kind for row in outbox.due(10, 30)] == ["tell"]


def test_who_is_asked_waits_for_no_channel_either(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line", "asks", "tell", "line", "asks")
    line, asks, told = outbox.due(10, 30)
    assert [row.kind for row in (line, asks, told)] == ["line", "asks", "tell"]
    outbox.later(line, 60.0, "is_archived")
    outbox.done([asks.id])
    assert [row.kind for row in outbox.due(10, 30)] == ["asks"]


def test_whom_nothing_can_be_told_now_holds_up_no_line(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "tell", "line", "line")
    told, line = outbox.due(10, 30)
    outbox.later(told, 60.0, "Slack is down")
    outbox.done([line.id])
    assert [row.kind for row in outbox.due(10, 30)] == ["line"]


def test_a_send_whose_answer_is_not_known_is_marked_when_the_row_comes_again(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line")
    (row,) = outbox.due(10, 30)
    outbox.sending(row, [], 0.0)
    pass_time(store)  # that relay has died
    (again,) = outbox.due(10, 30)
    assert again.id == row.id
    assert again.sent_at == pytest.approx(time.time(), abs=30)
    outbox.sending(again, [], 0.0)
    outbox.later(again, 0.0, "HTTP 500")
    assert wait_for_due(outbox).sent_at == again.sent_at  # of the first of such sends


def test_a_send_is_marked_by_the_database_s_clock_however_wrong_this_machine_s_is(store: SqlStore, outbox: SqlOutbox):
    """A post whose answer was lost is looked up from then on, by whichever machine comes to it."""
    tell(store, submit(store), "line")
    begun = time.time()
    with time_machine.travel(timedelta(hours=1)):
        (row,) = outbox.due(10, 30)
        outbox.sending(row, [], 0.0)
        outbox.later(row, 0.0, "no answer")
        again = wait_for_due(outbox)
    assert again.sent_at == pytest.approx(begun, abs=30)


def test_a_send_that_surely_did_not_arrive_is_no_longer_marked(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line")
    (row,) = outbox.due(10, 30)
    outbox.sending(row, [], 0.0)
    outbox.later(row, 0.0, "ratelimited", unsent=[row.id], counts=False)
    again = wait_for_due(outbox)
    assert (again.sent_at, again.tries) == (None, 0)


def test_whose_time_with_a_row_is_over_begins_no_send_and_postpones_nothing(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line")
    (mine,) = outbox.due(10, 0.05)
    with pytest.raises(RowLost):
        outbox.sending(mine, [], 7.0)  # would be over in the middle of it
    theirs = wait_for_due(outbox)
    with pytest.raises(RowLost):
        outbox.sending(mine, [], 0.0)
    outbox.later(mine, 1000.0, "not mine any more")
    outbox.sending(theirs, [], 7.0)
    outbox.later(theirs, 0.0, "Slack is down")
    assert wait_for_due(outbox).tries == theirs.tries + 1


def test_nor_does_it_postpone_what_waits_behind_the_row(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line", "line")
    (mine,) = outbox.due(10, 0.05)
    theirs = wait_for_due(outbox)
    outbox.later(mine, 1000.0, "not mine any more")
    outbox.done([theirs.id])
    assert len(outbox.due(10, 30)) == 1


def test_what_waits_behind_a_row_can_be_told_with_it(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "line", "tell", "line", "line", "line")
    tell(store, submit(store), "line")
    (row, *_) = outbox.due(10, 30)
    behind = outbox.behind(row, 2)
    assert [(other.request_id, other.kind) for other in behind] == [(request_id, "line")] * 2
    outbox.sending(row, [other.id for other in behind], 7.0)
    assert len(outbox.behind(row, 10)) == 1  # of the two it is not known any more whether they were told
    outbox.done([row.id, *(other.id for other in behind)])
    assert [row.kind for row in outbox.due(10, 30)] == ["line"]


def test_an_update_of_a_card_holds_up_only_the_next_one(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    tell(store, request_id, "card", "line", "card", "line")
    (card,) = outbox.due(10, 30)  # it is to be posted, and the thread needs it
    assert card.kind == "card"
    outbox.remember(Posted(request_id, CARD, "T1", "C1", "1.2", "a"))
    outbox.later(card, 1000.0, "our own pace", counts=False)
    (line,) = outbox.due(10, 30)
    outbox.done([line.id])
    assert [row.kind for row in outbox.due(10, 30)] == ["line"]


def test_doctor_sees_what_waits_why_and_what_was_given_up(store: SqlStore, outbox: SqlOutbox):
    assert outbox.backlog() == Backlog(0)
    one, two = submit(store), submit(store)
    tell(store, one, "line")
    tell(store, two, "line")
    waits, given_up = outbox.due(10, 30)
    outbox.later(waits, 60.0, "is_archived")
    outbox.drop(given_up.id, "no such request")
    found = outbox.backlog()
    assert found._replace(age=0) == Backlog(1, 0, one, "is_archived", 1, "no such request")
    assert found.age is not None
    assert found.age < 30


def test_what_stands_in_one_workspace_is_kept_apart_from_another_s(store: SqlStore, outbox: SqlOutbox):
    request_id = submit(store)
    here, there = (Posted(request_id, CARD, team, f"C{team}", "1.1", "first") for team in ("T1", "T2"))
    outbox.remember(here)
    outbox.remember(there)
    outbox.remember(there._replace(ts="2.2", digest="second"))
    with store.database.reading() as connection:
        found = {row.team: Posted(*row) for row in connection.execute(select(posted))}
    assert found == {"T1": here, "T2": there._replace(ts="2.2", digest="second")}


def wait_for_due(outbox: SqlOutbox) -> OutboxRow:
    found: list[OutboxRow] = []

    def came() -> bool:
        found.extend(outbox.due(10, 30))
        return bool(found)

    wait_until(came)
    return found[0]


def test_a_dropped_row_makes_way_and_keeps_its_error(store: SqlStore, outbox: SqlOutbox):
    tell(store, submit(store), "line", "card")
    (row,) = outbox.due(10, 30)
    outbox.drop(row.id, "channel_not_found")
    assert [row.kind for row in outbox.due(10, 30)] == ["card"]
    with store.database.reading() as connection:
        assert connection.scalar(select(table.c.error).where(table.c.id == row.id)) == "channel_not_found"


def test_what_waits_is_counted(store: SqlStore, outbox: SqlOutbox):
    assert outbox.waiting() == (0, None)
    tell(store, submit(store), "line")
    number, age = outbox.waiting()
    assert number == 1
    assert age is not None
    assert 0 <= age < 60


def test_a_card_is_remembered(store: SqlStore, outbox: SqlOutbox):
    assert outbox.posted(7) == {}
    outbox.remember(Posted(7, CARD, "T1", "C1", "1.2", "a"))
    outbox.remember(Posted(7, "another", "T1", "D1", "1.3", "a"))
    outbox.remember(Posted(8, CARD, "T1", "C1", "1.4", "a"))
    outbox.remember(Posted(7, CARD, "T1", "C1", "1.2", "b"))
    assert outbox.posted(7) == {
        CARD: Posted(7, CARD, "T1", "C1", "1.2", "b"),
        "another": Posted(7, "another", "T1", "D1", "1.3", "a"),
    }


def test_two_relays_never_take_the_same_row(open_store: OpenStore):
    stores = [open_store(), open_store()]
    for _ in range(30):
        tell(stores[0], submit(stores[0]), "line")
    relays = [SqlOutbox(store) for store in stores]
    with ThreadPoolExecutor(4) as pool:
        taken = [row.id for rows in pool.map(lambda i: relays[i % 2].due(3, 30), range(40)) for row in rows]
    assert len(taken) == len(set(taken)) == 30


def test_the_relay_is_woken_by_the_commit_that_has_something_to_tell(store: SqlStore, open_store: OpenStore):
    woken: list[str] = []
    quiet = submit(store)
    waking = SqlStore(store.database, lambda name, version: None, lambda app: True, lambda: woken.append("told"))  # type: ignore[arg-type,return-value]  # nothing asks for a graph
    try:
        waking.change(quiet, lambda draft: draft.event("noted"))
        assert woken == []
        tell(waking, quiet, "line")
        assert woken == ["told"]
    finally:
        waking.close()
