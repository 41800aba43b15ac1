from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import pytest

from engine.errors import StorageError
from engine.limits import SILENT_SECONDS
from engine.ports.store import Store
from engine.worker.heartbeat import Heartbeat

LEASE = 3.0


class Times:
    """A store that has a time for each beat, or None: it does not answer. ``own``: what the engine's own clock says
    when it asks and when it is answered; the same, unless told."""

    def __init__(self, times: Sequence[float | None], own: Iterable[float] = ()) -> None:
        self._times = iter(times)
        self.clock = iter(own or [time or 0.0 for time in times for _ in range(1 if time is None else 2)]).__next__

    def present(self, worker: str, lease: float, process: str | None = None) -> float:
        now = next(self._times)
        if now is None:
            raise StorageError("away")
        return now

    def renew(self, worker: str, lease: float) -> int:
        return 0


def beating_at(*times: float | None, own: Iterable[float] = ()) -> Heartbeat:
    store = Times(times, own)
    return Heartbeat(cast(Store, store), "w", LEASE, clock=store.clock)


def steady_at(*times: float | None, own: Iterable[float] = ()) -> list[float]:
    """At which of the beats it may tell others dead."""
    beating = beating_at(*times, own=own)
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
    own, again = [float(time) for time in range(14) for _ in "ab"], 6400 + LEASE + SILENT_SECONDS
    assert steady_at(10000, 10001, 10002, 10003, *range(6400, 6410), own=own) == [10003, again, again + 1]


@pytest.mark.parametrize("seconds", [1.0, 1.9, -1.0])
def test_a_clock_that_was_set_by_less_than_a_lease_is_an_outage_too(seconds: float) -> None:
    """The next beat comes within a lease of the last, all the same; and leases that live seem to have run out."""
    own = [float(time) for time in range(100, 115) for _ in "ab"]
    times = [*range(100, 104), *(time + seconds for time in range(104, 115))]
    again = 104 + seconds + LEASE + SILENT_SECONDS
    assert steady_at(*times, own=own) == [103, *(time for time in times[4:] if time >= again)]


def test_a_beat_that_is_late_or_answered_late_by_less_than_a_lease_is_none() -> None:
    own = [100, 100, 101, 101, 102, 102, 103, 103, 105.5, 105.5, 106, 108.4, 108.5, 108.5]
    assert steady_at(100, 101, 102, 103, 105.5, 106.1, 108.5, own=own) == [103, 105.5, 106.1, 108.5]


def test_who_is_sure_is_so_until_a_beat_is_missing() -> None:
    """Set ahead, the database's clock looks as if no beat had come for as long."""
    beating = beating_at(100, 101, 102, 103)
    for _ in range(4):
        beating.beat()
    assert beating.sure_until == 103 + LEASE / 2
