"""What the worker needs of whatever runs its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from engine.ports.store import Claimer
from engine.records import Claim
from engine.rules.decide.finish import Finished


class Executor(Protocol):
    """Runs at most so many claimed steps at once as it has slots, and the engine's own regular jobs."""

    def start(self) -> None:
        """Begin to run what is handed over."""
        ...

    def claimer(self, worker: str, lease: float) -> Claimer:
        """Who takes due steps for this executor, in the name of ``worker``, with leases of ``lease`` seconds."""
        ...

    def settled(self, claim: Claim) -> None:
        """The outcome of this claim is stored, or will never be. Called before the claims of that commit are given."""
        ...

    def drain(self) -> None:
        """No more claims are made; what runs may end."""
        ...

    def shutdown(self, patience: float = 5.0) -> bool:
        """End the regular jobs; one that is under way has ``patience`` seconds, as the database is closed next. Steps
        that are running are not waited for. False when a regular job hangs."""
        ...

    def busy(self) -> int:
        """How many claims are queued or running."""
        ...

    def hanging(self) -> int:
        """How many threads are still at a step that was given up."""
        ...

    def give_up(self, claim: Claim) -> bool:
        """Count on this claim's thread no more: its slot is free. False when the thread is done with it."""
        ...

    def every(self, seconds: float, job: Callable[[], None], name: str) -> None:
        """Call ``job`` regularly."""
        ...

    def at(self, delay: float, job: Callable[[], None]) -> None:
        """Call ``job`` once after ``delay`` seconds; one such timer exists, a new one replaces it."""
        ...


Execute = Callable[[Claim], Finished | None]  # runs a step; None: its attempt is not the current one any more
Finish = Callable[[Claim, Finished], None]  # has the outcome written
NewExecutor = Callable[[Execute, Finish, int], Executor]  # given the number of slots
