"""What ended long ago loses its contents and keeps its history (docs/decisions/0036)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from engine.catalog import Catalog
from engine.commands.pruning import DAY, NightlyPruning, Pruner
from engine.commands.service import Engine
from engine.errors import InvalidInput, NotFound, NotPermitted, Refused
from engine.events import PRUNED
from engine.functions import function
from engine.ports.outbox import CARD, Posted
from engine.records import Blocked, Event
from engine.rules.decide.finish import Finished, late
from engine.rules.outcomes import Failure
from engine.rules.permissions import Actor, Grant, Permission
from engine.states import MOVING
from engine.texts import MASK, REMOVED
from storage.outbox import SqlOutbox
from storage.tables import blocks, events, metadata, steps, workers, workflows
from tests.support.engine import GRANTS, HANNA, VERA, Room
from tests.support.in_a_year import InAYear

NATIONAL_ID = "123-45-6789"
HIRING = """
workflow: hiring
app: HR
title: "Hire {{ request.input.name }}"
sensitive: [request.input.national_id]
nodes:
  account:
    function: {name: pruning.account, args: {name: "{{ request.input.name }}"}, isolation: thread}
  badge:
    function: {name: pruning.badge, args: {account: "{{ nodes.account.result.id }}"}, isolation: thread}
    on_failure: over
    next: end
  over: {end: {status: failed}}
"""
TESTING = HIRING.replace("workflow: hiring\napp: HR", "workflow: testing\napp: Lab")
HR_ADMIN = Actor("slack:T1/U5", "Ada Admin", "slack", mail="ada@example.com", slack_user="U5")


@function("pruning.account")
def account(name: str) -> Any:
    if name == "Bo":
        raise RuntimeError(f"{name} is unknown")
    return {"id": f"account of {name}"}


@function("pruning.badge")
def badge(account: str) -> Any:
    if "Cy" in account:
        raise RuntimeError("no paper")
    return f"badge for {account}"


class Lived:
    """Requests that ended in every way, and some that did not. ``pauses`` of the pruner are counted."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.retention = InAYear(self.room.store)
        self.outbox = SqlOutbox(self.room.store)
        self.pruner = Pruner(self.room.engine, self.retention, lambda seconds: None)
        self.room.publish(HIRING)
        self.room.publish(TESTING)
        self.room.start()
        self.completed = self.request("Ann", "completed", key="order-1")
        self.blocked = self.request("Bo", "blocked")
        self.withdrawn = self.request("Bo", "blocked")
        self.room.engine.withdraw(HANNA, self.withdrawn, reason=f"typed {NATIONAL_ID} twice")
        self.failed = self.request("Cy", "failed")
        self.mended = self.request("Bo", "blocked")
        why = f"{NATIONAL_ID} is known by now"
        self.room.engine.provide_input(HANNA, self.mended, "account", '{"id": "by hand"}', reason=why)
        self.room.wait(self.mended, "completed")
        self.other = self.request("Dee", "completed", workflow="testing", requester=NATIONAL_ID)
        self.ended = (self.completed, self.withdrawn, self.failed, self.mended, self.other)

    def request(self, name: str, status: str, workflow: str = "hiring", **facts: Any) -> int:
        number = self.room.submit(workflow, {"name": name, "national_id": NATIONAL_ID}, **facts)
        self.room.wait(number, status)
        return number

    def tell_all(self) -> None:
        """What is to be told has been told."""
        while rows := self.outbox.due(1000, 60.0):
            self.outbox.done([row.id for row in rows])

    def prune(self, **how: Any) -> dict[str, int]:
        return dict(self.pruner.prune(HANNA, 90, **how).requests)

    def everything(self, without: int) -> str:
        """All that the database holds, but for one request's rows."""
        found: list[Any] = []
        with self.room.database.reading() as connection:
            for table in metadata.sorted_tables:
                number = table.c.get("request_id", table.c.id if table.name == "requests" else None)
                query = select(table) if number is None else select(table).where(number != without)
                found += [tuple(row) for row in connection.execute(query)]
        return repr(found)


@pytest.fixture
def lived(database_url: str) -> Iterator[Lived]:
    with closing(Room(database_url, told={"HR"})) as room:
        lived = Lived(room)
        lived.tell_all()
        yield lived
        room.check_audit()


def test_contents_go_and_history_stays(lived: Lived):
    before = {number: lived.room.document(number) for number in lived.ended}
    assert lived.prune() == {"HR": 4, "Lab": 1}

    for number in lived.ended:
        was, now = before[number], lived.room.document(number)
        assert (now.title, now.input, now.pruned_at is None) == (REMOVED, None, False)
        assert [step.result for step in now.steps] == [None] * len(now.steps)
        kept = {"title", "input", "pruned_at", "steps", "reason", "events", "actions"}
        assert now.model_dump(exclude=kept) == was.model_dump(exclude=kept)
        assert [step.model_dump(exclude={"result", "actions"}) for step in now.steps] == [
            step.model_dump(exclude={"result", "actions"}) for step in was.steps
        ]
        assert now.events == was.events
        assert not now.actions and not any(step.actions for step in now.steps)
    stored = lived.everything(without=lived.blocked)
    for gone in ("Ann", "Dee", NATIONAL_ID, "account of", "badge for", "by hand"):
        assert gone not in stored, gone
    assert f"typed {MASK} twice" in lived.room.document(lived.withdrawn).model_dump_json()
    assert lived.room.document(lived.blocked).input["name"] == "Bo"
    assert lived.prune() == {}


def test_nothing_of_it_can_be_run_again(lived: Lived):
    assert lived.room.document(lived.failed).step("badge").actions  # type: ignore[union-attr]  # it is there
    lived.prune()
    sentence = f"REQ-{lived.failed} .* Submit it anew"
    with pytest.raises(Refused, match=sentence):
        lived.room.engine.continue_flow(HANNA, lived.failed)
    with pytest.raises(Refused, match=sentence):
        lived.room.engine.retrigger(HANNA, lived.failed, "badge", flow=True)
    again = lived.room.engine.submit(HANNA, "hiring", {"name": "Ann", "national_id": NATIONAL_ID}, key="order-1")
    assert again == (lived.completed, True)


def test_a_plan_says_how_much_and_removes_nothing(lived: Lived):
    assert lived.pruner.plan(HANNA, 90) == {"HR": 4, "Lab": 1}
    assert lived.pruner.plan(HANNA, 90, "Lab") == {"Lab": 1}
    assert lived.pruner.plan(HANNA, 366) == {}
    with pytest.raises(InvalidInput, match="younger than a day"):
        lived.pruner.plan(HANNA, 0)
    assert lived.room.document(lived.completed).pruned_at is None


def test_only_who_holds_admin_may_and_it_is_audited(lived: Lived):
    for actor, app in ((VERA, None), (VERA, "HR")):
        with pytest.raises(NotPermitted):
            lived.pruner.prune(actor, 90, app)
    lived.room.engine.grant(HANNA, Grant("ada@example.com", Permission.ADMIN, "HR"))
    with pytest.raises(NotPermitted):
        lived.pruner.prune(HR_ADMIN, 90)
    done = lived.pruner.prune(HR_ADMIN, 90, "HR")
    assert (dict(done.requests), done.messages, done.workers) == ({"HR": 4}, 0, 0)
    assert lived.room.document(lived.other).pruned_at is None
    with pytest.raises(NotFound, match="Those with requests: HR, Lab"):
        lived.prune(app="Nope")
    with lived.room.database.reading() as connection:
        (told,) = connection.execute(select(events).where(events.c.kind == "pruned"))
    assert (told.by, told.actor, told.door, told.reason) == ("Ada Admin", HR_ADMIN.id, "slack", "older than 90 days")
    assert f'"requests":4,"first":{lived.completed},"last":{lived.mended}' in told.data


def test_what_still_has_something_to_tell_waits_for_the_next_time(lived: Lived):
    number = lived.request("Bo", "blocked")
    lived.room.engine.withdraw(HANNA, number, reason="its card is still to be told")
    assert lived.prune() == {"HR": 4, "Lab": 1}
    lived.tell_all()
    assert lived.prune() == {"HR": 1}


def test_a_request_that_ended_but_has_a_step_that_runs_again_alone_is_left(lived: Lived):
    worker, lived.room.worker = lived.room.worker, None
    assert worker is not None and worker.stop()
    lived.room.engine.retrigger(HANNA, lived.failed, "badge")
    lived.tell_all()
    assert lived.room.document(lived.failed).status == "failed"
    assert lived.prune() == {"HR": 3, "Lab": 1}
    lived.room.start()
    lived.room.wait(lived.failed, lambda d: len(d.steps[1].attempts) == 2 and d.steps[1].status not in MOVING)
    lived.tell_all()
    assert lived.prune() == {"HR": 1}


def test_a_request_that_is_not_old_any_more_when_its_turn_comes_is_left(lived: Lived):
    found, before = [lived.completed, lived.blocked], lived.retention.now() - 90 * DAY
    assert lived.retention.remove(before, found, [], Event(None, PRUNED, 0.0)) == [lived.completed]


def test_its_card_and_by_what_it_was_blocked_are_forgotten(lived: Lived):
    for number in (lived.completed, lived.blocked):
        lived.outbox.remember(Posted(number, CARD, "T1", "C1", "1.2", "a"))
        with lived.room.database.writing() as connection:
            block = Blocked(number, "account", "key", "HR", "identity", 1, 0.0)
            connection.execute(insert(blocks).values(block._asdict()))
    lived.prune()
    with lived.room.database.reading() as connection:
        assert list(connection.scalars(select(blocks.c.request_id))) == [lived.blocked]
    assert (lived.outbox.posted(lived.completed), len(lived.outbox.posted(lived.blocked))) == ({}, 1)


def test_of_a_late_result_stays_that_it_came(lived: Lived):
    done = Finished("account", 1, Failure("it was there already"))
    lived.room.store.change(lived.completed, partial(late, done=done, outcome=Failure("it was there already")))
    lived.tell_all()
    assert "it was there already" in str(_late(lived))
    lived.prune()
    assert _late(lived) == f'"{REMOVED}"'


def _late(lived: Lived) -> str | None:
    return lived.room.step(lived.completed, "account").attempts[0].late


def test_it_may_be_broken_off_and_begun_again(lived: Lived):
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Pruner(lived.room.engine, lived.retention, interrupt, batch=2).prune(HANNA, 90)
    gone = [number for number in lived.ended if lived.room.document(number).pruned_at]
    assert gone == list(lived.ended[:2])
    assert lived.prune() == {"HR": 2, "Lab": 1}


def test_messages_that_were_told_go_and_engines_that_are_gone(lived: Lived):
    waiting = lived.request("Bo", "blocked")
    with lived.room.database.writing() as connection:
        connection.execute(workers.insert().values(name="dead", present_until=1.0, started_at=1.0))
    done = lived.pruner.prune(HANNA, 90)
    assert done.messages > 4 and done.workers >= 1
    with lived.room.database.reading() as connection:
        assert "dead" not in connection.scalars(select(workers.c.name)).all()
    assert {row.request_id for row in lived.outbox.due(1000, 60.0)} == {waiting}
    lived.tell_all()


def test_an_engine_prunes_by_itself_a_little_at_a_time(lived: Lived):
    clock = [0.0]
    nightly = NightlyPruning(lived.pruner, lived.retention, 90, lambda: clock[0])
    nightly.turn()
    assert all(lived.room.document(number).pruned_at for number in lived.ended)
    again = lived.request("Ann", "completed")
    lived.tell_all()
    clock[0] = 60.0
    nightly.turn()
    assert lived.room.document(again).pruned_at is None  # the next round begins hours later
    clock[0] = 86400.0
    nightly.turn()
    assert lived.room.document(again).pruned_at is not None


@pytest.mark.parametrize("document", ['{"nodes": 7}', "{"])
def test_what_belongs_to_a_version_that_cannot_be_read_stays_and_the_rest_goes(
    lived: Lived, caplog: pytest.LogCaptureFixture, document: str
):
    """Which of its texts are sensitive is not known, and they would stay."""
    with lived.room.database.writing() as connection:
        connection.execute(update(workflows).where(workflows.c.name == "hiring").values(document=document))
    engine = Engine(lived.room.store, Catalog(lived.room.store.workflow), GRANTS)
    pruner = Pruner(engine, lived.retention, lambda seconds: None)
    assert dict(pruner.prune(HANNA, 90).requests) == {"Lab": 1}
    assert f"REQ-{lived.mended}" in caplog.text
    assert "Version 1 of hiring cannot be read" in caplog.text
    assert lived.prune() == {"HR": 4}


def test_a_request_with_a_row_that_cannot_be_read_stays_and_the_rest_goes(
    lived: Lived, caplog: pytest.LogCaptureFixture
):
    def become(status: str) -> None:
        badge = update(steps).where(steps.c.request_id == lived.mended, steps.c.node == "badge")
        with lived.room.database.writing() as connection:
            connection.execute(badge.values(status=status))

    become("of_tomorrow")
    assert lived.prune() == {"HR": 3, "Lab": 1}
    assert f"REQ-{lived.mended}" in caplog.text and "'of_tomorrow' is nothing that this Retrigger knows" in caplog.text
    become("completed")
    assert lived.prune() == {"HR": 1}
