"""Runs a program that must not outlive its starter: `python leash.py FOLDER PROGRAM ARGUMENT...`

Standard input is the leash: when it ends, because the starter closed it or was killed in whatever way, the program's
process group is ended and FOLDER removed. Only the standard library, so that it starts at once with `-I -S`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading

PATIENCE = 2.0
PR_SET_PDEATHSIG = 1


def main(folder: str, command: list[str]) -> int:
    """Run ``command`` until it ends or standard input does; its exit code."""
    try:
        # preexec_fn is safe here, unlike in a process with threads; and this thread, whose death counts, stays.
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with_parent)
        threading.Thread(target=_end_at_eof, args=(child,), daemon=True).start()
        return child.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _end_at_eof(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):  # not sys.stdin: a thread inside its lock disturbs the end of the interpreter
        pass
    _signal(child, signal.SIGTERM)
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _die_with_parent() -> None:
    """On Linux, end the program even when this process itself is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
