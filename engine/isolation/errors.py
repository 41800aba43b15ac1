"""How a call in a process of its own may end without an answer."""

from __future__ import annotations

from engine.errors import RetriggerError


class TookTooLong(RetriggerError):
    """The call passed its limit; its process was ended."""


class Crashed(RetriggerError):
    """The process ended under the call. ``how`` says what is known: "its process was ended by SIGSEGV (...)"."""

    def __init__(self, how: str, pid: int) -> None:
        self.how, self.pid = how, pid
        super().__init__(how)


class Stopped(RetriggerError):
    """The worker stops, and the call was cut short."""


class NoProcess(RetriggerError):
    """No process can be had for the call, which was not made; says why."""
