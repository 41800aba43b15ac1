"""Whoever acted is told what came of it, however it ends (SPEC 7)."""

from __future__ import annotations

from functools import partial

from engine import events
from engine.decide import options
from engine.decide.lost import recover
from engine.limits import MAX_RECOVERIES
from tests.support.memory import MemoryRequest, act, graph

LINE = graph("a > b", "b > c", "c > end")
BESIDE = graph(
    "fork > a", "fork > b", "a > end", "b -failure> bad", "b > end",
    kinds={"fork": "branch"}, ends={"bad": "failed"}, cancels=["bad"],
)  # fmt: skip


def told(request: MemoryRequest) -> list[tuple[str, str, str | None]]:
    """To whom, what, and of which step."""
    tells = [notice for notice in request.notices if notice.kind == "tell"]
    return [(it.actor or "", it.event.kind, it.event.node) for it in tells if it.event is not None]


def again(request: MemoryRequest, node: str, *, flow: bool = True, **facts: int) -> None:
    request.do(partial(options.retrigger, act=act(reason="x", confirmed=True, **facts), node=node, flow=flow))


HANNA = "slack:T1/U1"
CANCELLED = (HANNA, events.CANCELLED, "a")


def test_that_an_end_has_cancelled_the_step() -> None:
    request = MemoryRequest(BESIDE)
    request.succeed("fork")
    request.fail("a")
    again(request, "a", flow=False)
    request.fail("b")
    assert request.statuses()["a"] == "cancelled" and told(request) == [CANCELLED]


def test_that_the_request_was_withdrawn_meanwhile() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a")
    request.claim("a")
    request.do(partial(options.withdraw, act=act(reason="not wanted")))
    assert told(request) == [CANCELLED]


def test_that_somebody_acted_on_a_step_before_it() -> None:
    request = MemoryRequest(graph("a -failure> b", "a > end", "b > end"))
    request.fail("a")
    request.fail("b")
    again(request, "b")
    again(request, "a")
    assert told(request) == [(HANNA, events.CANCELLED, "b")]
    assert request.events[-2].data == {"taken_back": True} or request.events[-1].data == {"taken_back": True}


def test_that_what_they_had_issued_was_issued_anew() -> None:
    request = MemoryRequest(graph("ask -approved> end", kinds={"ask": "approval"}))
    request.ask("ask", "boss@example.com")
    again(request, "ask")
    assert told(request) == []
    request.ask("ask", "boss@example.com")
    again(request, "ask")
    assert told(request) == [(HANNA, events.RETRIGGERED_FLOW, "ask")]


def test_that_the_flow_that_they_continued_has_ended() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a", flow=False)
    request.succeed("a")
    before = told(request)
    request.do(partial(options.continue_flow, act=act()))
    request.run("b", "c")
    assert before == [(HANNA, events.COMPLETED, "a")]
    assert told(request)[1:] == [(HANNA, events.STATUS, None)]


def test_that_a_step_behind_killed_its_workers_too_often() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a")
    request.succeed("a")
    for _ in range(MAX_RECOVERIES + 1):
        request.do(partial(recover, node="b", attempt=request.claim("b"), jitter=0.0))
    assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.BLOCKED, "b")]


def test_nobody_is_told_one_by_one_of_many_re_triggered_together() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a", bulk=7)
    request.do(partial(options.withdraw, act=act(reason="not wanted")))
    assert told(request) == []
