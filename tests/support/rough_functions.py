"""Functions that do to their process whatever a function can do, and some that only tell where they are."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from engine.functions import function


class Unsayable(Exception):
    """Cannot be pickled, and cannot be put into words."""

    def __init__(self) -> None:
        self.pipe = lambda: None

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Slippery(dict[str, Any]):
    """A result that raises when it is looked at."""

    def items(self) -> NoReturn:
        raise RuntimeError("do not look")


@function("rough.where")
def where() -> int:
    return os.getpid()


@function("rough.key")
def key(idempotency_key: str) -> str:
    return idempotency_key


@function("rough.echo")
def echo(value: Any) -> Any:
    return value


@function("rough.wait")
def wait(folder: str, file: str = "it") -> int:
    """Write the process's number into a file of that name; end once there is a file ``go``."""
    Path(folder, file).write_text(str(os.getpid()))
    while not Path(folder, "go").exists():
        time.sleep(0.01)
    return os.getpid()


@function("rough.segfault")
def segfault() -> None:
    ctypes.string_at(0)


@function("rough.leave")
def leave(code: int) -> None:
    os._exit(code)


@function("rough.kill_itself")
def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@function("rough.sys_exit")
def sys_exit() -> None:
    sys.exit("I am off")


@function("rough.loop")
def loop() -> None:
    """Without end, and deaf to SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


@function("rough.locked_loop")
def locked_loop(file: str) -> None:
    """Without end, in C, with the interpreter's lock held: no other thread of the process gets a turn."""
    Path(file).write_text(str(os.getpid()))
    re.match(r"(a+)+$", "a" * 60 + "b")


@function("rough.two_gigabytes")
def two_gigabytes() -> int:
    return len(bytearray(2 * 1024**3))


@function("rough.keep")
def keep(megabytes: int) -> int:
    """Take memory and keep it. Returns the process."""
    _kept.append(b"k" * megabytes * 1024**2)
    return os.getpid()


_kept: list[bytes] = []


@function("rough.huge")
def huge() -> str:
    return "x" * 50_000_000


@function("rough.unsayable")
def unsayable() -> None:
    raise Unsayable


@function("rough.slippery")
def slippery() -> dict[str, Any]:
    return Slippery(a=1)


@function("rough.long_error")
def long_error(text: str, times: int = 1000) -> None:
    raise ValueError(text * times)


@function("rough.flood")
def flood() -> str:
    """Ten megabytes to each of its outputs."""
    for _ in range(1000):
        print("o" * 10_000)  # noqa: T201  # that is what it is for
        print("e" * 10_000, file=sys.stderr)  # noqa: T201  # the same
    return "dry"


@function("rough.say")
def say(text: str) -> str | None:
    """Print it; return what there is to read."""
    print(text)  # noqa: T201  # that is what it is for
    return sys.stdin.read()


@function("rough.no_outputs")
def no_outputs() -> int:
    sys.stdout.close()
    sys.stderr.close()
    return os.getpid()


@function("rough.no_files")
def no_files() -> str:
    """As programs do that become daemons: every open file is closed, the engine's too."""
    os.closerange(3, 1000)
    return "closed"


@function("rough.change_folder")
def change_folder() -> int:
    os.chdir("/")
    return os.getpid()


@function("rough.leave_thread")
def leave_thread() -> int:
    """Leave a thread behind that will crash the process in a moment."""
    threading.Timer(2.0, segfault).start()
    return os.getpid()


@function("rough.set_alarm")
def set_alarm() -> list[float]:
    """Leave an alarm behind, which would end the process. Returns the process, and what was left of the last alarm."""
    before, _ = signal.setitimer(signal.ITIMER_REAL, 60)
    return [os.getpid(), before]


@function("rough.fork")
def fork() -> int:
    """Return twice: here the number of the new process, there 0."""
    return os.fork()


@function("rough.fork_and_crash")
def fork_and_crash(file: str) -> None:
    """Die beside a forked process that lives on, with a copy of all open files."""
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
    Path(file).write_text(str(pid))
    os.kill(os.getpid(), signal.SIGSEGV)


@function("rough.start_program")
def start_program() -> int:
    return subprocess.Popen(["sleep", "60"]).pid


@function("rough.terminate_program")
def terminate_program() -> int:
    """Start a program and end it politely. Returns its exit code."""
    with subprocess.Popen(["sleep", "60"]) as program:
        program.terminate()
        return program.wait(10)
