from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import pytest

from engine.errors import StorageError
from engine.limits import SILENT_SECONDS
from engine.ports.store import Store
from engine.worker.heartbeat import Heartbeat

LEASE = 3.0


class Times:
    """A store that has a time for each beat, or None: it does not answer."""

    def __init__(self, times: Iterable[float | None]) -> None:
        self._times = iter(times)

    def present(self, worker: str, lease: float, process: str | None = None) -> float:
        now = next(self._times)
        if now is None:
            raise StorageError("away")
        return now

    def renew(self, worker: str, lease: float) -> int:
        return 0


def steady_at(*times: float | None) -> list[float]:
    """At which of the beats it may tell others dead."""
    beating = Heartbeat(cast(Store, Times(times)), "w", LEASE)
    found = []
    for time in times:
        if time is None:
            with pytest.raises(StorageError):
                beating.beat()
        else:
            beating.beat()
        if beating.sure_until is not None:
            assert time is not None
            found.append(time)
    return found


def test_who_has_just_started_tells_nobody_dead_for_a_lease() -> None:
    assert steady_at(100, 101, 102, 103, 104) == [103, 104]


def test_who_was_away_gives_the_others_the_time_to_come_back_as_well() -> None:
    """They may hang on a connection that the same outage has made silent, and have noticed nothing yet."""
    again = 110 + LEASE + SILENT_SECONDS
    assert steady_at(100, 101, 102, 103, None, *range(110, 120)) == [103, again, again + 1]


def test_a_gap_longer_than_a_lease_is_an_outage_too() -> None:
    again = 110 + LEASE + SILENT_SECONDS
    assert steady_at(100, 101, 102, 103, *range(110, 120)) == [103, again, again + 1]


def test_who_starts_while_the_database_is_away_has_seen_no_outage() -> None:
    assert steady_at(None, None, 100, 101, 102, 103) == [103]


def test_a_clock_that_was_set_back_by_an_hour_is_waited_for_no_longer_than_an_outage() -> None:
    again = 6400 + LEASE + SILENT_SECONDS
    assert steady_at(10000, 10001, 10002, 10003, *range(6400, 6410)) == [10003, again, again + 1]


def test_who_is_sure_is_so_until_a_beat_is_missing() -> None:
    """Set ahead, the database's clock looks as if no beat had come for as long."""
    beating = Heartbeat(cast(Store, Times([100, 101, 102, 103])), "w", LEASE)
    for _ in range(4):
        beating.beat()
    assert beating.sure_until == 103 + LEASE / 2
