"""How the demo's outside systems can be made to misbehave."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Mode(StrEnum):
    """How a system behaves at present."""

    UP = "up"
    DOWN = "down"
    """503, and nothing is done."""
    SLOW = "slow"
    """Waits, then does the work and answers."""
    WRONG_DATA = "wrong_data"
    """Does the work, and answers 200 with a body that lacks what the caller expects."""
    NO_ANSWER = "no_answer"
    """Does the work at once, and holds the answer back until the caller has given up."""


class Switch(BaseModel):
    """A system's behaviour; with ``times``, for so many calls only, and then it is up again (a flaky system)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Mode.UP
    seconds: float = Field(default=15.0, ge=0, le=600, description="How long slow and no_answer wait")
    times: int | None = Field(
        default=None, ge=1, le=1000, description="For the next so many calls; null: until changed"
    )


class NewRule(Switch):
    """A behaviour for those calls to ``system`` only whose body contains a text; it goes before the switch."""

    system: str
    contains: str = Field(min_length=1, max_length=200)


class Rule(NewRule):
    """A rule as it stands; it goes away by itself when its ``times`` are used up."""

    id: int


SwitchT = TypeVar("SwitchT", bound=Switch)


def spent(switch: SwitchT) -> list[SwitchT]:
    """What is left of a switch after one more call: itself, itself with one time less, or nothing."""
    if switch.times is None:
        return [switch]
    return [switch.model_copy(update={"times": switch.times - 1})] if switch.times > 1 else []
