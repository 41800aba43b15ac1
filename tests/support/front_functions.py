"""Functions whose fate is a file that the test writes, so that it also reaches another process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.functions import function
from tests.support.poll import wait_until


@function("front.work")
def work(folder: str) -> dict[str, Any]:
    """Fails with the text of the file ``broken``, while there is one."""
    broken = Path(folder, "broken")
    if broken.exists():
        raise RuntimeError(broken.read_text())
    return {"done": True}


@function("front.wait")
def wait(folder: str) -> str:
    """Ends when the file ``go`` is there."""
    Path(folder, "waiting").touch()
    wait_until(Path(folder, "go").exists, "the test to let the step go", 300.0)
    return "gone"


@function("front.processors")
def processors() -> list[int]:
    """Those that this process, or thread, may use."""
    return sorted(os.sched_getaffinity(0))
