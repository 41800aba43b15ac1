"""Who was first: what a person is told whose act came too late (SPEC 5). Pure; read off the audit."""

from __future__ import annotations

from engine import events
from engine.errors import Conflict, Refused
from engine.graph import Graph
from engine.records import Event
from engine.rules.allowed import why_not_continue
from engine.states import RequestStatus
from engine.stored import RequestDetail

_GO_ON = frozenset({events.RETRIGGERED_FLOW, events.INPUT_PROVIDED})  # and so take back what is behind


def with_who_was_first(
    refusal: Refused, detail: RequestDetail, graph: Graph, node: str | None, *, continuing: bool
) -> Refused:
    """``refusal`` of an act on ``node``, or of one that was ``continuing`` the flow; with who made it come too late.

    A conflict names the latest act that concerns the step; its own trigger may be an older one. What was withdrawn, or
    continued just before, is refused by a rule, and yet somebody was first.
    """
    acts = [event for event in detail.events if event.kind in events.DID and _concerns(event, graph, node)]
    if not acts:
        return refusal
    last = acts[-1]
    who = (last.by, last.at, events.DID[last.kind])
    if isinstance(refusal, Conflict):
        is_newer = last.at > (refusal.at or 0.0)
        return Conflict(refusal.what, refusal.found, *who, why=refusal.why) if is_newer else refusal
    request, steps = detail.request, {row.step.node: row.step for row in detail.steps}
    continued = continuing and last.kind == events.CONTINUED and why_not_continue(request, steps)
    beaten = request.status is RequestStatus.WITHDRAWN or continued
    return Conflict(f"REQ-{request.id}", request.status.value, *who, why=str(refusal)) if beaten else refusal


def _concerns(event: Event, graph: Graph, node: str | None) -> bool:
    if node is None or event.node in (None, node):
        return True
    return event.kind in _GO_ON and event.node in graph.nodes and node in graph.behind(event.node)
