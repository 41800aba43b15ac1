"""Retrigger's worker, and the settings that it and its client share.

It imports nothing of Retrigger: the command does that, and its start is measured.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
from pathlib import Path

from benchmarks.measures import STEPS
from benchmarks.systems import MACHINE

_SETTINGS = """
database_url: "{url}"
workflows: [workflows/]
functions: [benchmarks.functions]
executor: {executor}
api: {{port: 0}}
"""
_UNSHARE, _NEW_NAME, _NEW_USER = ctypes.CDLL(None).unshare, 0x04000000, 0x10000000  # of Linux
_HANGS = """
workflow: hangs
app: Bench
nodes:
  hang: {function: {name: bench.ran, args: {file: "{{ request.input.file }}"}, timeout: 10m, isolation: thread}}
"""


def definition(isolation: str) -> str:
    """A line of no-op functions."""
    nodes = [
        f"  step_{place}: {{function: {{name: bench.no_op, args: {{place: {place}}}, isolation: {isolation}}}}}"
        for place in range(STEPS)
    ]
    return "\n".join([f"workflow: {isolation}", "app: Bench", "nodes:", *nodes])


def write_settings(folder: Path, url: str, executor: str, more: str = "", **workflows: str) -> Path:
    """A settings file with these workflows beside it."""
    (folder / "workflows").mkdir()
    for name, text in workflows.items():
        (folder / "workflows" / f"{name}.yaml").write_text(text)
    file = folder / "retrigger.yaml"
    file.write_text(_SETTINGS.format(url=url, executor=executor) + more)
    return file


def own_settings(folder: Path, url: str, variant: str) -> Path:
    """Those of a variant, with the workflows that are measured."""
    executor = "procrastinate" if variant.endswith("procrastinate") else "apscheduler"
    more = "slots: 64\n" if variant.endswith("64 slots") else ""
    texts = {isolation: definition(isolation) for isolation in ("thread", "process")}
    return write_settings(folder, url, executor, more, hangs=_HANGS, **texts)


def work(url: str, variant: str) -> None:
    """The real command takes the place of this process, on a machine that has the name of the one it stands for: an
    engine sees at once that another one on its own machine is dead."""
    if _UNSHARE(_NEW_NAME) and _UNSHARE(_NEW_USER | _NEW_NAME):
        raise OSError("This system gives a process no machine's name of its own.")
    socket.sethostname(os.environ[MACHINE])
    file = own_settings(Path(tempfile.mkdtemp(prefix="bench-")), url, variant)
    os.execv(sys.executable, [sys.executable, "-m", "retrigger", "--config", str(file), "worker"])
