"""kill -9 of the engine in the middle of a bulk re-trigger: it goes on, and each request is acted on once."""

from __future__ import annotations

import signal

from engine.causes.bulk import Bulk
from engine.causes.records import ItemState, RunState, tally
from storage.causes import SqlCauses
from tests.chaos.conftest import StartEngine
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside
from tests.support.poll import wait_until

NUMBER = 30  # of which five begin in a second: far from done when three have recovered
WORKFLOW = """
workflow: join
app: HR
title: Join
nodes:
  account: {action: {connection: identity, method: POST, path: /accounts, body: {email: "{{ request.input.email }}"}}}
"""


def test_a_bulk_re_trigger_outlives_its_engine(room: Room, outside: Outside, start_engine: StartEngine):
    room.publish(WORKFLOW)
    outside.turn("identity", "down")
    engine = start_engine(told="HR", lease=1.0)
    requests = [room.submit("join", {"email": f"n{place}@example.com"}) for place in range(NUMBER)]
    for request in requests:
        room.wait(request, "blocked")
    causes, bulk = SqlCauses(room.store), Bulk(room.engine, room.bulks)
    common = causes.common(requests[-1], ["account"])
    assert common is not None
    cause_id = causes.join(requests[-1], common, "It is away.")
    outside.turn("identity", "up")
    run = bulk.begin(HANNA, bulk.preview(HANNA, cause_id).run.id, flow=True, rate=300, reason="It is back.")
    done = wait_until(lambda: tally(room.bulks.items(run.id))[ItemState.RECOVERED][2:], "three that recovered")
    engine.process.send_signal(signal.SIGKILL)
    engine.process.wait()
    assert len(done) < NUMBER - 3
    assert room.bulks.run(run.id).under_way
    start_engine(told="HR", lease=1.0)
    wait_until(lambda: room.bulks.run(run.id).state is RunState.ENDED, "the end of the run")
    assert {item.state for item in room.bulks.items(run.id)} == {ItemState.RECOVERED}
    for request in requests:
        acts = [event for event in room.document(request).events if event.kind == "retriggered_flow"]
        assert len(acts) == 1
        assert room.document(request).status.value == "completed"
