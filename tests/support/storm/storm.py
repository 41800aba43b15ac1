"""A storm: people, outside systems and machinery all at once; then it calms down, and everything must be in order."""

from __future__ import annotations

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from tests.support.engine import Room
from tests.support.outside import Outside
from tests.support.storm.deadly import Deadly
from tests.support.storm.people import People, insist
from tests.support.storm.story import Story, counted, definition
from tests.support.storm.verdict import Verdict, sorted_out
from tests.support.storm.weather import LEASE, Fleet, Start, break_something, mend_everything

_CROWDS = 2
_CALM = 150.0  # seconds until the next request has come to its end, on a machine that is busy with other things
_OUTAGES = (("immediate", 0.0), ("fast", LEASE + 1.0), ("immediate", LEASE + 1.0), ("fast", 0.0))  # mode, seconds


class Restartable(Protocol):
    """A database server, as a storm needs it."""

    def stop(self, mode: str) -> None: ...
    def start(self) -> None: ...


class Storm:
    """On the database of ``room``. ``engines``: how many at once. ``postgres``: a server to be restarted, too;
    ``fleet``: what can happen to the engines."""

    def __init__(
        self,
        room: Room,
        outside: Outside,
        start: Start,
        engines: int,
        postgres: Restartable | None = None,
        fleet: type[Fleet] = Fleet,
    ) -> None:
        seed = random.randrange(2**32)
        print(f"the storm's seed is {seed}")  # noqa: T201  # shown when it fails
        self._chance = random.Random(seed)
        self._room, self._outside, self._postgres = room, outside, postgres
        room.publish(definition(f"{outside.connections['mail']}/send"))
        self._outages = itertools.cycle(_OUTAGES)
        self._left = 0  # of the outages that are still to come
        self.stories: list[Story] = []
        self.fleet = fleet(start, engines, self._another_chance())
        self._deadly: Deadly | None = None

    def submit_deadly(self, unless: Path) -> None:
        """A request whose one step kills its worker every time. ``unless``: a file that there is not."""
        self._deadly = Deadly(self._room, unless)

    def blow(self, seconds: float, outages: int = 2) -> None:
        """Submit, act, break things and kill for ``seconds``, with so many restarts of the database in them. On a slow
        machine it goes on until an engine was killed, and all the restarts were made."""
        end = time.monotonic() + seconds
        self._left = outages
        over = threading.Event()
        every = seconds / (outages + 1)
        jobs = [self._submit_and_break, *[self._meddle] * _CROWDS, lambda over: self._wreck(over, every)]
        with ThreadPoolExecutor(len(jobs)) as pool:
            running = [pool.submit(job, over) for job in jobs]
            while (time.monotonic() < end or self._left or not self.fleet.gone) and not any(
                it.done() for it in running
            ):
                over.wait(0.1)
            over.set()
            for job in running:
                job.result()

    def calm(self) -> None:
        """Every system is up, and people look after every request until nothing is left to do."""
        mend_everything(self._outside)
        people, left = self._people(), list(self.stories)
        end = time.monotonic() + _CALM
        while left or (self._deadly is not None and not self._deadly.is_over):
            self.fleet.look_after()
            going_on = [story for story in left if not people.settle(story)]
            if len(going_on) < len(left):
                end = time.monotonic() + _CALM
            left = going_on
            assert time.monotonic() < end, f"no end comes to {[people.read(story) for story in left[:3]]}"
            time.sleep(0.05)

    def judge(self) -> None:
        """The machinery is gone, and everything is as each story allows."""
        self.fleet.end()
        people, calls = self._people(), sorted_out(self._outside.calls())
        for story in self.stories:
            Verdict(people.read(story), story, calls.pop(story.number, []), self.fleet.gone).check()
        assert not calls, f"calls of requests that nobody made: {calls}"
        if self._deadly is not None:
            self._deadly.check()

    @property
    def report(self) -> str:
        """What has happened, in a line."""
        ends = ", ".join(f"{times} {end}" for end, times in sorted(counted(self.stories).items()))
        wrecks = ", ".join(f"{times} {what}" for what, times in sorted(self.fleet.happened.items()))
        return f"{len(self.stories)} requests: {ends}; {len(self._outside.calls())} calls; {wrecks}"

    def _people(self) -> People:
        return People(self._room.engine, self._another_chance())

    def _another_chance(self) -> random.Random:
        """For a thread of its own."""
        return random.Random(self._chance.random())

    def _submit_and_break(self, over: threading.Event) -> None:
        people, chance = self._people(), self._another_chance()
        while not over.wait(chance.uniform(0, 0.3)):
            self.stories.append(people.submit(len(self.stories)))
            if chance.random() < 0.4:
                break_something(self._outside, chance)
            if chance.random() < 0.05:
                insist(self._room.check_audit)  # of what is just moving

    def _meddle(self, over: threading.Event) -> None:
        people, chance = self._people(), self._another_chance()
        while not over.wait(chance.uniform(0, 0.1)):
            if self.stories:
                people.meddle(chance.choice(self.stories))

    def _wreck(self, over: threading.Event, every: float) -> None:
        chance, outage = self._another_chance(), time.monotonic() + every
        while not over.wait(chance.uniform(0.05, 1.0)):
            self.fleet.look_after()
            if self._postgres is not None and self._left and time.monotonic() > outage:
                self._pull_the_plug(self._postgres, chance)
                self._left -= 1
                outage += every
            else:
                self.fleet.suffer(over)

    def _pull_the_plug(self, postgres: Restartable, chance: random.Random) -> None:
        """The database goes away, and comes back; one engine may die meanwhile."""
        mode, seconds = next(self._outages)
        self.fleet.happened[f"database {mode}"] += 1
        postgres.stop(mode)
        if chance.random() < 0.3:
            self.fleet.end_one()
        time.sleep(seconds)
        postgres.start()
        self.fleet.look_after()
