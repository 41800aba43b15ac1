"""Who a process is, so that others on the same machine can ask the kernel whether it has ended (decision 41)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = "/proc/self/ns/pid"  # a container has its own numbers of processes
_START = 19  # the place of the start's time behind a process's name, in clock ticks since the boot


def this_process() -> str | None:
    """Machine, boot, namespace, number and start; None where the system does not tell them (it is not Linux)."""
    pid = os.getpid()
    try:
        return f"{_place()} {pid} {_start(pid)}"
    except OSError:
        return None


def is_gone(process: str) -> bool:
    """Whether it has surely ended. One that is stopped, sleeps or has lost its network has not; of another machine's
    or another container's nothing is known, nor of one that another version has named in another way."""
    try:
        place, pid, start = process.rsplit(" ", 2)
        if place != _place():
            return False
        os.kill(int(pid), 0)  # /proc may hide the processes of others
        return _start(int(pid)) != start  # its number is another's now
    except ProcessLookupError:
        return True
    except (OSError, ValueError):
        return False


def _place() -> str:
    """The same for two processes only if their numbers are of one kernel's one list. A namespace's number is given away
    again once every process in it has ended, which is what it is asked for."""
    return f"{socket.gethostname()} {_BOOT.read_text().strip()} {os.readlink(_NAMESPACE)}"


def _start(pid: int) -> str:
    behind_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    return behind_name.split()[_START]
