"""Several hosts with `retrigger` on them, one with PostgreSQL, and the outside world."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from engine.commands.documents import AttemptDocument, RequestDocument
from tests.support.engine import Room
from tests.support.front import Front, Process
from tests.support.hosts.network import OUTSIDE, Host, Network
from tests.support.hosts.postgres import HostPostgres
from tests.support.outside import Outside

_RUNS = {"worker": "Engine: running", "api": "API: http", "bot": "Served for Slack: http"}  # what a role says first
PORT = 8080  # of every API and of every bot that takes Slack's calls


class Site:
    """``room`` has the doors of an engine, right at the database: no cable leads there. ``settings`` are those of all
    hosts, but for the database and the connections."""

    def __init__(self, network: Network, postgres: HostPostgres, outside: Outside, folder: Path, settings: str) -> None:
        self.network, self.postgres, self.outside = network, postgres, outside
        self._folder = folder
        self._far, near = postgres.new_database()
        self.front = Front(folder, near)
        connections = {name: {"base_url": url} for name, url in outside.connections.items()}
        self.front.settings.write_text(f"database_url: {near}\nconnections: {json.dumps(connections)}\n{settings}")
        self.room = Room(near, outside.connections, told={"HR"})
        self.processes: dict[str, Process] = {}  # by host

    @classmethod
    @contextmanager
    def built(cls, folder: Path, settings: str) -> Iterator[Site]:
        """One for a test. In the end, whatever broke: no effect has happened twice, and `retrigger doctor --audit`
        finds nothing."""
        with Network.made() as network, HostPostgres.on(network.host("db")) as postgres:
            outside = network.host("world").serve(Outside)
            try:
                site = cls(network, postgres, outside, folder, settings)
                try:
                    yield site
                    site.check()
                finally:
                    site.close()
            finally:
                outside.stop()

    def host(self, name: str) -> Host:
        """It is there once somebody has asked for it."""
        return self.network.hosts.get(name) or self.network.host(name)

    def begin(
        self, role: str, name: str, environment: Mapping[str, str] = MappingProxyType({}), clock: float = 0.0
    ) -> Process:
        """`retrigger worker`, say, on this host; see ``ready``. ``clock``: by how many seconds that is wrong."""
        words = ("--config", str(self.front.settings), role)
        host = self.host(name)
        own = {"RETRIGGER_DATABASE_URL": self._far, "RETRIGGER_API_HOST": host.address(OUTSIDE)}
        everything = {**environment, **own, "RETRIGGER_API_PORT": str(PORT)}
        self.processes[name] = host.start(self._folder, everything, *words, clock=clock)
        return self.processes[name]

    def ready(self, role: str, *names: str) -> None:
        """Until these hosts' processes say that they run."""
        for name in names:
            self.processes[name].wait_for(_RUNS[role])

    def outside_of(self, name: str) -> str:
        """The address of what this host serves."""
        return f"http://{self.host(name).address(OUTSIDE)}:{PORT}"

    def call(self, name: str, method: str, path: str, key: str = "", **body: Any) -> httpx.Response:
        """A call from the outside world to what this host serves."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url, json = self.outside_of(name) + path, body or None

        def made() -> httpx.Response:
            return httpx.request(method, url, json=json, headers=headers, timeout=30.0, trust_env=False)

        return self.host("world").namespace.run(made)

    def check(self) -> None:
        """What must be so, whatever has happened."""
        self.outside.check_no_effect_twice()
        assert self.front.out("doctor", "--audit").endswith("audited, 0 differences.\n")

    def close(self) -> None:
        for process in self.processes.values():
            process.close()
        self.room.close()


def ran_on(attempt: AttemptDocument) -> str:
    """The host of the worker that made it."""
    return str(attempt.worker).split("-")[0]


def lost_on(documents: list[RequestDocument]) -> list[str]:
    """The hosts of those attempts that were given up because their worker was, one for each. Each such loss is counted
    once, as a recovery of its step, and one attempt of each step has given its result."""
    hosts: list[str] = []
    for document in documents:
        for step in document.steps:
            lost = [attempt for attempt in step.attempts if attempt.outcome == "lost"]
            told = [e.attempt for e in document.events if (e.kind, e.node) == ("worker_lost", step.node)]
            assert told == [attempt.number for attempt in lost], f"{document.id} {step.node}: {told}"
            assert step.recoveries == len(lost)
            assert sum(attempt.outcome == "succeeded" for attempt in step.attempts) == (step.kind != "end")
            hosts += map(ran_on, lost)
    return hosts
