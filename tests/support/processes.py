"""Engines in processes of their own, started and ended by a test."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from tests.support.poll import PATIENCE, wait_until

_ROOT = Path(__file__).parents[2]
_MARK = "RETRIGGER_TEST_MARK"


class EngineProcess:
    """``python -m tests.support.worker_process``, up to its READY. ``log`` collects what it says on standard error.

    ``mark`` stands in the environment of the process, and of every process that comes from it: see ``marked``.
    ``recovered`` is how many steps it found left behind, None when one of them killed it before it could say so;
    ``ready_at`` when (time.time) it said READY.
    """

    def __init__(self, url: str, connections: Mapping[str, str], log: Path, mark: str = "", **options: object) -> None:
        self.log = log
        self._name = options.get("name", "child")
        command = [sys.executable, "-m", "tests.support.worker_process", url]
        command += [f"--connection={name}={base}" for name, base in connections.items()]
        command += [f"--{name}={value}" for name, value in options.items()]
        environment = {**os.environ, _MARK: mark}
        with log.open("ab") as errors:
            self.started_at = time.time()
            self.process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=errors, env=environment)
        line = self._line()
        if not line.startswith(b"READY") and self._end() != -signal.SIGKILL:
            self.close()
            raise AssertionError(f"the engine did not start: {log.read_text()[-2000:]}")
        self.ready_at = time.time()
        self.recovered = int(line.split()[1]) if line else None

    def _end(self) -> int | None:
        """Its exit code, once its output has ended without a word."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return None

    def _line(self) -> bytes:
        out: IO[bytes] | None = self.process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], PATIENCE)
        return out.readline() if ready else b""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def worker(self) -> str:
        """The beginning of the names under which it runs steps."""
        return f"{self._name}-{self.pid}-"

    @property
    def code(self) -> int | None:
        """How it ended."""
        return self.process.returncode

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def pause(self) -> None:
        """As a hung process or a laptop that sleeps."""
        self.process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def drain(self) -> None:
        """SIGTERM; returns once it takes nothing more, while what runs goes on."""
        self.process.terminate()
        assert self._line().startswith(b"DRAINED"), self.said

    def stop(self, seconds: float = PATIENCE) -> int:
        """SIGTERM, and wait for the clean end. Returns its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def close(self) -> None:
        """However it stands: end it."""
        if self.is_alive:
            self.process.kill()
            self.process.wait(PATIENCE)
        if self.process.stdout:
            self.process.stdout.close()


def is_gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has asked how counts as ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(*pids: int) -> None:
    wait_until(lambda: all(map(is_gone, pids)), f"the end of {pids}")


def read_pid(file: Path) -> int:
    """The number in the file, once it is there."""
    return int(wait_until(lambda: file.exists() and file.read_text(), f"{file}"))


def marked(mark: str) -> list[psutil.Process]:
    """The processes that are alive and come from an engine that was started with this mark."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(_MARK) == mark:
                found.append(process)
    return found


def family(pid: int) -> list[int]:
    """Every process that the process has started, and theirs."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]
