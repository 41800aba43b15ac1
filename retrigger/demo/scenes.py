"""What the demo starts with: four people to onboard, and what goes wrong for three of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrigger.demo.outside_switches import Mode, NewRule

WORKFLOW = "onboarding"
TRIES = 3
"""Calls of one step before it blocks: the workflow's two retries and the first call."""


@dataclass(frozen=True)
class Scene:
    """One request at the start: its input, the trouble it meets, and what a person is told to expect."""

    input: dict[str, Any]
    story: str
    trouble: NewRule | None = None


def _joins(name: str, office: str, *, remote: bool) -> dict[str, Any]:
    email = f"{name.lower().replace(' ', '.')}@example.com"
    return {"name": name, "email": email, "office": office, "remote": remote, "private_phone": "+351 555 0142"}


SCENES = (
    Scene(_joins("Ana Reis", "Lisbon", remote=False), "completes"),
    Scene(
        _joins("Ben Okafor", "Toronto", remote=True),
        "completes after a retry: IT is down for one call",
        NewRule(system="it", contains="ben.okafor@example.com", mode=Mode.DOWN, times=1),
    ),
    # Down for exactly the calls of the first run: whoever presses Re-trigger step and flow then sees it complete.
    Scene(
        _joins("Carla Novak", "Berlin", remote=False),
        "is Blocked: Facilities was down (503). Press Re-trigger step and flow",
        NewRule(system="facilities", contains="carla.novak@example.com", mode=Mode.DOWN, times=TRIES),
    ),
    Scene(
        _joins("Dev Patel", "Lisbon", remote=True),
        "is Blocked: Identity answers without the account's id. Find it in the ledger and press Provide input",
        NewRule(system="identity", contains="dev.patel@example.com", mode=Mode.WRONG_DATA),
    ),
)
