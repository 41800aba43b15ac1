"""A network namespace without a name."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_CLONE_NEWNET = 0x40000000
_TOOLS = ("ip", "nsenter", "setpriv", "unshare", "hostname")  # of Debian's iproute2, util-linux and hostname
_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str | None:
    """Why there can be no namespaces here; None where there can."""
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        return f"{', '.join(missing)} not found"
    if os.geteuid() != 0:
        return "only root may make networks"
    try:
        Namespace().close()
    except OSError as error:
        return f"this machine makes no networks: {error}"
    return None


class Namespace:
    """A network with nothing in it but a loopback.

    Nothing of it stands anywhere on the machine: an open file of this process holds it. Once that and the processes in
    it are gone, however they ended, the kernel removes it with every link that has an end there.
    """

    def __init__(self) -> None:
        self._file = _in_a_thread(_unshared)
        self.path = Path(f"/proc/{os.getpid()}/fd/{self._file}")

    def run(self, do: Callable[[], T]) -> T:
        """Call ``do`` in it: the sockets, threads and processes that it makes belong there."""

        def within() -> T:
            _check(_libc.setns(self._file, _CLONE_NEWNET))
            return do()

        return _in_a_thread(within)

    def command(self, *words: str) -> list[str]:
        """What runs this command in it."""
        return ["nsenter", f"--net={self.path}", "--", *words]

    def ip(self, *commands: str) -> None:
        """Carry these out: the words behind `ip`, each in a string."""
        lines = "\n".join(commands)
        subprocess.run(self.command("ip", "-batch", "-"), input=lines, text=True, check=True, capture_output=True)

    def pids(self) -> list[int]:
        """The processes in it."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "ns/net").stat().st_ino == os.fstat(self._file).st_ino:
                    found.append(int(process.name))
            except OSError:  # it has just ended
                continue
        return found

    def close(self) -> None:
        """Hold it no longer."""
        os.close(self._file)


def _unshared() -> int:
    _check(_libc.unshare(_CLONE_NEWNET))
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _check(answer: int) -> None:
    if answer:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _in_a_thread(do: Callable[[], T]) -> T:
    """A namespace is left by ending the thread that went there."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(do())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]
