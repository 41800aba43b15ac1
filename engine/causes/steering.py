"""How a bulk re-trigger goes on: one canary, then the rest at a rate, until the same error comes again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from engine.causes.records import Item, ItemState, Run, RunState
from engine.graph import Graph
from engine.records import Request, Step
from engine.rules.fingerprint import blocked_by
from engine.states import MOVING, StepStatus

CANARY_FAILED = "the canary did not recover"
SAME_AGAIN = "the same error came again"


class Move(StrEnum):
    """What is to be done next."""

    WAIT = "wait"
    ACT = "act"  # on the item
    GO_ON = "go_on"  # the canary recovered
    STOP = "stop"
    END = "end"


class Next(NamedTuple):
    """``item`` with ACT, ``why`` with STOP."""

    move: Move
    item: Item | None = None
    why: str = ""


def next_move(run: Run, due: bool, items: Mapping[ItemState, Sequence[Item]]) -> Next:
    """``due``: so much time has passed since the last act as the rate asks for. ``items`` by their states."""
    waiting, under_way = items[ItemState.WAITING], items[ItemState.UNDER_WAY]
    if run.state is RunState.CANARY:
        if under_way:
            return Next(Move.WAIT)
        if items[ItemState.REPEATED] or items[ItemState.OTHERWISE]:
            return Next(Move.STOP, why=CANARY_FAILED)
        if items[ItemState.RECOVERED]:
            return Next(Move.GO_ON)
        return Next(Move.ACT, waiting[0]) if waiting else Next(Move.END)
    if run.state is RunState.RUNNING:
        if items[ItemState.REPEATED]:
            return Next(Move.STOP, why=SAME_AGAIN)
        if waiting:
            return Next(Move.ACT, waiting[0]) if due else Next(Move.WAIT)
    return Next(Move.WAIT if under_way else Move.END)


def outcome(item: Item, key: str, request: Request, graph: Graph, steps: Mapping[str, Step]) -> Item:
    """The item, with what came of its act as far as that is known now. ``key`` is the cause's."""
    step = steps.get(item.node)
    if step is None:
        return item._replace(state=ItemState.OTHERWISE, note="The step is not there any more.")
    if step.status in MOVING:
        return item
    if step.status is StepStatus.COMPLETED:
        return item._replace(state=ItemState.RECOVERED)
    found = blocked_by(request, graph, steps, item.node, 0.0)
    if found is not None and found.key == key:
        return item._replace(state=ItemState.REPEATED)
    again = "Blocked again, by another error." if step.status is StepStatus.BLOCKED else f"It is {step.status.value}."
    return item._replace(state=ItemState.OTHERWISE, note=again)
