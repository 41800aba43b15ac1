"""The workflow of a storm, and what people and outside systems were told to have done to one request of it.

What a request must end as follows from these words alone: tests.support.storm.verdict knows no rule of the engine.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.rules.permissions import Actor

NAME = "story"
PAUSE = 0.3  # seconds: the delay of the definition
ANNA = Actor("anna@example.com", "Anna", "cli", mail="anna@example.com", owner=True)
BOB = Actor("bob@example.com", "Bob", "cli", mail="bob@example.com", owner=True)
PEOPLE = (ANNA, BOB)


def definition(mail: str) -> str:
    """``mail``: where the mail system takes messages."""
    return Path(__file__).with_name("story.yaml").read_text().replace("MAIL", mail)


class Said(NamedTuple):
    """An act that the engine has accepted, once. ``at``: before it was asked for (time.time)."""

    what: str
    node: str | None
    by: str
    at: float
    confirmed: bool = False
    new_key: bool = False


@dataclass
class Story:
    """One request. ``permits``, ``calls``: what its approvers think of it, and whether the outside world calls."""

    number: int
    remote: bool
    permits: bool
    calls: bool
    said: list[Said] = field(default_factory=list)
    told: list[str] = field(default_factory=list)  # the serials of calls that were accepted, in order
    perhaps: set[str] = field(default_factory=set)  # those of calls of which that is not known
    given_up: bool = False  # it failed, and nobody minds
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, said: Said) -> None:
        with self.lock:
            self.said.append(said)

    def times(self, what: str, node: str | None = None) -> int:
        """How often that was done."""
        return sum(said.what == what and node in (None, said.node) for said in self.said)

    @property
    def end(self) -> str:
        """What it must end as."""
        if self.times("withdrawn"):
            return "withdrawn"
        if self.times("rejected", "permit"):
            return "rejected"
        return "failed" if self.given_up else "completed"


def plot(chance: random.Random, number: int) -> dict[str, Any]:
    """The input of a request, and with it how its story goes."""
    return {
        "email": f"person{number}@example.com",
        "remote": chance.random() < 0.5,
        "badge": chance.choice(("fine", "fine", "dies")),
        "check": chance.choice(("fine", "fine", "raises", "dies")),
        "permits": chance.random() < 0.85,
        "calls": chance.random() < 0.8,
    }


def counted(stories: Iterable[Story]) -> Counter[str]:
    """How many stories came to each end."""
    return Counter(story.end for story in stories)
