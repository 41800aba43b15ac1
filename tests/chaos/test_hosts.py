"""Three worker hosts, one of PostgreSQL, each with its own cables: they are cut off, lose power, have wrong clocks.

Calls to the outside world leave by another cable than the one to the database, so who is cut off goes on calling.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.commands.documents import AttemptDocument, RequestDocument
from tests.support import executors, storm_functions
from tests.support.engine import PUBLIC_URL
from tests.support.hosts.fleet import HostedEngine, HostFleet
from tests.support.hosts.network import DATABASE
from tests.support.hosts.site import Site, lost_on, ran_on
from tests.support.poll import wait_until
from tests.support.storm import weather
from tests.support.storm.storm import Storm

pytestmark = pytest.mark.postgres

# Most of a minute each. Where jobs bring the steps there is more to go wrong; test_two_engines.py always has both.
EXECUTORS = [pytest.param("apscheduler", marks=pytest.mark.slow), "procrastinate"]
CLOCKS = {"w1": 0.0, "w2": 3600.0, "w3": -3600.0}  # by how many seconds they are wrong
TAKEN_OVER = 6.0  # seconds, at most, until another host runs again what was lost: with the default lease
SETTINGS = """
slots: 4
stop_grace: 1s
executor: EXECUTOR
"""
SECONDS = 120.0  # of the storm
STORMY = f"""
lease: {weather.LEASE}s
slots: 8
stop_grace: 1s
executor: EXECUTOR
functions: [{storm_functions.__name__}]
api: {{public_url: {PUBLIC_URL}}}
"""
MAILING = """
workflow: mailing
app: HR
title: Mailing
nodes:
  mail: {action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}, timeout: 60s}}
  account: {action: {connection: identity, method: POST, path: /accounts, body: {email: ada@example.com}}}
"""


class Story:
    """Requests whose first call is held by the outside world, until a test lets it go."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.numbers: list[int] = []
        site.room.publish(MAILING)

    def submit(self, number: int) -> dict[str, list[int]]:
        """So many requests, whose calls are under way: by the host that makes them."""
        self.site.outside.turn("mail", "slow", 120)
        before = len(self.site.outside.calls("mail"))
        made = [self.site.room.submit("mailing") for _ in range(number)]
        self.numbers += made
        self.site.outside.wait_for_calls(before + number, "mail")
        by_host = defaultdict(list)
        for each in made:
            by_host[ran_on(self.first_step(each)[0])].append(each)
        return by_host

    def first_step(self, number: int) -> tuple[AttemptDocument, ...]:
        return self.site.room.step(number, "mail").attempts

    def taken_over(self, numbers: list[int], since: float) -> float:
        """Until other hosts run these; returns how many seconds it took from then to the last of them."""
        for number in numbers:
            self.site.room.wait(number, lambda d: len(d.steps[0].attempts) == 2 and bool(d.steps[0].attempts[1]))
        return max(self.first_step(number)[1].started_at.timestamp() for number in numbers) - since

    def complete(self) -> list[RequestDocument]:
        self.site.outside.turn("mail", "up")
        return [self.site.room.wait(number, "completed") for number in self.numbers]

    def say(self, what: str, seconds: float) -> None:
        print(f"{what}: {seconds:.1f} s")  # noqa: T201  # with -s, whoever runs it sees what it took


@pytest.fixture(params=EXECUTORS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with executors.chosen(request.param), Site.built(tmp_path, SETTINGS.replace("EXECUTOR", request.param)) as site:
        for name, clock in CLOCKS.items():
            site.begin("worker", name, clock=clock)
        site.ready("worker", *CLOCKS)
        yield site


def test_hosts_that_are_cut_off_or_lose_power(site: Site, strict_times: bool) -> None:
    story = Story(site)

    # One is cut off from the database, and goes on calling.
    running = story.submit(6)
    victim = max(running, key=lambda name: len(running[name]))
    cut_off = site.host(victim)
    cut_off.cut_off(DATABASE)
    taken_over = story.taken_over(running[victim], time.time())
    story.say("cut off, until others had taken over", taken_over)
    site.outside.turn("mail", "up")
    site.processes[victim].wait_for("cannot be reached")
    wait_until(lambda: site.postgres.clients(cut_off) == 0, "PostgreSQL to give it up")
    cut_off.reconnect()
    mended = time.time()
    for number in running[victim]:
        site.room.wait(number, lambda d: d.steps[0].attempts[0].late is not None)
    story.say("mended, until its late results were told", time.time() - mended)
    documents = story.complete()
    assert taken_over < TAKEN_OVER or not strict_times
    assert lost_on(documents) == [victim] * len(running[victim])

    # Another one loses its power.
    running = story.submit(6)
    other = max(running.keys() - {victim} or running, key=lambda name: len(running[name]))
    site.host(other).lose_power()
    taken_over = story.taken_over(running[other], time.time())
    story.say("power lost, until others had taken over", taken_over)
    documents = story.complete()
    assert taken_over < TAKEN_OVER or not strict_times
    assert lost_on(documents[6:]) == [other] * len(running[other])

    # PostgreSQL is killed, and starts again: nobody has died of that.
    running = story.submit(4)
    assert other not in running
    site.postgres.stop("kill")
    site.postgres.start()
    assert lost_on(story.complete()[12:]) == []


@pytest.mark.slow
@pytest.mark.parametrize("silently", [True, False])
def test_nobody_counts_as_dead_because_the_database_was_cut_off(site: Site, silently: bool) -> None:
    """From all of them at once, for longer than a lease."""
    story, database = Story(site), site.host("db")
    story.submit(6)
    database.cut_off(silently=silently)
    wait_until(lambda: len(site.room.store.expired()) == 6, "the end of all leases")
    for name in CLOCKS:
        site.processes[name].wait_for("cannot be reached")
    database.reconnect()
    wait_until(lambda: site.room.store.workers_alive() == len(CLOCKS), "all workers to be back")
    assert lost_on(story.complete()) == []


@pytest.mark.slow
def test_a_cable_that_loses_all_that_is_large(site: Site) -> None:
    """As a tunnel with too small a packet size: connections are made, and die of the first long answer."""
    story = Story(site)
    site.room.publish(MAILING.replace("body: {to:", f"body: {{text: {'x' * 20_000}, to:"))
    site.host("db").lose_large_packets("w1")
    site.outside.turn("mail", "slow", 120)
    story.numbers = [site.room.submit("mailing") for _ in range(12)]  # for all slots of all hosts
    site.processes["w1"].wait_for("cannot be reached")
    last = [attempts[-1] for attempts in map(story.first_step, story.numbers) if attempts]
    assert set(map(ran_on, last)) == {"w2", "w3"}
    story.complete()
    site.host("db").lose_large_packets("w1", lose=False)
    wait_until(lambda: site.room.store.workers_alive() == len(CLOCKS), "all workers to be back")
    story.submit(12)
    story.complete()


@pytest.fixture(params=EXECUTORS)
def stormy_site(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With a ledger that is long enough for a storm."""
    monkeypatch.setattr("retrigger.demo.outside_systems.LEDGER_LENGTH", 1_000_000)
    with executors.chosen(request.param), Site.built(tmp_path, STORMY.replace("EXECUTOR", request.param)) as site:
        yield site


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_storm_over_many_hosts(stormy_site: Site) -> None:
    """All that happens in the other storms (test_random_kills), and to cables and power, too."""
    site = stormy_site

    def start() -> HostedEngine:
        free = next(name for name in CLOCKS if name not in site.processes or not site.processes[name].is_alive)
        return HostedEngine(site, free, CLOCKS[free])

    storm = Storm(site.room, site.outside, start, len(CLOCKS), site.postgres, HostFleet)
    storm.blow(SECONDS, outages=5)
    storm.calm()
    storm.judge()
    print(storm.report)  # noqa: T201  # with -s, whoever lets it blow sees what it was
