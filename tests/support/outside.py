"""The demo's outside systems over real HTTP, and what their ledger proves: no effect happened twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from retrigger.demo.outside import serve
from retrigger.demo.outside_catalog import CATALOG
from retrigger.demo.outside_switches import Mode, Switch
from retrigger.demo.outside_systems import OutsideSystems
from retrigger.demo.ports import LOOPBACK
from tests.support.poll import wait_until


class Outside:
    """Runs until ``stop``, in threads of this process; other processes call it as well."""

    def __init__(self, port: int = 0, host: str = LOOPBACK) -> None:
        self.state = OutsideSystems(time.time)
        self._served = serve(self.state, host, port)
        self.url = self._served.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def connections(self) -> Mapping[str, str]:
        """The base URL of each system."""
        return {name: f"{self.url}/{name}" for name in CATALOG}

    def turn(self, system: str, mode: str, seconds: float = 120.0, times: int | None = None) -> None:
        self.state.set_switch(system, Switch(mode=Mode(mode), seconds=seconds, times=times))

    def calls(self, system: str | None = None) -> list[dict[str, Any]]:
        """The ledger, oldest call first."""
        entries = reversed(self.state.snapshot()["entries"])
        return [entry for entry in entries if system in (None, entry["system"])]

    def keys(self, system: str | None = None) -> list[str]:
        """The key of each call, oldest first."""
        return [call["key"] for call in self.calls(system)]

    @property
    def effects(self) -> int:
        return int(self.state.snapshot()["counts"]["effects"])

    def wait_for_calls(self, number: int, system: str | None = None) -> None:
        """Until so many calls have come in (they may still be waiting for their answer)."""
        wait_until(lambda: len(self.calls(system)) >= number, f"{number} calls of {system or 'any system'}")

    def check_no_effect_twice(self) -> None:
        """Every call carried a key, and no key had two effects. The ledger must not have overflown."""
        snapshot = self.state.snapshot()
        entries = snapshot["entries"]
        assert len(entries) == snapshot["counts"]["calls"], "the ledger forgot calls: this test makes too many"
        assert all(entry["key"] for entry in entries if entry["method"] == "POST")
        done = Counter(entry["key"] for entry in entries if entry["effect"] is not None)
        assert not [key for key, times in done.items() if times > 1]
        assert done.total() == snapshot["counts"]["effects"]

    def stop(self) -> None:
        self._served.stop()


@contextmanager
def outside_systems() -> Iterator[Outside]:
    """All of them up. However a test breaks them: in the end nothing was done twice."""
    outside = Outside()
    try:
        yield outside
    finally:
        outside.stop()
    outside.check_no_effect_twice()
