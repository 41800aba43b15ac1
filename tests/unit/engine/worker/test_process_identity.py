from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from engine.worker.process_identity import is_gone, this_process

pytestmark = pytest.mark.skipif(this_process() is None, reason="this system does not tell who a process is")

TELL = "from engine.worker.process_identity import this_process; print(this_process(), flush=True); input()"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started = []

    def one(*within: str) -> subprocess.Popen[str]:
        command = [*within, sys.executable, "-c", TELL]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield one
    for process in started:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_is_gone_once_it_has_ended(start: Start) -> None:
    process = start()
    identity = told(process)
    assert not is_gone(identity)
    process.kill()
    process.wait()
    assert is_gone(identity)


def test_whoever_has_its_number_now_is_another(start: Start) -> None:
    place, pid, began = told(start()).rsplit(" ", 2)
    assert is_gone(f"{place} {pid} {int(began) - 1}")
    assert is_gone(f"{place} {os.getpid()} {began}")


def test_nothing_is_known_of_another_machine_nor_of_another_boot(start: Start) -> None:
    process = start()
    host, boot, namespace, pid, began = told(process).split()
    process.kill()
    process.wait()
    assert is_gone(f"{host} {boot} {namespace} {pid} {began}")
    for other in (f"x{host} {boot} {namespace}", f"{host} x{boot} {namespace}", f"{host} {boot} x{namespace}"):
        assert not is_gone(f"{other} {pid} {began}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make namespaces")
def test_nothing_is_known_of_another_container_with_the_same_name(start: Start) -> None:
    """Its numbers of processes are others."""
    process = start("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    identity = told(process)
    assert identity.split()[-2] == "1"
    assert not is_gone(identity)
    process.kill()
    process.wait()
    assert not is_gone(identity)


def test_nothing_is_known_of_a_process_that_another_retrigger_has_named_otherwise():
    """It must not stop the recovery of the others."""
    host, boot, namespace, pid, _ = (this_process() or "").split()
    for other in ("", "nonsense", f"{host} {boot} {namespace} {pid}-1 {pid}"):
        assert not is_gone(other)
