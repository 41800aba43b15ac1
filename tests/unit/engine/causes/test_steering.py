"""What a bulk re-trigger does next, as a table."""

from __future__ import annotations

import pytest

from engine.causes.records import Item, ItemState, Run, RunState, tally
from engine.causes.steering import CANARY_FAILED, SAME_AGAIN, Move, next_move

W, U, R, X, E, S, L = (
    ItemState.WAITING,
    ItemState.UNDER_WAY,
    ItemState.RECOVERED,
    ItemState.REPEATED,
    ItemState.OTHERWISE,
    ItemState.SKIPPED,
    ItemState.LEFT,
)
CANARY, RUNNING, STOPPING = RunState.CANARY, RunState.RUNNING, RunState.STOPPING

TABLE = [
    (CANARY, True, [W, W], Move.ACT),
    (CANARY, False, [W, W], Move.ACT),  # the first of all waits for no rate
    (CANARY, True, [U, W], Move.WAIT),
    (CANARY, True, [R, W], Move.GO_ON),
    (CANARY, True, [S, W], Move.ACT),  # the next one goes first
    (CANARY, True, [S, S], Move.END),
    (CANARY, True, [X, W], Move.STOP),
    (CANARY, True, [E, W], Move.STOP),
    (RUNNING, True, [R, W], Move.ACT),
    (RUNNING, False, [R, W], Move.WAIT),
    (RUNNING, True, [R, U, W], Move.ACT),
    (RUNNING, True, [R, X, W], Move.STOP),
    (RUNNING, True, [R, E, W], Move.ACT),  # another error is another trouble
    (RUNNING, True, [R, U], Move.WAIT),
    (RUNNING, True, [R, S, E], Move.END),
    (STOPPING, True, [R, U, L], Move.WAIT),
    (STOPPING, True, [R, X, L], Move.END),
]


@pytest.mark.parametrize(("state", "due", "states", "move"), TABLE)
def test_the_next_move(state: RunState, due: bool, states: list[ItemState], move: Move):
    items = [Item(1, number, "pay", 3, "HR", found) for number, found in enumerate(states, 1)]
    following = next_move(run(state), due, tally(items))
    assert following.move is move
    if move is Move.ACT:
        assert following.item == next(item for item in items if item.state is W)


def test_why_it_stops():
    repeated = tally([Item(1, 1, "pay", 3, "HR", X)])
    assert next_move(run(CANARY), True, repeated).why == CANARY_FAILED
    assert next_move(run(RUNNING), True, repeated).why == SAME_AGAIN


def run(state: RunState) -> Run:
    return Run(1, 1, state, "{}", True, 30, None, None, 0.0, 0.0, None, None)
