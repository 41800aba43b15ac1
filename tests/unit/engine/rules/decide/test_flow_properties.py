"""The flow on random graphs, with random outcomes and random acts: what must hold whatever happens (SPEC 3, 4)."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from engine.graph import FAILURE, SUCCESS, Edge, Graph, GraphNode
from engine.rules.allowed import Action, request_actions, step_actions
from engine.rules.decide import options
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover, unstick
from engine.rules.outcomes import Failure
from engine.rules.status import recalculate
from engine.states import CallEffect, RequestStatus, StepStatus
from tests.support.histories import live
from tests.support.memory import MemoryRequest, act


def random_graph(seed: random.Random, size: int) -> Graph:
    """Actions, decisions, branches and merges over ``size`` nodes, every one reachable, each leading to an end."""
    names = [f"n{i}" for i in range(size)]
    nodes: dict[str, GraphNode] = {}
    edges: list[Edge] = []
    for place, name in enumerate(names):
        later = [*names[place + 1 :], "end"]
        kind = seed.choice(["action", "function", "decision", "branch"]) if place < size - 1 else "action"
        nodes[name] = GraphNode(name, kind)
        follow = later[0]
        if kind in ("decision", "branch"):
            targets = dict.fromkeys([follow, *seed.sample(later, k=min(len(later), 2))])
            edges += [Edge(name, target if kind == "decision" else SUCCESS, target) for target in targets]
        else:
            edges.append(Edge(name, SUCCESS, follow))
            if seed.random() < 0.3:
                edges.append(Edge(name, FAILURE, seed.choice(later)))
    nodes["end"] = GraphNode("end", "end", RequestStatus.COMPLETED)
    return Graph(nodes, tuple(edges), "n0")


def outcome(request: MemoryRequest, seed: random.Random, node: str) -> None:
    """One random thing that can happen to a due step."""
    kind = request.graph.nodes[node].kind
    what = seed.random()
    if kind == "decision":
        request.succeed(node, seed.choice(sorted(request.graph.outlets[node])))
    elif what < 0.7:
        request.succeed(node)
    elif what < 0.8:
        request.fail(node, retry_in=1.0)
    elif what < 0.9:
        number = request.claim(node)
        if seed.random() < 0.5:
            request.do(lambda d: recover(d, node, number, 0.5))
        else:
            request.do(lambda d: give_back(d, node, number))
    else:
        request.fail(node)


def person(request: MemoryRequest, seed: random.Random) -> None:
    """One random act of those that the doors offer now."""
    who = act(confirmed=True, reason="because")
    offers = [(a, n) for n, s in request.steps.items() for a in step_actions(request.request, s, request.graph)]
    general = request_actions(request.request, request.steps)
    offers += [(a, "") for a in general if a is Action.CONTINUE]
    action, node = seed.choice(offers)
    if action is Action.INPUT:
        request.do(lambda d: options.provide_input(d, who, node, "{}"))
    elif action is Action.CONTINUE:
        request.do(lambda d: options.continue_flow(d, who))
    else:
        ticked = action is Action.RETRIGGER and seed.random() < 0.5
        request.do(lambda d: options.retrigger(d, who, node, flow=action is Action.FLOW, update_status=ticked))


def check(request: MemoryRequest) -> None:
    """Whatever happened, the request can go on, waits for a person who can do something, or is final."""
    status = request.request.status
    moving = [s for s in request.steps.values() if s.status.value in ("ready", "running", "waiting")]
    if status is RequestStatus.IN_PROGRESS:
        assert moving, request.statuses()
    elif status is RequestStatus.BLOCKED and not moving:
        offers = [a for s in request.steps.values() for a in step_actions(request.request, s, request.graph)]
        offers += [a for a in request_actions(request.request, request.steps) if a is Action.CONTINUE]
        assert offers, request.statuses()
    elif status is RequestStatus.COMPLETED:
        assert not moving
        assert not any(s.status is StepStatus.BLOCKED and not s.stale for s in request.steps.values())
    numbers = [(a.node, a.number) for a in request.attempts]
    assert len(numbers) == len(set(numbers))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9))
@example(406, 3)  # a ticked step-only success that leads to an end and to something else
def test_a_request_never_hangs_and_every_offer_is_honoured(number: int, size: int) -> None:
    seed = random.Random(number)
    request = MemoryRequest(random_graph(seed, size))
    for _ in range(60):
        check(request)
        if request.due and seed.random() < 0.9:
            outcome(request, seed, seed.choice(request.due))
        elif request.request.status is RequestStatus.COMPLETED:
            break
        elif not request.due or seed.random() < 0.5:
            try:
                person(request, seed)
            except IndexError:  # nothing is offered while everything moves by itself
                assert request.due
    check(request)


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_a_request_of_every_kind_of_node_never_hangs(number: int, size: int) -> None:
    check(live(random.Random(number), size))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_everything_succeeding_completes_each_taken_step_once(number: int, size: int) -> None:
    seed = random.Random(number)
    request = MemoryRequest(random_graph(seed, size))
    while request.due:
        node = seed.choice(request.due)
        request.succeed(node, seed.choice(sorted(request.graph.outlets[node] - {FAILURE})))
    assert request.status == "completed"
    assert recalculate(request.graph, request.steps).status is RequestStatus.COMPLETED
    assert all(step.attempt <= 1 for step in request.steps.values())
    assert {s.status for s in request.steps.values()} <= {StepStatus.COMPLETED, StepStatus.SKIPPED}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 9), st.data())
def test_a_lost_wake_up_is_found_named_and_mended(number: int, size: int, data: st.DataObject) -> None:
    seed = random.Random(number)
    request = MemoryRequest(random_graph(seed, size))
    for _ in range(data.draw(st.integers(0, size - 1))):
        if request.due:
            node = request.due[0]
            request.succeed(node, sorted(request.graph.outlets[node] - {FAILURE})[0])
    if not request.due:
        return
    for node in request.due:  # the wake-up of these is lost
        request.steps[node] = request.steps[node]._replace(status=StepStatus.PENDING, due_at=None)
    if request.steps[request.graph.start].status is StepStatus.PENDING:
        return  # a request is stored together with its ready start, so this cannot be lost
    assert request.do(unstick)
    assert request.status == "blocked"
    assert "was never started" in (request.request.reason or "")
    request.do(lambda d: options.continue_flow(d, act()))
    assert request.due
    assert request.status == "in_progress"


def test_a_worker_that_dies_six_times_blocks_the_step_and_says_so() -> None:
    request = MemoryRequest(random_graph(random.Random(1), 1))
    delays = []
    for death in range(6):
        number = request.claim("n0")
        dies = partial(recover, node="n0", attempt=number, jitter=0.0)
        assert request.do(dies)
        assert not request.do(dies)  # counted once
        if death < 5:
            delays.append((request.steps["n0"].due_at or 0) - request.now + 1)
    assert delays == [0.0, 1.0, 2.0, 4.0, 8.0]
    assert request.status == "blocked"
    assert "at each of the 5 automatic recoveries" in (request.steps["n0"].error or "")
    assert request.steps["n0"].recoveries == 5


def test_a_clean_stop_counts_nothing() -> None:
    request = MemoryRequest(random_graph(random.Random(1), 1))
    number = request.claim("n0")
    request.do(lambda d: give_back(d, "n0", number))
    assert (request.steps["n0"].recoveries, request.due) == (0, ["n0"])


def test_an_unmendable_failure_blocks_although_there_is_a_failure_path() -> None:
    nodes = {"a": GraphNode("a", "action"), "end": GraphNode("end", "end", RequestStatus.COMPLETED)}
    request = MemoryRequest(Graph(nodes, (Edge("a", SUCCESS, "end"), Edge("a", FAILURE, "end")), "a"))
    number = request.claim("a")
    failure = Failure("request.input.x is not defined", CallEffect.NOT_SENT, must_block=True)
    request.do(lambda d: finish(d, Finished("a", number, failure)))
    assert request.status == "blocked"


def test_a_step_that_is_done_refuses_input() -> None:
    request = MemoryRequest(random_graph(random.Random(1), 1))
    request.succeed("n0")
    with pytest.raises(Refused, match="final"):
        request.do(lambda d: options.provide_input(d, act(), "n0", "{}"))
