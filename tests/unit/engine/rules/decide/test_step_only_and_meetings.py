"""A failed step, re-triggered alone, that fails again while another path comes to where both meet: as if nobody had
touched it, whichever is first (SPEC 4)."""

from __future__ import annotations

import random
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.graph import Graph
from engine.rules.allowed import Action
from engine.rules.decide import options
from engine.states import StepStatus
from tests.support.memory import MemoryRequest, act, graph
from tests.unit.engine.rules.decide.samples import step_only
from tests.unit.engine.rules.decide.test_flow_properties import outcome

SPLIT = ("split > pay", "split > ship")
FAILURES_MEET = graph(
    *SPLIT, "pay > end", "pay -failure> tell", "ship > end", "ship -failure> tell", "tell > end",
    kinds={"split": "branch"},
)  # fmt: skip
SUCCESSES_MEET = graph(
    *SPLIT, "pay > both", "pay -failure> tell", "ship > both", "both > end", "tell > end",
    kinds={"split": "branch", "both": "merge"},
)  # fmt: skip
ENDS_MEET = graph(
    *SPLIT, "pay > end", "pay -failure> bad", "ship > bad", kinds={"split": "branch"}, ends={"bad": "failed"}
)
CANCELLED = graph(
    *SPLIT, "split > side", "pay > end", "pay -failure> bad", "ship > bad", "side > end",
    kinds={"split": "branch"}, ends={"bad": "failed"}, cancels=("bad",),
)  # fmt: skip
PASSED_BY = graph(
    *SPLIT, "pay > gift", "pay -failure> end", "ship -failure> gift", "ship > end", "gift > end",
    kinds={"split": "branch"},
)  # fmt: skip
# What each comes to: the steps of interest, and the request.
MEETINGS: dict[str, tuple[Graph, dict[str, str], str]] = {
    "their failure paths": (FAILURES_MEET, {"tell": "ready"}, "in_progress"),
    "their success paths": (SUCCESSES_MEET, {"both": "completed", "tell": "completed"}, "completed"),
    "an end": (ENDS_MEET, {"bad": "completed"}, "failed"),
    "an end that cancels": (CANCELLED, {"bad": "completed", "side": "cancelled"}, "failed"),
    "what neither has taken": (PASSED_BY, {"gift": "skipped"}, "completed"),
}


def begun(workflow: Graph) -> tuple[MemoryRequest, int]:
    """The step failed, and runs alone again; its attempt."""
    request = MemoryRequest(workflow)
    request.run("split")
    request.fail("pay")
    if "tell" in request.due:
        request.run("tell")
    step_only(request, "pay")
    return request, request.claim("pay")


@pytest.mark.parametrize("meeting", MEETINGS)
@pytest.mark.parametrize("first", ["pay", "ship"])
def test_which_of_two_paths_is_first_where_they_meet_makes_no_difference(meeting: str, first: str) -> None:
    workflow, steps, status = MEETINGS[meeting]
    request, number = begun(workflow)
    if first == "ship":
        request.run("ship")
        assert request.steps["pay"].status is StepStatus.RUNNING
        request.fail("pay", attempt=number)
    else:
        request.fail("pay", attempt=number)
        request.run("ship")
    assert (request.statuses(steps), request.status) == (steps, status)
    assert request.steps["pay"].status is StepStatus.FAILED


def test_the_meeting_waits_while_the_step_runs_and_success_is_held() -> None:
    request, number = begun(FAILURES_MEET)
    request.run("ship")
    assert (request.steps["tell"].status, request.due) == (StepStatus.PENDING, [])
    request.succeed("pay", attempt=number)
    assert (request.status, request.due) == ("blocked", [])
    assert request.plan(Action.CONTINUE).runs == ()
    request.do(lambda d: options.continue_flow(d, act()))
    assert (request.statuses(["tell"]), request.status) == ({"tell": "skipped"}, "completed")


def test_a_step_that_another_version_brought_is_not_started_by_a_step_that_fails_again_alone() -> None:
    """No other path has come to it: it is none that had waited."""
    request = MemoryRequest(graph("pay > end", "pay -failure> tell", "tell > bad", ends={"bad": "failed"}))
    request.fail("pay")
    request.run("tell")
    newer = graph("pay > end", "pay -failure> log", "log > tell", "tell > bad", ends={"bad": "failed"})
    request.do(lambda d: options.retrigger(d, act(), "pay", flow=False, onto=(2, newer)))
    request.fail("pay")
    assert (request.statuses(["log"]), request.status) == ({"log": "pending"}, "failed")


def any_meetings(seed: random.Random) -> Graph:
    """Two to four paths side by side, the first of which may fail; each step leads to any later ones."""
    side = [f"p{place}" for place in range(seed.randint(2, 4))]
    later = [f"m{place}" for place in range(seed.randint(1, 4))]
    lines, reached = [f"split > {name}" for name in side], {*side}
    for place, name in enumerate([*side, *later]):
        onward = [*later[max(0, place - len(side) + 1) :], "end", "bad"]
        ways = [f"{name} >"] + [f"{name} -failure>"] * (name == "p0" or seed.random() < 0.5)
        if name in reached:
            targets = [seed.choice(onward) for _ in ways]
            reached.update(targets)
            lines += [f"{way} {target}" for way, target in zip(ways, targets, strict=True)]
    kinds = {"split": "branch", **{name: seed.choice(("action", "merge")) for name in later}}
    for name in later:  # a merge cannot fail
        if kinds[name] == "merge":
            lines = [line for line in lines if not line.startswith(f"{name} -")]
    cancels = ("bad",) if seed.random() < 0.3 else ()
    return graph(*dict.fromkeys(lines), kinds=kinds, ends={"bad": "failed"}, cancels=cancels)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_on_random_graphs_neither_does_the_order(number: int) -> None:
    seed = random.Random(number)
    first = MemoryRequest(any_meetings(seed))
    first.run("split")
    first.fail("p0")
    for _ in range(seed.randint(0, 3)):
        if len(first.due) > 1:
            outcome(first, seed, seed.choice(first.due))
    if first.steps["p0"].status is not StepStatus.FAILED or first.status == "failed":
        return  # an end has cancelled the others
    step_only(first, "p0")
    last = deepcopy(first)
    attempt, dice = first.claim("p0"), seed.random()
    last.claim("p0")
    first.fail("p0", attempt=attempt)
    for request in (first, last):
        others, again = [node for node in request.due if node != "p0"], random.Random(dice)
        if others:
            outcome(request, again, again.choice(others))
    if last.steps["p0"].status is StepStatus.RUNNING:  # else an end has cancelled it
        last.fail("p0", attempt=attempt)
        assert (first.statuses(), first.status, first.due) == (last.statuses(), last.status, last.due)
