"""Re-triggering what one cause blocks: canary, rate, stop, and each request checked again when its turn comes."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine.causes.records import ItemState, RunState, tally
from engine.causes.steering import CANARY_FAILED, SAME_AGAIN
from engine.errors import Conflict, NotPermitted, Refused
from engine.rules.permissions import Actor, Grant, Permission
from engine.texts import MASK
from retrigger.demo.outside_switches import Mode, NewRule
from storage.tables import bulk_runs
from tests.integration.engine.causes.conftest import WORKFLOW, Outage
from tests.support.engine import HANNA, VERA
from tests.support.poll import wait_until

OMAR = Actor("slack:T1/U2", "Omar Ops", "slack", mail="omar@example.com", slack_user="U2")
TO_OMAR = Grant("U2", Permission.TAKE_ACTION, "HR")


def test_the_canary_recovers_and_the_rest_follow_each_once(outage: Outage):
    requests = outage.block(8) + outage.block(4, "Finance")
    cause_id = outage.told(requests)
    outage.mend()
    run = outage.ended(outage.begin(cause_id))
    items = outage.room.bulks.items(run.id)
    assert [item.state for item in items] == [ItemState.RECOVERED] * 12
    assert [item.request_id for item in items] == requests
    for request in requests:
        document = outage.room.wait(request, "completed")
        acts = [event for event in document.events if event.kind == "retriggered_flow"]
        assert [(act.by, act.reason, act.data) for act in acts] == [
            ("Hanna Lead", "The identity system is back.", {"bulk": run.id})
        ]
    first, second = (outage.room.document(request).steps[0].attempts[1].started_at for request in requests[:2])
    ended = outage.room.document(requests[0]).steps[0].attempts[1].ended_at
    assert ended is not None
    assert first < ended <= second


def test_a_canary_that_does_not_recover_stops_it(outage: Outage):
    requests = outage.block(10)
    cause_id = outage.told(requests)
    run = outage.ended(outage.begin(cause_id))
    items = tally(outage.room.bulks.items(run.id))
    assert run.why == CANARY_FAILED
    assert (len(items[ItemState.REPEATED]), len(items[ItemState.LEFT])) == (1, 9)
    assert all(len(outage.room.document(request).steps[0].attempts) == 1 for request in requests[1:])


def test_the_first_repeat_of_the_error_stops_it(outage: Outage):
    requests = outage.block(12)
    cause_id = outage.told(requests)
    outage.mend()
    outage.outside.state.add_rule(NewRule(system="identity", contains="n1@", mode=Mode.DOWN))
    run = outage.ended(outage.begin(cause_id, rate=60))
    items = tally(outage.room.bulks.items(run.id))
    assert run.why == SAME_AGAIN
    assert [item.request_id for item in items[ItemState.REPEATED]] == [requests[1]]
    assert items[ItemState.LEFT] and len(items[ItemState.LEFT]) + len(items[ItemState.RECOVERED]) == 11


def test_whoever_may_act_in_every_application_concerned_can_stop_it(outage: Outage):
    requests = outage.block(10)
    cause_id = outage.told(requests)
    outage.mend()
    run = outage.begin(cause_id, rate=10)
    wait_until(lambda: outage.room.bulks.run(run.id).state is RunState.RUNNING, "the canary's recovery")
    with pytest.raises(NotPermitted):
        outage.bulk.stop(VERA, run.id)
    outage.bulk.stop(HANNA, run.id)
    run = outage.ended(run)
    assert run.why == "Hanna Lead stopped it"
    with pytest.raises(Conflict, match="ended, since Hanna Lead stopped it"):
        outage.bulk.stop(HANNA, run.id)
    left = tally(outage.room.bulks.items(run.id))[ItemState.LEFT]
    assert len(left) >= 8
    assert all(outage.room.document(item.request_id).status.value == "blocked" for item in left)


def test_a_request_that_somebody_mended_meanwhile_is_skipped_with_the_reason(outage: Outage):
    requests = outage.block(10)
    cause_id = outage.told(requests)
    preview = outage.bulk.preview(HANNA, cause_id)
    engine = outage.room.engine
    engine.provide_input(permitted_omar(outage), requests[3], "account", '{"id": "acc-1", "email": "x"}')
    outage.mend()
    outage.ended(outage.bulk.begin(HANNA, preview.run.id, flow=True, rate=300, reason="It is back."))
    items = tally(outage.room.bulks.items(preview.run.id))
    (skipped,) = items[ItemState.SKIPPED]
    assert skipped.request_id == requests[3]
    assert skipped.note is not None
    assert "Omar Ops provided input" in skipped.note
    assert len(items[ItemState.RECOVERED]) == 9


def permitted_omar(outage: Outage) -> Actor:
    outage.room.engine.grant(HANNA, TO_OMAR)
    return OMAR


def test_it_needs_take_action_in_every_application_concerned(outage: Outage):
    cause_id = outage.told(outage.block(9) + outage.block(1, "Finance"))
    omar = permitted_omar(outage)
    with pytest.raises(NotPermitted, match="Finance"):
        outage.bulk.permitted(omar, cause_id)
    with pytest.raises(NotPermitted, match="Finance"):
        outage.bulk.preview(omar, cause_id)
    preview = outage.bulk.preview(HANNA, cause_id)
    with pytest.raises(NotPermitted, match="Finance"):
        outage.bulk.begin(omar, preview.run.id, flow=True, rate=60, reason="Mine.")


def test_who_is_taken_out_of_the_group_meanwhile_acts_no_more(outage: Outage):
    outage.room.engine.grant(HANNA, Grant("@hr-admins", Permission.TAKE_ACTION, "HR"))
    nora = OMAR._replace(id="slack:T1/U7", mail=None, slack_user="U7", groups=frozenset({"@hr-admins"}))
    requests, asked = outage.block(10), []

    def present(person: Actor) -> Actor:
        asked.append(person)
        return person if len(asked) == 1 else person._replace(groups=frozenset())

    outage.room.present = present
    cause_id = outage.told(requests)
    outage.mend()
    preview = outage.bulk.preview(nora, cause_id)
    run = outage.ended(outage.bulk.begin(nora, preview.run.id, flow=True, rate=300, reason="It is back."))
    items = tally(outage.room.bulks.items(run.id))
    assert (len(items[ItemState.RECOVERED]), len(items[ItemState.SKIPPED])) == (1, 9)
    assert all("permission" in (item.note or "") for item in items[ItemState.SKIPPED])


def test_the_reason_is_told_without_what_any_of_the_requests_hides(outage: Outage):
    outage.room.publish(WORKFLOW.format(name="join_hr", app="HR") + "sensitive: [request.input.name]\n")
    requests = outage.block(10)
    cause_id = outage.told(requests)
    preview = outage.bulk.preview(HANNA, cause_id)
    run = outage.bulk.begin(HANNA, preview.run.id, flow=True, rate=300, reason="As n7@example.com asked for.")
    assert run.reason == outage.room.bulks.run(run.id).reason == f"As {MASK} asked for."
    outage.ended(run)


def test_a_permission_that_is_taken_away_stops_the_acts_that_would_follow(outage: Outage):
    requests = outage.block(10)
    cause_id = outage.told(requests)
    omar = permitted_omar(outage)
    asked: list[Actor] = []

    def present(person: Actor) -> Actor:
        asked.append(person)
        if len(asked) == 2:  # when the canary has recovered
            outage.room.engine.revoke(HANNA, TO_OMAR)
        return person

    outage.room.present = present
    preview = outage.bulk.preview(omar, cause_id)
    outage.mend()
    run = outage.ended(outage.bulk.begin(omar, preview.run.id, flow=True, rate=300, reason="It is back."))
    items = tally(outage.room.bulks.items(run.id))
    assert (len(items[ItemState.RECOVERED]), len(items[ItemState.SKIPPED])) == (1, 9)
    assert all("permission" in (item.note or "") for item in items[ItemState.SKIPPED])


def test_one_at_a_time_and_each_preview_once(outage: Outage):
    cause_id = outage.told(outage.block(10))
    outage.mend()
    run = outage.begin(cause_id, rate=10)
    with pytest.raises(Conflict):
        outage.bulk.begin(HANNA, run.id, flow=True, rate=10, reason="Twice.")
    again = outage.bulk.preview(HANNA, cause_id)
    with pytest.raises(
        Conflict, match=r"re-triggered already\. Hanna Lead began bulk re-trigger \d+ at \d\d:\d\d:\d\d UTC"
    ):
        outage.bulk.begin(HANNA, again.run.id, flow=True, rate=10, reason="Beside it.")
    outage.bulk.stop(HANNA, run.id)
    outage.ended(run)


def test_what_nobody_is_blocked_by_any_more_has_no_preview(outage: Outage):
    requests = outage.block(10)
    cause_id = outage.told(requests)
    for request in requests:
        outage.room.engine.withdraw(HANNA, request, reason="Over.")
    with pytest.raises(Refused, match="nothing to re-trigger"):
        outage.bulk.preview(HANNA, cause_id)


def test_step_only_leaves_each_held(outage: Outage):
    requests = outage.block(10)
    cause_id = outage.told(requests)
    outage.mend()
    run = outage.ended(outage.begin(cause_id, flow=False))
    assert {item.state for item in outage.room.bulks.items(run.id)} == {ItemState.RECOVERED}
    assert all(outage.room.step(request, "account").held for request in requests)


def test_what_the_person_may_not_do_to_one_of_them_is_left_out_with_the_reason(outage: Outage):
    outage.room.publish(WORKFLOW.format(name="own", app="HR").replace("app: HR", "app: HR\nself_action: false"))
    others = outage.block(9)
    own = outage.room.submit("own", {"name": "hanna@example.com"})  # by Hanna
    outage.room.wait(own, "blocked")
    preview = outage.bulk.preview(HANNA, outage.told([*others, own]))
    assert len(preview.items) == 9
    assert [item.request_id for item in preview.left_out] == [own]
    assert "own request" in (preview.left_out[0].note or "")


@pytest.mark.parametrize(
    "person", ["7", '{"groups": [], "id": "slack:T1/U1"}', '{"groups": [], "of a newer version": 1}', "["]
)
def test_one_whose_person_is_damaged_waits_until_that_is_mended(
    outage: Outage, person: str, caplog: pytest.LogCaptureFixture
):
    cause_id = outage.told(outage.block(10))
    outage.mend()
    run = outage.begin(cause_id, rate=10)
    write_person(outage, run.id, person)
    wait_until(lambda: "bulk.waits" in caplog.text, "what the log says of it")
    assert "job.failed" not in caplog.text
    write_person(outage, run.id, run.person)
    outage.bulk.stop(HANNA, run.id)
    outage.ended(run)


def write_person(outage: Outage, run_id: int, person: str) -> None:
    with outage.room.database.writing() as connection:
        connection.execute(update(bulk_runs).where(bulk_runs.c.id == run_id).values(person=person))
