"""What the command says of steps that wait for people, for a call or for their time; it does not wait for them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.integration.retrigger.conftest import StartProcess
from tests.support.front import Front, Process
from tests.support.poll import wait_until

WAITING = """
workflow: waiting
app: HR
nodes:
  split: {branch: [boss, called]}
  boss: {approval: {approvers: [hanna@example.com, "@hr"], need: all}, approved: join}
  called: {callback: {}, next: join}
  join: {merge: {}}
"""


LONG = """
workflow: long
app: HR
nodes:
  first: {function: {name: front.work, args: {folder: FOLDER}, isolation: thread}}
  second: {function: {name: front.wait, args: {folder: FOLDER}, isolation: thread}}
"""


def _waits(front: Front) -> str:
    front.out("workflow", "publish", str(front.define("waiting", WAITING)))
    request = front.out("submit", "waiting", "--input", "{}").strip()
    for node in ("boss", "called"):
        front.wait_for_step(request, node, "waiting")
    return request


def test_the_path_tells_whom_a_step_waits_for(running: Front):
    path = running.out("show", _waits(running))

    assert "Waits for the approval of each of hanna@example.com, @hr." in path
    assert "Waits for a call from outside." in path


def test_a_re_triggered_wait_is_said_and_not_waited_for(running: Front):
    request = _waits(running)

    said = running.out("step", request, "boss", "--reason", "they changed")

    assert said == f"boss waits for each of hanna@example.com, @hr to answer. {request} is In progress.\n"
    said = running.out("flow", request, "boss")
    assert "boss waits for each of" in said and "called waits for a call from outside" in said


def test_a_re_triggered_callback_tells_its_new_address(running: Front, monkeypatch):
    request = _waits(running)
    monkeypatch.setenv("RETRIGGER_API_PUBLIC_URL", "https://retrigger.example.com")

    first, second = (running.out("step", request, "called").splitlines()[0] for _ in range(2))

    assert first.startswith("called waits for a call to https://retrigger.example.com/callbacks/1.called.1.")
    assert second.startswith("called waits for a call to https://retrigger.example.com/callbacks/1.called.2.")


def test_a_database_that_goes_away_meanwhile_leaves_no_doubt_that_the_act_is_stored(
    running: Front, start: StartProcess
):
    process = _flow_of_a_long_step(running, start)

    with closing(sqlite3.connect(running.folder / "retrigger.db", isolation_level=None, timeout=60)) as database:
        database.execute("ALTER TABLE requests RENAME TO elsewhere")
        code = process.code()
        database.execute("ALTER TABLE elsewhere RENAME TO requests")

    assert code == 1
    assert process.said.startswith("REQ-1: accepted, but what came of it cannot be read: The database ")
    (running.folder / "go").touch()
    running.wait("REQ-1", "completed")


def test_a_request_that_cannot_be_read_any_more_leaves_no_doubt_either(running: Front, start: StartProcess):
    process = _flow_of_a_long_step(running, start)

    with closing(sqlite3.connect(running.folder / "retrigger.db", isolation_level=None, timeout=60)) as database:
        database.execute("UPDATE steps SET result = '{' WHERE node = 'first'")
    (running.folder / "go").touch()

    assert process.code() == 1
    assert process.said.startswith("REQ-1: accepted, but what came of it cannot be read: This cannot be read: ")


def _flow_of_a_long_step(front: Front, start: StartProcess) -> Process:
    """A command that waits for the outcome of its act, which has begun."""
    front.out("workflow", "publish", str(front.define("long", LONG)))
    front.break_second()
    request = front.out("submit", "long", "--input", "{}").strip()
    front.wait(request, "blocked")
    front.mend_second()
    process = start("--as", "hanna@example.com", "flow", request, "first")
    wait_until((front.folder / "waiting").exists, "the step behind it to run")
    return process
