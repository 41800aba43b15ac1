"""The same work in DBOS: workflows of five no-op steps on SQLite, as its documentation advises for one process.

Run in a process of its own, because DBOS keeps one global instance: ``python -m benchmarks.peer_dbos REQUESTS``.
Prints the seconds from the first start to the last result, and the seconds of CPU.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from dbos import DBOS, DBOSConfig

from benchmarks.measures import STEPS, cpu


@DBOS.step()
def no_op(place: int) -> int:
    """Do nothing."""
    return place


@DBOS.workflow()
def five_steps() -> int:
    """The steps, one after another."""
    return sum(no_op(place) for place in range(STEPS))


def main(requests: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU, for ``requests`` workflows."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'dbos.sqlite'}"
        config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR"}
        config["run_admin_server"] = False
        DBOS(config=config)
        DBOS.launch()
        five_steps()  # the first one warms everything up
        begin, before = time.perf_counter(), cpu()
        handles = [DBOS.start_workflow(five_steps) for _ in range(requests)]
        for handle in handles:
            handle.get_result()
        seconds, used = time.perf_counter() - begin, cpu() - before
        DBOS.destroy()
        return seconds, used


if __name__ == "__main__":
    print(*main(int(sys.argv[1])))
