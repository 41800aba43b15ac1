"""A request begins."""

from __future__ import annotations

from engine.graph import Graph
from engine.records import NewRequest, Request, Step
from engine.states import RequestStatus, StepStatus


def begin(request_id: int, new: NewRequest, graph: Graph, now: float) -> tuple[Request, list[Step]]:
    """Its row, and one for each of its steps: the start is due at once, the others wait."""
    app, requester = new.app, new.requester
    status = RequestStatus.IN_PROGRESS
    request = Request(request_id, new.workflow, new.workflow_version, app, status, None, requester, False, 1, now, now)
    steps = [Step(request_id, node, kind, StepStatus.PENDING, 1) for node, kind in graph.rows.items()]
    start = list(graph.rows).index(graph.start)
    steps[start] = steps[start]._replace(status=StepStatus.READY, due_at=now)
    return request, steps
