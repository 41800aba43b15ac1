"""Whoever acted is told what came of it, however it ends (SPEC 7)."""

from __future__ import annotations

from functools import partial

from engine import events
from engine.limits import MAX_RECOVERIES
from engine.rules.decide import options
from engine.rules.decide.lost import recover
from tests.support.memory import MemoryRequest, act, graph

LINE = graph("a > b", "b > c", "c > end")
BESIDE = graph(
    "fork > a", "fork > b", "a > end", "b -failure> bad", "b > end",
    kinds={"fork": "branch"}, ends={"bad": "failed"}, cancels=["bad"],
)  # fmt: skip

CONTINUED = graph(
    "a > fork", "fork > b", "fork > c", "b > bad", "c > end",
    kinds={"fork": "branch"}, ends={"bad": "failed"}, cancels=["bad"],
)  # fmt: skip
JOINED = graph(
    "fork > a", "fork > x", "a > both", "x > both", "both > after", "after > end",
    kinds={"fork": "branch", "both": "merge"},
)  # fmt: skip
BLOCKED_BY_NONE = graph(  # once ask is held
    "fork > a", "a > b", "b > m", "fork > ask", "ask -approved> m", "m > end",
    kinds={"fork": "branch", "ask": "approval", "m": "merge"},
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
    (taken_back,) = [event for event in request.events if event.kind == events.CANCELLED]
    assert (taken_back.node, taken_back.data) == ("b", {"taken_back": True})


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


def test_that_the_flow_that_they_continued_was_ended_by_somebody_else() -> None:
    request = MemoryRequest(graph("fork > a", "a > b", "b > end", "fork > x", "x > end", kinds={"fork": "branch"}))
    request.run("fork", "x")
    request.fail("a")
    again(request, "a", flow=False)
    request.succeed("a")
    request.do(partial(options.continue_flow, act=act()))
    request.claim("b")
    request.do(partial(options.withdraw, act=act(reason="not wanted")))
    assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.CANCELLED, "b")]


def test_that_an_end_was_reached_by_one_of_the_steps_that_they_let_go_on() -> None:
    request = MemoryRequest(CONTINUED)
    request.fail("a")
    again(request, "a", flow=False)
    request.succeed("a")
    request.do(partial(options.continue_flow, act=act()))
    request.claim("c")
    request.succeed("b")
    assert request.status == "failed"
    assert told(request)[1:] == [(HANNA, events.CANCELLED, "c")], "once"


def test_that_a_step_behind_killed_its_workers_too_often() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a")
    request.succeed("a")
    for _ in range(MAX_RECOVERIES + 1):
        request.do(partial(recover, node="b", attempt=request.claim("b"), jitter=0.0))
    assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.BLOCKED, "b")]


def test_that_the_flow_has_come_to_a_stop_that_no_step_tells() -> None:
    request = MemoryRequest(BLOCKED_BY_NONE)
    request.succeed("fork")
    request.ask("ask", "boss@example.com")
    request.fail("a")
    again(request, "a")
    again(request, "ask", flow=False)
    request.ask("ask", "boss@example.com")
    request.answer("ask", True, "boss@example.com")
    request.run("a", "b")
    assert (request.status, request.request.reason) == ("blocked", "remaining steps not started")
    assert told(request)[-1] == (HANNA, events.STATUS, None)
    assert request.events[-1].data == {"from": "in_progress", "to": "blocked", "stuck": True, "first": False}
    lines = [notice.event for notice in request.notices if notice.kind == "line"]
    assert lines[-1] == request.events[-1]


def test_what_somebody_is_told_privately_stands_in_the_thread_too() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a")
    request.claim("a")
    request.do(partial(options.withdraw, act=act(reason="not wanted")))
    lines = [notice.event.kind for notice in request.notices if notice.kind == "line" and notice.event is not None]
    assert lines == [events.BLOCKED, events.RETRIGGERED_FLOW, events.WITHDRAWN, events.CANCELLED]


def test_who_did_not_act_at_the_card_is_told_directly() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a", away=True)
    request.succeed("a")
    request.fail("b")
    direct = [notice for notice in request.notices if notice.kind == "direct" and notice.event is not None]
    assert [(it.actor, it.event and it.event.kind) for it in direct] == [
        (HANNA, events.COMPLETED),
        (HANNA, events.BLOCKED),
    ]
    assert told(request) == []


def test_a_block_that_a_step_tells_is_told_once() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    assert [notice.event.kind for notice in request.notices if notice.event] == [events.BLOCKED]
    assert request.events[-1].data == {"from": "in_progress", "to": "blocked"}


def test_nobody_is_told_one_by_one_of_many_re_triggered_together() -> None:
    for ends in ("withdrawn", "succeeds", "fails"):
        request = MemoryRequest(LINE)
        request.fail("a")
        again(request, "a", bulk=7)
        if ends == "withdrawn":
            request.do(partial(options.withdraw, act=act(reason="not wanted")))
        elif ends == "succeeds":
            request.run("a", "b", "c")
        else:
            request.fail("a")
        assert told(request) == []


def test_where_the_flow_came_to_that_they_let_run() -> None:
    for end in ("completed", "failed", "rejected"):
        request = MemoryRequest(graph("a > b", "b > over", ends={"over": end}))
        request.fail("a")
        again(request, "a")
        request.run("a", "b")
        assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.STATUS, None)]
        assert request.status == end


def test_an_end_that_the_outcome_of_the_step_says_too_is_told_once() -> None:
    request = MemoryRequest(graph("a > end"))
    request.fail("a")
    again(request, "a")
    request.run("a")
    assert told(request) == [(HANNA, events.COMPLETED, "a")]


def test_where_it_came_to_by_a_branch_that_nobody_acted_on() -> None:
    request = MemoryRequest(JOINED)
    request.succeed("fork")
    request.fail("a")
    again(request, "a")
    request.run("a", "x")
    request.run("after")
    assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.STATUS, None)]


def test_where_it_came_to_with_somebody_elses_help() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a")
    request.succeed("a")
    request.fail("b")
    omar = act()._replace(by="Omar Ops", actor="slack:T1/U2", reason="x", confirmed=True)
    request.do(partial(options.retrigger, act=omar, node="b", flow=True))
    request.run("b", "c")
    assert told(request) == [
        (HANNA, events.COMPLETED, "a"),
        (HANNA, events.BLOCKED, "b"),
        ("slack:T1/U2", events.COMPLETED, "b"),
        (HANNA, events.STATUS, None),
        ("slack:T1/U2", events.STATUS, None),
    ]


def test_where_what_they_provided_led() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    request.do(partial(options.provide_input, act=act(), node="a", result="{}"))
    request.run("b", "c")
    assert told(request) == [(HANNA, events.STATUS, None)]


def test_an_end_that_the_answer_to_the_act_says_is_not_told_again() -> None:
    request = MemoryRequest(graph("a > end"))
    request.fail("a")
    request.do(partial(options.provide_input, act=act(), node="a", result="{}"))
    assert request.status == "completed" and told(request) == []


def test_that_it_was_withdrawn_before_anything_that_they_let_go_on_had_begun() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a", flow=False)
    request.succeed("a")
    request.do(partial(options.continue_flow, act=act()))
    omar = act(reason="not wanted")._replace(by="Omar Ops", actor="slack:T1/U2")
    request.do(partial(options.withdraw, act=omar))
    assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.WITHDRAWN, None)]


def test_whoever_withdraws_it_knows() -> None:
    request = MemoryRequest(LINE)
    request.fail("a")
    again(request, "a")
    request.succeed("a")
    request.do(partial(options.withdraw, act=act(reason="not wanted")))
    assert told(request) == [(HANNA, events.COMPLETED, "a")]


def test_where_it_was_blocked_behind_a_branch_that_nobody_acted_on() -> None:
    request = MemoryRequest(JOINED)
    request.succeed("fork")
    request.fail("a")
    again(request, "a")
    request.run("a", "x")
    request.fail("after")
    assert told(request) == [(HANNA, events.COMPLETED, "a"), (HANNA, events.BLOCKED, "after")]
