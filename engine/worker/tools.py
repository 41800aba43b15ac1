"""What the execution of a step works with: the same for all steps of one worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from engine.callbacks import Callbacks
from engine.catalog import Catalog
from engine.errors import StorageError
from engine.isolation.pool import Processes
from engine.nodes.connections import Connection
from engine.ports.store import Store
from engine.values.masking import Masker
from engine.worker.deadlines import Deadlines
from engine.worker.outage import Outage

T = TypeVar("T")

AGAIN = 1.0  # seconds until a read or write that the database refused is tried again


@dataclass(frozen=True)
class Tools:
    """``connections`` by name. ``masker`` hides the secrets in whatever is kept; ``processes`` run functions."""

    store: Store
    catalog: Catalog
    connections: Mapping[str, Connection]
    callbacks: Callbacks
    masker: Masker
    processes: Processes = field(default_factory=Processes)
    deadlines: Deadlines = field(default_factory=lambda: Deadlines(time.monotonic))
    outage: Outage = field(default_factory=lambda: Outage(time.monotonic))

    def patiently(self, ask: Callable[[], T]) -> T:
        """Ask the database for what a step needs, as long as it takes: one that is away is no failure of the step."""
        name = f"thread {threading.get_ident()}"
        while True:
            try:
                found = ask()
            except StorageError as error:
                self.outage.met(name, error)
                time.sleep(AGAIN)
            else:
                self.outage.over(name)
                return found
