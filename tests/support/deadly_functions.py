"""Functions for workers that are to be killed: they leave traces in files, sleep, or take the whole process along."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from engine.functions import function


@function("deadly.kill_worker")
def kill_worker(unless: str) -> str:
    """Kill this process the hard way, unless a file of that name exists."""
    if not Path(unless).exists():
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    return "alive"


@function("deadly.wait_in")
def wait_in(folder: str) -> int:
    """Write this process's number into the folder's file ``started``; return it once there is a file ``go``, or
    ``go-`` with this number, in the folder."""
    with (Path(folder) / "started").open("a") as started:
        started.write(f"{os.getpid()}\n")
    while not any((Path(folder) / name).exists() for name in ("go", f"go-{os.getpid()}")):
        time.sleep(0.01)
    return os.getpid()
