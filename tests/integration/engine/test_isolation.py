"""Functions with ``isolation: process``: whatever one does to its process costs its step alone (SPEC 2)."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.limits import MAX_FUNCTION_MEMORY
from tests.support import rough_functions  # its functions are known to the worker, too
from tests.support.engine import Room
from tests.support.processes import is_gone, read_pid, wait_until_gone

MODULES = [rough_functions.__name__]
MASKED = """
workflow: masked
app: HR
sensitive: [request.input.pin]
nodes:
  one: {function: {name: rough.long_error, args: {text: "no {{ request.input.pin }}! "}}}
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One worker for all: each test finds it as the others have left it."""
    room = Room(f"sqlite:///{tmp_path_factory.mktemp('room') / 'retrigger.db'}")
    room.start(MODULES, slots=64)
    yield room
    room.close()


def submit(room: Room, name: str, /, timeout: str = "30s", **args: Any) -> int:
    """A request whose one step calls the function."""
    given = {argument: f"{{{{ request.input.{argument} }}}}" for argument in args}
    function = json.dumps({"name": f"rough.{name}", "args": given, "timeout": timeout})
    room.publish(f"{{workflow: {name}, app: HR, nodes: {{one: {{function: {function}}}}}}}")
    return room.submit(name, args)


def result(room: Room, name: str, /, **args: Any) -> Any:
    """What a call that must succeed gives."""
    return room.wait(submit(room, name, **args), "completed").steps[0].result


def test_it_runs_in_another_process_which_is_used_again(room: Room) -> None:
    first = result(room, "where")
    assert first != os.getpid()
    assert result(room, "where") == first


@pytest.mark.parametrize(
    "value", [None, False, 0, -1.5, "", "Ärger \u2028 \ud83d", {"a": [1, {"b": None}]}, "x" * 200_000]
)
def test_arguments_and_results_keep_their_values(room: Room, value: Any) -> None:
    assert result(room, "echo", value=value) == value


def test_the_idempotency_key_is_for_those_who_take_it(room: Room) -> None:
    number = submit(room, "key")
    step = room.wait(number, "completed").steps[0]
    assert str(step.result).startswith(f"req-{number}-one-1-")
    assert step.call == "accepted", "what it did outside has taken effect"


def test_one_that_takes_a_key_and_is_never_called_has_sent_nothing(tmp_path: Path) -> None:
    """Its processes cannot import what the settings name; the key was given out before."""
    with closing(Room(f"sqlite:///{tmp_path / 'retrigger.db'}")) as room:
        room.start(["tests.support.no_such_module"])
        (step, _) = room.wait(submit(room, "key"), "blocked").steps
    assert "rough.key was not called, as there is no process for it" in (step.error or "")
    attempt = step.attempts[0]
    assert (step.call, attempt.call, attempt.idempotency_key is None) == ("not_sent", "not_sent", False)


def test_where_the_machine_has_none_left_it_is_never_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the worker has as many files open as it may."""

    def refused() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with closing(Room(f"sqlite:///{tmp_path / 'retrigger.db'}")) as room:
        room.start(MODULES)
        monkeypatch.setattr("engine.isolation.forks.socket.socketpair", refused)
        (step, _) = room.wait(submit(room, "key"), "blocked").steps
    assert step.error == (
        "rough.key was not called, as there is no process for it: the machine gives none: "
        "[Errno 24] Too many open files."
    )
    assert step.attempts[0].call == "not_sent"


@pytest.mark.parametrize(
    ("name", "args", "error"),
    [
        ("segfault", {}, "rough.segfault crashed: its process was ended by SIGSEGV (Segmentation fault)."),
        ("leave", {"code": 3}, "rough.leave crashed: it ended its process with exit code 3."),
        ("leave", {"code": 0}, "rough.leave crashed: it ended its process with exit code 0."),
        ("kill_itself", {}, "rough.kill_itself crashed: its process was ended by SIGKILL (Killed)."),
        ("no_files", {}, "rough.no_files crashed: it closed its process's connection with the worker."),
        ("two_gigabytes", {}, "rough.two_gigabytes failed: MemoryError"),
        ("huge", {}, "rough.huge gave a result of 50,000,002 bytes; the limit is 1,048,576."),
        ("sys_exit", {}, "rough.sys_exit failed: SystemExit: I am off"),
        ("unsayable", {}, "rough.unsayable failed: Unsayable, whose message cannot be shown"),
        ("slippery", {}, "rough.slippery gave a result that cannot be kept. RuntimeError: do not look"),
        (
            "echo",
            {"valve": 1},
            "rough.echo cannot be called with these arguments: missing a required argument: 'value'.",
        ),
    ],
)
def test_what_it_does_to_its_process_fails_its_step(room: Room, name: str, args: dict[str, Any], error: str) -> None:
    document = room.wait(submit(room, name, **args), "blocked")
    (attempt,) = document.steps[0].attempts
    assert (attempt.error, attempt.outcome, document.steps[0].recoveries) == (error, "failed", 0)
    assert result(room, "echo", value="next") == "next"


def test_its_time_limit_ends_its_process(room: Room, tmp_path: Path) -> None:
    for name, args in (("loop", {}), ("locked_loop", {"file": str(tmp_path / "pid")})):
        result(room, "where")  # so that a process is there, and the function begins well within its time
        number = submit(room, name, timeout="3s", **args)
        assert room.wait(number, "blocked").reason == f"one: rough.{name} took longer than 3 s; its process was ended."
    wait_until_gone(read_pid(tmp_path / "pid"))


def test_a_crash_is_logged_with_what_is_known(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.wait(submit(room, "segfault"), "blocked")
    assert "rough.segfault crashed in process" in caplog.text
    assert "SIGSEGV" in caplog.text


def test_fifty_neighbours_notice_nothing(room: Room, tmp_path: Path) -> None:
    neighbours = [submit(room, "wait", "5m", folder=str(tmp_path), file=f"pid-{place}") for place in range(50)]
    pids = [read_pid(tmp_path / f"pid-{place}") for place in range(50)]
    assert len(set(pids)) == 50
    bad = [
        submit(room, name, "1s") for name in ("segfault", "kill_itself", "two_gigabytes", "huge", "loop", "no_files")
    ]
    for number in bad:
        room.wait(number, "blocked")
    assert not any(map(is_gone, pids))
    assert {room.document(number).status for number in neighbours} == {"in_progress"}
    (tmp_path / "go").touch()
    for number, pid in zip(neighbours, pids, strict=True):
        step = room.wait(number, "completed").steps[0]
        assert (step.result, len(step.attempts)) == (pid, 1)


def test_errors_are_masked_and_cut_after_that(room: Room) -> None:
    room.publish(MASKED)
    reason = room.wait(room.submit("masked", {"pin": "hunter22"}), "blocked").reason or ""
    assert reason.startswith("one: rough.long_error failed: ValueError: no •••! no •••!")
    assert "hunter" not in reason and reason.endswith("… (cut)")


def test_an_endless_error_tells_how_long_it_is(room: Room) -> None:
    reason = room.wait(submit(room, "long_error", text="no 1234! ", times=10_000_000), "blocked").reason
    assert reason == "one: rough.long_error failed: ValueError, whose message has 90,000,000 characters"


def test_a_flood_of_output_stops_nobody(room: Room) -> None:
    assert result(room, "flood") == "dry"


def test_there_is_nothing_to_read_for_it(room: Room) -> None:
    assert result(room, "say", text="hello") == ""


def test_one_that_forks_is_done_once_and_its_copy_goes(room: Room) -> None:
    number = submit(room, "fork")
    document = room.wait(number, "completed")
    assert len(document.steps[0].attempts) == 1
    assert isinstance(document.steps[0].result, int) and document.steps[0].result > 0
    wait_until_gone(document.steps[0].result)


def test_what_it_started_ends_with_it(room: Room, tmp_path: Path) -> None:
    room.wait(submit(room, "fork_and_crash", file=str(tmp_path / "pid")), "blocked")
    wait_until_gone(read_pid(tmp_path / "pid"))


def test_programs_that_it_starts_can_be_ended_as_anywhere(room: Room) -> None:
    assert result(room, "terminate_program") == -signal.SIGTERM


def test_signals_to_stop_are_for_the_worker(room: Room, tmp_path: Path) -> None:
    number = submit(room, "wait", "5m", folder=str(tmp_path))
    pid = read_pid(tmp_path / "it")
    for name in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, name)
        os.kill(psutil.Process(pid).ppid(), name)
    (tmp_path / "go").touch()
    assert room.wait(number, "completed").steps[0].result == pid


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("keep", {"megabytes": MAX_FUNCTION_MEMORY * 6 // 10 // 1024**2}),
        ("change_folder", {}),
        ("leave_thread", {}),
        ("no_outputs", {}),
    ],
)
def test_a_process_in_which_it_left_something_is_not_used_again(room: Room, name: str, args: dict[str, Any]) -> None:
    used = result(room, name, **args)
    assert result(room, "where") != used
    wait_until_gone(used)


def test_an_alarm_that_it_left_does_not_ring(room: Room) -> None:
    assert result(room, "set_alarm") == result(room, "set_alarm")


def test_idle_processes_and_what_makes_them_may_be_killed(room: Room) -> None:
    idle = psutil.Process(result(room, "where"))
    maker = idle.parent()
    assert maker is not None
    idle.kill()
    wait_until_gone(idle.pid)
    assert maker.is_running()
    assert result(room, "echo", value=1) == 1
    maker.kill()
    wait_until_gone(maker.pid)
    room.wait(submit(room, "segfault"), "blocked")
    assert result(room, "echo", value=2) == 2
