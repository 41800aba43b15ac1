"""What Prometheus is told: everything from the database, so that whichever process is asked says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine import events
from engine.errors import StorageError
from engine.stored import Measures
from retrigger.api.cached import Cached
from retrigger.wiring import App

FRESH = 1.0  # seconds that a reading is good for
_PATIENCE = 8.0  # seconds; Prometheus itself waits for 10
OUTCOMES = {  # of a step, as the audit has them
    events.COMPLETED: "completed",
    events.FAILED: "failed",
    events.BLOCKED: "blocked",
    events.RETRY: "retried",
    events.LOST: "lost",
    events.RETURNED: "returned",
    events.CANCELLED: "cancelled",
    events.LATE: "late",
}


class _Reading(NamedTuple):
    """One look at the database."""

    measures: Measures
    relay_lag: float
    waiting: int


class Metrics:
    """The metrics of the database that ``app`` has open, in a registry of their own."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._registry = CollectorRegistry()
        self._registry.register(_Families(partial(Cached(self._read, FRESH).get, _PATIENCE)))

    def text(self) -> bytes:
        """In Prometheus' text format. Raises StorageError."""
        try:
            return generate_latest(self._registry)
        except TimeoutError:
            raise StorageError(f"The database has not answered for {_PATIENCE:.0f} s.") from None

    def _read(self) -> _Reading:
        waiting, age = self._app.outbox.waiting()
        return _Reading(self._app.store.measures(), age or 0.0, waiting)


class _Families(Collector):
    """What the registry collects at each scrape."""

    def __init__(self, read: Callable[[], _Reading]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        reading = self._read()
        measures = reading.measures
        yield _requests(measures)
        yield _steps(measures.events)
        lost = measures.events.get(events.LOST, 0)
        yield _counter("retrigger_lease_expiries", "Steps whose worker died or let its lease run out.", lost)
        age = measures.oldest_due
        yield _gauge("retrigger_queue_age_seconds", "How long the oldest due step has waited to be run.", age)
        yield _gauge("retrigger_steps_running", "Steps that are being run.", measures.running)
        yield _gauge("retrigger_engines", "Engines that are alive.", measures.engines)
        told = "How long the oldest message for Slack has waited to be told."
        yield _gauge("retrigger_relay_lag_seconds", told, reading.relay_lag)
        yield _gauge("retrigger_relay_waiting", "Messages for Slack that wait to be told.", reading.waiting)


def _requests(measures: Measures) -> Metric:
    family = GaugeMetricFamily("retrigger_requests", "Requests by status and application.", labels=("status", "app"))
    for (app, status), number in sorted(measures.requests.items()):
        family.add_metric((status, app), number)
    return family


def _steps(kinds: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily("retrigger_steps", "What runs of steps came to.", labels=("outcome",))
    for kind, outcome in OUTCOMES.items():
        family.add_metric((outcome,), kinds.get(kind, 0))
    return family


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _counter(name: str, told: str, value: float) -> Metric:
    return CounterMetricFamily(name, told, value=value)
