"""From the text of a file to a workflow that can be published, or every reason why not."""

from __future__ import annotations

from engine.definition.bodies import read_nodes
from engine.definition.checks import check_head, check_node
from engine.definition.fields import validated
from engine.definition.order import check_graph
from engine.definition.problems import Report
from engine.definition.source import read
from engine.definition.workflow import Workflow


def load(text: str, file: str) -> Workflow:
    """The workflow of a file's text: YAML, or JSON where ``file`` ends with .json. Raises DefinitionError.

    ``file`` is only a name, for problems; nothing is opened. Problems of form are told together, and when there is
    none, those of the whole graph: a graph with a broken node would seem broken everywhere.
    """
    report = Report(file)
    raw = read(text, report)
    if not isinstance(raw, dict):
        report.add((), "a definition is a mapping; begin with `workflow: <name>`, `app: <name>` and `nodes:`")
        report.fail()
    nodes, ids = read_nodes(raw.get("nodes"), report)
    workflow = validated(Workflow, {**raw, "nodes": nodes}, report, ())
    if workflow is not None:
        check_head(workflow, ids, report)
    for node in nodes.values():
        check_node(node, ids, raw.get("constants"), report)
    report.fail_if_any()
    assert workflow is not None
    check_graph(workflow, report)
    report.fail_if_any()
    return workflow.at(report.places)
