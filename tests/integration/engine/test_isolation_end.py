"""Processes of functions end with their worker, however that ends, and a clean stop costs their steps nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.engine.conftest import StartEngine
from tests.support import rough_functions
from tests.support.engine import Room
from tests.support.front import Front, Process
from tests.support.poll import PATIENCE, wait_until
from tests.support.processes import EngineProcess, family, is_gone, read_pid, wait_until_gone

MODULE = rough_functions.__name__
WAITING = """
workflow: waiting
app: HR
nodes:
  one: {function: {name: rough.wait, args: {folder: "{{ request.input.folder }}"}}}
"""
LOCKED = """
workflow: locked
app: HR
nodes:
  one: {function: {name: rough.locked_loop, args: {file: "{{ request.input.file }}"}}}
"""
TALKING = """
workflow: talking
app: HR
nodes:
  one: {function: {name: rough.say, args: {text: "said by a function"}}}
  two: {function: {name: rough.segfault}}
"""
FRONT = """
workflow: front
app: HR
nodes:
  one: {function: {name: rough.wait, args: {folder: FOLDER}}}
"""


@pytest.fixture
def room(sqlite_url: str) -> Iterator[Room]:
    room = Room(sqlite_url)
    for text in (WAITING, LOCKED, TALKING):
        room.publish(text)
    yield room
    room.close()


@pytest.fixture
def start_engine(start_engine: StartEngine, room: Room, sqlite_url: str) -> Callable[[], EngineProcess]:
    return partial(start_engine, sqlite_url, {}, functions=MODULE, grace=0.2)


def test_a_clean_stop_gives_the_step_back_and_ends_the_process(room: Room, tmp_path: Path) -> None:
    worker = room.start([MODULE])
    number = room.submit("waiting", {"folder": str(tmp_path)})
    pid = read_pid(tmp_path / "it")
    assert worker.stop(grace=0.1), "its thread has ended, too: the process need not be left by force"
    wait_until_gone(pid)
    step = room.step(number, "one")
    assert (step.status, step.recoveries, [a.outcome for a in step.attempts]) == ("ready", 0, ["returned"])
    (tmp_path / "go").touch()
    room.start([MODULE])
    document = room.wait(number, "completed")
    assert [(a.outcome, a.late) for a in document.steps[0].attempts] == [("returned", None), ("succeeded", None)]
    assert not [event for event in document.events if event.kind == "late_result"]


def test_a_clean_stop_waits_for_one_that_ends_in_time(room: Room, tmp_path: Path) -> None:
    worker = room.start([MODULE])
    number = room.submit("waiting", {"folder": str(tmp_path)})
    read_pid(tmp_path / "it")
    (tmp_path / "go").touch()
    assert worker.stop(grace=20.0)
    assert room.document(number).status == "completed"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_its_worker(
    room: Room, start_engine: Callable[[], EngineProcess], tmp_path: Path, how: signal.Signals
) -> None:
    """One of them waits, one has the interpreter's lock, so that no thread in it could look after its end."""
    engine = start_engine()
    room.submit("waiting", {"folder": str(tmp_path)})
    room.submit("locked", {"file": str(tmp_path / "locked")})
    pids = {read_pid(tmp_path / "it"), read_pid(tmp_path / "locked")}
    processes = family(engine.pid)
    assert pids < set(processes)
    engine.process.send_signal(how)
    engine.process.wait(PATIENCE)
    wait_until_gone(*processes)


def test_what_it_prints_and_its_crash_are_in_the_workers_log(
    room: Room, start_engine: Callable[[], EngineProcess]
) -> None:
    engine = start_engine()
    room.wait(room.submit("talking"), "blocked")
    lines = ("said by a function\n", "Fatal Python error: Segmentation fault", "rough_functions.py", "in segfault")
    wait_until(lambda: all(line in engine.said for line in lines), "the log to have it")


def test_ctrl_c_in_a_terminal_is_quiet(sqlite_url: str, tmp_path: Path) -> None:
    """The terminal sends it to every process of its foreground group."""
    front = Front(tmp_path, sqlite_url, "stop_grace: 0.2s\n")
    front.define("front", FRONT)
    settings = front.settings.read_text().replace("[tests.support.front_functions]", f"[{MODULE}]")
    front.settings.write_text(settings.replace("workflows: [workflows/]", "workflows: [workflows/front.yaml]"))
    up = Process(tmp_path, "up")
    try:
        up.wait_for("Ctrl-C stops it.")
        request = front.submit(workflow="front")
        pid = read_pid(tmp_path / "it")
        processes = family(up.pid)
        os.killpg(up.pid, signal.SIGINT)
        assert up.code() == 0
        wait_until_gone(*processes)
    finally:
        up.close()
    assert is_gone(pid)
    assert "Traceback" not in up.said and "KeyboardInterrupt" not in up.said
    assert front.json("show", request)["steps"][0]["status"] == "ready"
