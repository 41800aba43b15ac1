"""Random lives of a request, with everything that can happen to one: what an audit must find nothing wrong with."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

from engine.allowed import Action, request_actions, step_actions
from engine.decide import options
from engine.decide.finish import Finished, finish
from engine.decide.lost import give_back, recover
from engine.decide.send import send
from engine.errors import ConfirmationNeeded, Refused
from engine.graph import FAILURE, SUCCESS, Edge, Graph, GraphNode
from engine.keys import idempotency_key
from engine.outcomes import Failure, Success
from engine.states import CallEffect, RequestStatus
from tests.support.memory import MemoryRequest, act
from tests.unit.engine.test_flow_properties import random_graph

EFFECTS = tuple(CallEffect)


def live(seed: random.Random, size: int, happenings: int = 40) -> MemoryRequest:
    """A request with whatever happens to it. Several things may happen at one moment."""
    request = MemoryRequest(random_graph(seed, size))
    deaths = seed.choice((10, 10, 10, 400))
    for _ in range(happenings):
        if request.request.status in (RequestStatus.COMPLETED, RequestStatus.WITHDRAWN):
            break
        request.tick = seed.choice((0.0, 1.0, 1.0))
        if request.due and seed.random() < 0.85:
            _run(request, seed, seed.choice(request.due), deaths)
        else:
            _person(request, seed)
    if seed.random() < 0.3 and request.due:
        request.claim(seed.choice(request.due))  # it runs
    return request


def _run(request: MemoryRequest, seed: random.Random, node: str, deaths: int) -> None:
    """A worker takes a step; its call may leave, and its attempt ends somehow."""
    request.tick = 1.0  # nothing ends in the moment in which it began
    number = request.claim(node)
    sent = request.steps[node].kind == "action" and seed.random() < 0.8 and _sent(request, seed, node, number)
    ending = seed.choices((_succeed, _fail, _retry, _die, _return), (60, 15, 10, deaths, 5))[0]
    ending(request, seed, node, number, sent)


def _sent(request: MemoryRequest, seed: random.Random, node: str, number: int) -> bool:
    """Its call has left; or it was stopped, since nobody had confirmed another one."""
    step = request.steps[node]
    key = idempotency_key(1, node, step.visit, step.key_salt, seed.choice("aaab"))
    try:
        request.do(lambda d: send(d, node, number, key))
    except ConfirmationNeeded:
        return False
    return True


def _succeed(request: MemoryRequest, seed: random.Random, node: str, number: int, sent: bool) -> None:
    outlets = sorted(request.graph.outlets(node) - {FAILURE}) or [SUCCESS]
    done = Success({}, seed.choice(outlets), CallEffect.ACCEPTED if sent else None)
    request.do(lambda d: finish(d, Finished(node, number, done, "{}")))


def _fail(request: MemoryRequest, seed: random.Random, node: str, number: int, sent: bool) -> None:
    stopped = request.steps[node].kind == "action" and not sent and seed.random() < 0.5
    call = CallEffect.NOT_SENT if stopped else seed.choice(EFFECTS) if sent else None
    must_block = stopped or seed.random() < 0.3
    failure = Failure(f"error {number}\0", call, must_block=must_block, second_effect=stopped)
    request.do(lambda d: finish(d, Finished(node, number, failure)))


def _retry(request: MemoryRequest, seed: random.Random, node: str, number: int, sent: bool) -> None:
    failure = Failure("503", seed.choice(EFFECTS) if sent else None, retryable=True)
    request.do(lambda d: finish(d, Finished(node, number, failure, retry_in=seed.uniform(0, 3))))


def _die(request: MemoryRequest, seed: random.Random, node: str, number: int, sent: bool) -> None:
    """Its worker is gone; what it comes to after that is late."""
    request.do(lambda d: recover(d, node, number, seed.random()))
    if seed.random() < 0.5:
        late = seed.choice((Success({}), Failure("late", CallEffect.UNKNOWN)))
        request.do(lambda d: finish(d, Finished(node, number, late, "{}")))


def _return(request: MemoryRequest, seed: random.Random, node: str, number: int, sent: bool) -> None:
    request.do(lambda d: give_back(d, node, number))


def _person(request: MemoryRequest, seed: random.Random) -> None:
    """One act of those that are offered now; some are refused for want of a confirmation."""
    offers = [
        (action, node)
        for node, step in request.steps.items()
        for action in step_actions(request.request, step, request.graph)
    ]
    offers += [(action, "") for action in request_actions(request.request, request.steps, request.graph)]
    if not offers:
        return
    action, node = seed.choice(offers)
    who = act(reason="because", confirmed=seed.random() < 0.6)
    other = (request.request.workflow_version + 1, _edited(request.graph, seed))
    onto = other if seed.random() < 0.2 else None
    ticked, new_key = seed.random() < 0.5, seed.random() < 0.2
    doing: dict[Action, Callable[[], object]] = {
        Action.INPUT: lambda: request.do(lambda d: options.provide_input(d, who, node, "{}")),
        Action.CONTINUE: lambda: request.do(lambda d: options.continue_flow(d, who)),
        Action.WITHDRAW: lambda: seed.random() < 0.1 and request.do(lambda d: options.withdraw(d, who)),
        Action.FLOW: lambda: request.do(
            lambda d: options.retrigger(d, who, node, flow=True, new_key=new_key, onto=onto)
        ),
        Action.RETRIGGER: lambda: request.do(
            lambda d: options.retrigger(d, who, node, flow=False, update_status=ticked, new_key=new_key, onto=onto)
        ),
    }
    with suppress(Refused):
        doing[action]()


def _edited(graph: Graph, seed: random.Random) -> Graph:
    """Another version: one more step on some path, or one less."""
    edge = seed.choice(graph.edges)
    if seed.random() < 0.3 and graph.nodes[edge.source].kind == "action" and edge.source != graph.start:
        return _without(graph, edge)
    name = f"x{len(graph.nodes)}"
    nodes: dict[str, GraphNode] = {}
    for node, facts in graph.nodes.items():
        nodes[node] = facts
        if node == edge.source:
            nodes[name] = GraphNode(name, "action")
    edges = [e for e in graph.edges if e != edge]
    edges += [Edge(edge.source, edge.outlet, name), Edge(name, SUCCESS, edge.target)]
    return Graph(nodes, tuple(edges), graph.start)


def _without(graph: Graph, edge: Edge) -> Graph:
    """Without the source of ``edge``: what led to it leads to where that led."""
    nodes = {name: facts for name, facts in graph.nodes.items() if name != edge.source}
    edges = [e if e.target != edge.source else e._replace(target=edge.target) for e in graph.edges]
    return Graph(nodes, tuple(e for e in edges if e.source != edge.source), graph.start)
