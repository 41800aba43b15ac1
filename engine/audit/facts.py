"""What an audit event says has happened, as the rule of engine.rules.decide that it came from, with the same arguments.

Whatever a rule was given that the rows before it do not hold, its event must carry: this is where it is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from engine import events
from engine.graph import SUCCESS, Graph
from engine.limits import RECOVERY_DELAYS
from engine.records import Approval, Event
from engine.rules.decide import options
from engine.rules.decide.act import Act
from engine.rules.decide.block import end_inner
from engine.rules.decide.finish import Finished, finish
from engine.rules.decide.lost import give_back, recover, unstick
from engine.rules.decide.waits import answer, call_back, time_is_up
from engine.rules.draft import Draft
from engine.rules.fence import is_open_wait
from engine.rules.outcomes import Ended, Failure, Success, Waits
from engine.states import CallEffect

Rule = Callable[[Draft], Any]
Graphs = Callable[[int], Graph]  # a version of the request's workflow → its graph

# Events with which a rule about one attempt begins.
ENDS = frozenset(
    {events.COMPLETED, events.FAILED, events.BLOCKED, events.RETRY, events.LOST, events.RETURNED, events.WAITS}
)
_NO_RESULT = "null"  # results are no part of the history


def rule_of(event: Event, graphs: Graphs) -> Rule | None:
    """The rule that left ``event`` as the first that only it leaves. None when no rule begins with such an event."""
    if event.kind in events.ACTS:
        return _act(event, graphs)
    if event.kind == events.STATUS:
        return unstick
    if event.node is None:
        return None
    if event.kind == events.CALLED_EARLY:
        return partial(_called, node=event.node)
    if event.attempt is None or event.kind not in ENDS:
        return None
    return _of_attempt(event, event.node, event.attempt, event.data or {})


def _of_attempt(event: Event, node: str, attempt: int, data: dict[str, Any]) -> Rule:
    if event.kind == events.WAITS:
        return partial(finish, done=Finished(node, attempt, _waits(data)))
    if event.kind == events.RETURNED:
        return partial(give_back, node=node, attempt=attempt)
    if event.kind == events.LOST or data.get("lost"):
        return partial(recover, node=node, attempt=attempt, jitter=_jitter(data))
    outcome = _outcome(event, data)
    done = Finished(node, attempt, outcome, retry_in=data.get("delay"))
    return partial(_inner if data.get("inner") else _ended, done=done, outcome=outcome)


def _ended(draft: Draft, done: Finished, outcome: Ended) -> object:
    """A worker brought the outcome; or nobody held the step, and its wait has ended."""
    step = draft.steps[done.node]
    if not is_open_wait(step) or step.attempt != done.attempt:
        return finish(draft, done)
    if step.kind == "callback" and isinstance(outcome, Success):
        return _called(draft, done.node)
    return time_is_up(draft, done.node, done.attempt)


def _called(draft: Draft, node: str) -> object:
    step = draft.steps[node]
    return call_back(draft, node, step.key_salt, _NO_RESULT)


def _inner(draft: Draft, done: Finished, outcome: Ended) -> None:
    block = draft.graph.block_of[done.node]
    end_inner(draft, block, draft.steps[block].attempt, done, outcome)


def _waits(data: dict[str, Any]) -> Waits:
    approvers = data.get("approvers")
    approval = None if approvers is None else Approval(tuple(approvers), data.get("need", ""))
    return Waits(until=data.get("until"), approval=approval)


def _outcome(event: Event, data: dict[str, Any]) -> Ended:
    call = CallEffect(data["call"]) if data.get("call") else None
    if event.kind == events.COMPLETED:
        return Success(_NO_RESULT, data.get("outlet", SUCCESS), call)
    must_block, stopped = event.kind == events.BLOCKED, bool(data.get("stopped"))
    return Failure(data.get("error") or "", call, must_block=must_block, second_effect=stopped)


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
    act = act._replace(bulk=data.get("bulk"), away=bool(data.get("away")))
    if event.kind == events.WITHDRAWN:
        return partial(options.withdraw, act=act)
    if event.kind == events.CONTINUED:
        return partial(options.continue_flow, act=act)
    if event.kind in (events.APPROVED, events.REJECTED):
        names = frozenset(name.strip().lower() for name in data.get("approver", ()))
        return partial(answer, act=act, node=node, yes=event.kind == events.APPROVED, names=names)
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
