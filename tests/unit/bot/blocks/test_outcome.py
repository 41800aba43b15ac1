"""What a person is told privately: the outcome, and what has happened since."""

from __future__ import annotations

from bot.blocks import outcome
from engine import events
from engine.rules.allowed import Action
from engine.states import RequestStatus, StepStatus
from tests.unit.bot import samples
from tests.unit.bot.samples import DATES, request, said, step


def test_the_outcome_says_what_came_of_the_act_and_where_the_request_stands() -> None:
    event = samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"})
    done = request(status=RequestStatus.COMPLETED, actions=())
    assert said(outcome.outcome([event], done).blocks) == (
        "REQ-42: recovered: ✅ `create_account` completed (attempt 4, accepted). The request is *Completed*."
    )
    held = request(actions=(Action.CONTINUE,))
    assert "wait for *Continue flow*" in said(outcome.outcome([event], held).blocks)


def test_an_act_that_came_to_nothing_and_a_flow_that_ended_are_told() -> None:
    for data, why in (({"by_end": True}, ", as an end of the request was reached"), ({"by_end": False}, "")):
        event = samples.event(events.CANCELLED, attempt=4, data=data)
        over = request(status=RequestStatus.FAILED, actions=())
        assert said(outcome.outcome([event], over).blocks) == (
            f"REQ-42: ⚪ `create_account` was cancelled{why}. The request is *Failed*."
        )
    event = samples.event(events.CANCELLED, attempt=4, data={"taken_back": True})
    assert "was taken back: a step before it was acted on" in said(outcome.outcome([event], request()).blocks)
    event = samples.event(events.STATUS, data={"from": "in_progress", "to": "completed"})
    done = request(status=RequestStatus.COMPLETED, actions=())
    assert said(outcome.outcome([event], done).blocks) == "REQ-42: the flow has ended. The request is *Completed*."
    event = samples.event(events.WITHDRAWN, None, by="Omar Ops", reason="hired elsewhere")
    over = request(status=RequestStatus.WITHDRAWN, actions=())
    assert said(outcome.outcome([event], over).blocks) == (
        "REQ-42: *Omar Ops* withdrew REQ-42 · reason: hired elsewhere. The request is *Withdrawn*."
    )


def test_outcomes_that_come_together_say_once_where_the_request_stands() -> None:
    done = samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"})
    end = samples.event(events.STATUS, None, data={"from": "in_progress", "to": "completed"})
    message = outcome.outcome([done, end], request(status=RequestStatus.COMPLETED, actions=()), ["rt-1", "rt-2"])
    assert [(block["block_id"], block["text"]["text"]) for block in message.blocks] == [
        ("rt-1", "REQ-42: recovered: ✅ `create_account` completed (attempt 4, accepted)."),
        ("rt-2", "REQ-42: the flow has ended. The request is *Completed*."),
    ]
    assert message.text == "\n".join(block["text"]["text"] for block in message.blocks)


def test_a_flow_that_came_to_a_stop_is_told_with_what_lets_it_go_on() -> None:
    data = {"from": "in_progress", "to": "blocked", "stuck": True}
    event = samples.event(events.STATUS, None, reason="Nothing is running: m waits for b.", data=data)
    assert said(outcome.outcome([event], request(actions=(Action.CONTINUE,))).blocks) == (
        "REQ-42: the flow cannot go on by itself: Nothing is running: m waits for b. The request is *Blocked*. "
        "The steps that remain wait for *Continue flow*."
    )


def test_a_stale_button_is_answered_with_what_happened_since() -> None:
    document = request(
        step(status=StepStatus.COMPLETED, actions=()),
        status=RequestStatus.COMPLETED,
        actions=(),
        events=(
            samples.shown_event(events.SUBMITTED, None),
            samples.shown_event(events.RETRIGGERED_FLOW, by="Hanna Lead"),
            samples.shown_event(events.COMPLETED, attempt=3),
            samples.shown_event(events.STATUS, None, data={"to": "completed"}),
        ),
    )
    text = said(outcome.overtaken(document, Action.FLOW, "create_account", DATES).blocks)
    assert text == (
        "*Re-trigger step and flow*: nothing was done. `create_account` is *completed*. REQ-42 is *Completed*. "
        "\n• *Hanna Lead* re-triggered step and flow at `create_account` · 10:42 UTC "
        "\n• ✅ `create_account` completed (attempt 3) · 10:42 UTC"
    )


def test_however_much_has_happened_since_the_act_is_told() -> None:
    ended = [samples.shown_event(events.BLOCKED, attempt=number, data={"error": "503"}) for number in (3, 4, 5)]
    acted = samples.shown_event(events.RETRIGGERED, by="Hanna Lead")
    document = request(step(), events=(acted, *ended))
    text = said(outcome.overtaken(document, Action.INPUT, "create_account", DATES).blocks)
    assert "*Hanna Lead* re-triggered" in text and "attempt 5" in text and "attempt 3" not in text
