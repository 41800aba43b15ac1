"""What the systems that are compared are measured by."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

STEPS = 5  # of each request
FEW, TIMES, MOST = 64, 4, 16384  # requests of the first run, how many times as many the next has, and of the last
HANGS = 300.0  # seconds


class Run(NamedTuple):
    """``cpu``: seconds of CPU, in all processes of the system but its server."""

    requests: int
    seconds: float
    cpu: float

    @property
    def speed(self) -> float:
        """Steps a second."""
        return self.requests * STEPS / self.seconds

    @property
    def step_cpu(self) -> float:
        """Microseconds of CPU a step."""
        return self.cpu / (self.requests * STEPS) * 1e6


def cpu(pids: Sequence[int] = ()) -> float:
    """Seconds of CPU so far, of this process, of these, and of those that come from them."""
    return sum(_used(process) for pid in (os.getpid(), *pids) for process in _family(pid))


def _family(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _used(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        return float(sum(process.cpu_times()[:2]))
    return 0.0


def grown(run: Callable[[int], object], seconds: float, used: Callable[[], float] = cpu) -> Run:
    """Run ever more requests until they take that long. The first ones wait for the workers, and warm all up."""
    run(FEW)
    requests = FEW
    while True:
        begin, before = time.perf_counter(), used()
        run(requests)
        took = time.perf_counter() - begin
        if took >= seconds or requests * TIMES > MOST:
            return Run(requests, took, used() - before)
        requests *= TIMES


def ran(file: str) -> None:
    """What the step does that is killed: note when it ran and in whose process group, and hang the first time."""
    path = Path(file)
    is_first = not path.exists()
    with path.open("a") as lines:
        lines.write(f"{time.time()} {os.getpgid(0)}\n")
    if is_first:
        time.sleep(HANGS)


def percentile(times: Sequence[float], share: float) -> float:
    """The least time that this share of all does not pass."""
    return sorted(times)[math.ceil(len(times) * share) - 1]
