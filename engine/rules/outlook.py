"""What a result that a person provides will do: who reads it, and which way decisions go with it (SPEC 4). Pure.

Who reads it is told from the templates alone. A decision is foreseen by the rule that will decide it, as far as
everything that it names is known already.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from engine import templates
from engine.definition import DecisionNode, SyncNode, Workflow
from engine.definition.checks import template_texts
from engine.graph import FAILURE
from engine.limits import MAX_INPUT_BYTES
from engine.rules.plan import Plan
from engine.stored import RequestDetail
from engine.templates import TemplateError, build_context
from engine.values.masking import Masker, sensitive_values
from engine.values.paths import dotted
from engine.values.strict_json import loads


class Reader(NamedTuple):
    """A later step whose templates name the result: ``fields`` as "id" or "address.city"; "" is all of it."""

    node: str
    fields: tuple[str, ...]


class Way(NamedTuple):
    """Where a decision behind the step will lead. ``target`` None: it cannot be told, and ``why`` says why."""

    node: str
    target: str | None
    why: str | None = None


class Outlook(NamedTuple):
    """Both of a provided result. The readers are the same whatever it is."""

    readers: tuple[Reader, ...]
    ways: tuple[Way, ...]


def outlook(workflow: Workflow, plan: Plan, detail: RequestDetail, text: str) -> Outlook:
    """Of the JSON ``text`` as the result of ``plan.node``. Raises InvalidInput where it cannot be read."""
    assert plan.node is not None
    value = loads(text, limit=MAX_INPUT_BYTES)
    running = {run.node for run in plan.runs}
    stored = detail.results
    known = {node: result for node, result in stored.items() if node not in running}
    given, requester = detail.given, detail.request.requester
    errors = {row.step.node: row.step.error for row in detail.steps if row.step.node not in running}
    results = {**known, plan.node: value}
    context = build_context(plan.request_id, given, requester, results, errors | {plan.node: None}, workflow.constants)
    hidden = Masker(sensitive_values(workflow.sensitive, given, {**stored, plan.node: value}))
    found = ways(workflow, plan.node, context, running)
    masked = tuple(way._replace(why=way.why and hidden.text(way.why)) for way in found)
    return Outlook(readers(workflow, plan.node), masked)


def readers(workflow: Workflow, node: str) -> tuple[Reader, ...]:
    """The steps that read the result of ``node``, in the order of the definition."""
    found = []
    for step, (model, _) in workflow.steps.items():
        if isinstance(model, SyncNode):
            continue  # its inner steps are listed themselves
        paths = {
            path[3:]
            for _, value in model.values()
            for text, _ in template_texts(value, ())
            for path in templates.inspect(text).paths
            if path[:3] == ("nodes", node, "result")
        }
        if paths:
            fields = sorted(dotted(path) for path in paths)
            found.append(Reader(step, ("",) if () in paths else tuple(fields)))
    return tuple(found)


def ways(workflow: Workflow, node: str, context: Mapping[str, Any], running: Collection[str]) -> tuple[Way, ...]:
    """The decisions that the flow comes to behind ``node``, and where each leads. ``context`` is what templates see
    once ``node`` has its new result; ``running``: what will run behind it, whose results are not known yet."""
    graph, reached, found = workflow.graph, {node}, []
    for name in (node, *graph.behind(node)):
        if name not in reached or (name != node and name not in running and graph.nodes[name].kind == "decision"):
            continue
        targets = {edge.target for edge in graph.outgoing[name] if edge.outlet != FAILURE}
        model = workflow.nodes.get(name)
        if isinstance(model, DecisionNode):
            way = _way(model, context, set(running) - {node})
            found.append(way)
            targets = targets if way.target is None else {way.target}
        reached |= targets
    return tuple(found)


def _way(decision: DecisionNode, context: Mapping[str, Any], running: Collection[str]) -> Way:
    unknown = sorted(decision.references & set(running))
    if unknown:
        return Way(decision.id, None, f"it depends on what {' and '.join(unknown)} will give")
    try:
        return Way(decision.id, decision.decision.way(context))
    except TemplateError as error:
        return Way(decision.id, None, f"it would block: {error}")
