"""What an audit event says has happened, as the rule of engine.decide that it came from, with the same arguments.

Whatever a rule was given that the rows before it do not hold, its event must carry: this is where it is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from engine import events
from engine.decide import options
from engine.decide.act import Act
from engine.decide.finish import Finished, finish
from engine.decide.lost import give_back, recover, unstick
from engine.draft import Draft
from engine.graph import SUCCESS, Graph
from engine.limits import RECOVERY_DELAYS
from engine.outcomes import Failure, Success
from engine.records import Event
from engine.states import CallEffect

Rule = Callable[[Draft], Any]
Graphs = Callable[[int], Graph]  # a version of the request's workflow → its graph

# Events with which the rule of an attempt's end begins.
ENDS = frozenset({events.COMPLETED, events.FAILED, events.BLOCKED, events.RETRY, events.LOST, events.RETURNED})
_NO_RESULT = "null"  # results are no part of the history


def rule_of(event: Event, graphs: Graphs) -> Rule | None:
    """The rule that left ``event`` as the first that only it leaves. None when no rule begins with such an event."""
    if event.kind in events.ACTS:
        return _act(event, graphs)
    if event.kind == events.STATUS:
        return unstick
    if event.node is None or event.attempt is None or event.kind not in ENDS:
        return None
    node, attempt, data = event.node, event.attempt, event.data or {}
    if event.kind == events.RETURNED:
        return partial(give_back, node=node, attempt=attempt)
    if event.kind == events.LOST or data.get("lost"):
        return partial(recover, node=node, attempt=attempt, jitter=_jitter(data))
    return partial(finish, done=_finished(event, data))


def _finished(event: Event, data: dict[str, Any]) -> Finished:
    assert event.node is not None and event.attempt is not None
    call = CallEffect(data["call"]) if data.get("call") else None
    if event.kind == events.COMPLETED:
        return Finished(event.node, event.attempt, Success(None, data.get("outlet", SUCCESS), call), _NO_RESULT)
    failure = Failure(
        data.get("error") or "",
        call,
        must_block=event.kind == events.BLOCKED,
        second_effect=bool(data.get("stopped")),
    )
    return Finished(event.node, event.attempt, failure, retry_in=data.get("delay"))


def _jitter(data: dict[str, Any]) -> float:
    """The chance that was passed in, from the delay that came of it."""
    used, delay = data.get("recovery", 1) - 1, data.get("delay", 0.0)
    known = RECOVERY_DELAYS[used] if 0 <= used < len(RECOVERY_DELAYS) else 0.0
    jitter = (delay / known - 1) * 4 if known else 0.0
    return jitter if 0 <= jitter <= 1 else 0.0  # of any other delay, the rule says that it is none of its own


def _act(event: Event, graphs: Graphs) -> Rule:
    data, node = event.data or {}, event.node or ""
    person = (event.by or "", event.actor or "", event.door or "")
    act = Act(*person, reason=event.reason, confirmed=bool(data.get("confirmed")), command_id=event.command_id)
    if event.kind == events.WITHDRAWN:
        return partial(options.withdraw, act=act)
    if event.kind == events.CONTINUED:
        return partial(options.continue_flow, act=act)
    if event.kind == events.INPUT_PROVIDED:
        return partial(options.provide_input, act=act, node=node, result=_NO_RESULT)
    version = data.get("version")
    return partial(
        options.retrigger,
        act=act,
        node=node,
        flow=event.kind == events.RETRIGGERED_FLOW,
        update_status=bool(data.get("update_status")),
        new_key=bool(data.get("new_key")),
        onto=None if version is None else (version, graphs(version)),
    )
