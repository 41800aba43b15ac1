"""Workflows for engines that are to be killed: a step that waits until a test lets it go, and one that kills."""

from __future__ import annotations

from pathlib import Path

from tests.support.poll import PATIENCE, wait_until

WAITING = """
workflow: waiting
app: HR
title: Waiting
nodes:
  wait: {function: {name: deadly.wait_in, args: {folder: "{{ request.input.folder }}"}, timeout: 5m, isolation: thread}}
"""
DEADLY = """
workflow: deadly
app: HR
title: Deadly
nodes:
  kill: {function: {name: deadly.kill_worker, args: {unless: "{{ request.input.unless }}"}, isolation: thread}}
"""


class Folder:
    """What ``deadly.wait_in`` looks at and leaves behind."""

    def __init__(self, path: Path) -> None:
        path.mkdir()
        self._path = path
        self.input = {"folder": str(path)}

    def started(self) -> list[int]:
        """The processes in which the step was started, in order."""
        trace = self._path / "started"
        return [int(pid) for pid in trace.read_text().split()] if trace.exists() else []

    def wait_for_starts(self, number: int, seconds: float = PATIENCE) -> None:
        wait_until(lambda: len(self.started()) >= number, f"start {number} of the waiting step", seconds)

    def let_go(self, pid: int | None = None) -> None:
        """Of the process ``pid`` alone, or of all."""
        (self._path / ("go" if pid is None else f"go-{pid}")).touch()
