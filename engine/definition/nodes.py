"""The kinds of node, each a model of its own that is chosen by its key (SPEC 2, SPEC 10).

To add a kind: write its model, put it into ``NODE_KINDS``, and take its name out of ``LATER_KINDS``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from engine import templates
from engine.definition.action import ActionSpec
from engine.definition.decision import DecisionSpec
from engine.definition.fields import Flag, Model, Target, choice
from engine.definition.function import FunctionSpec
from engine.definition.problems import Path
from engine.graph import FAILURE, SUCCESS, GraphNode
from engine.states import RequestStatus


class Link(NamedTuple):
    """A way out of a node; ``place`` is where the node's text names the target."""

    outlet: str
    target: str
    place: Path


class Node(Model):
    """What all kinds share. ``needs_next``: leads to the node below it when the file gives no ``next``."""

    kind: ClassVar[str]
    needs_next: ClassVar[bool] = False
    gives_result: ClassVar[bool] = False

    id: str = Field(exclude=True)

    @abstractmethod
    def links(self) -> tuple[Link, ...]:
        """The ways out, in the order of the file."""

    def values(self) -> Iterator[tuple[Path, Any]]:
        """Every value that may hold templates, with its place in the node."""
        yield from ()

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Every JSON Schema, with its place in the node."""
        yield from ()

    @property
    def provided_schema(self) -> dict[str, Any] | None:
        """What a result provided by hand must match (SPEC 4)."""
        return None

    @cached_property
    def references(self) -> frozenset[str]:
        """The nodes whose result or error this node's templates name."""
        return frozenset().union(*(templates.compile_value(value).nodes for _, value in self.values()))

    def in_graph(self) -> GraphNode:
        """The node as the flow sees it."""
        return GraphNode(self.id, self.kind)


class _Step(Node):
    """Does something that can fail: leaves by ``next``, or, where there is one, by ``on_failure``."""

    needs_next: ClassVar[bool] = True
    gives_result: ClassVar[bool] = True

    next: Target = Field(description="the id of a node, or end")
    on_failure: Target | None = Field(None, description="the id of a node, or end")
    result_schema: dict[str, Any] | None = Field(None, description="a JSON Schema, such as {type: object}")

    def links(self) -> tuple[Link, ...]:
        failure = (Link(FAILURE, self.on_failure, ("on_failure",)),) if self.on_failure else ()
        return (Link(SUCCESS, self.next, ("next",)), *failure)

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        if self.result_schema is not None:
            yield ("result_schema",), self.result_schema

    @property
    def provided_schema(self) -> dict[str, Any] | None:
        return self.result_schema


class ActionNode(_Step):
    """One HTTP call through a connection."""

    kind: ClassVar[str] = "action"
    action: ActionSpec = Field(description="a mapping such as {connection: identity, method: POST, path: /accounts}")

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield from ((("action", part), value) for part, value in self.action.parts.items())

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        yield from super().schemas()
        if self.action.expect.schema_ is not None:
            yield ("action", "expect", "schema"), self.action.expect.schema_

    @property
    def provided_schema(self) -> dict[str, Any] | None:
        return self.action.expect.schema_ if self.result_schema is None else self.result_schema


class FunctionNode(_Step):
    """A call of a registered Python function."""

    kind: ClassVar[str] = "function"
    function: FunctionSpec = Field(description="a mapping such as {name: hr.badge_number}")

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield ("function", "args"), self.function.args


class DecisionNode(Node):
    """Leaves by one path, named by the node that it leads to."""

    kind: ClassVar[str] = "decision"
    decision: DecisionSpec = Field(
        description='a list such as [{when: "{{ request.input.remote }}", next: ship}, {default: desk}]'
    )

    def links(self) -> tuple[Link, ...]:
        return tuple(
            Link(case.target, case.target, ("decision", place, "next" if case.next else "default"))
            for place, case in enumerate(self.decision.root)
        )

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield from ((("decision", place, "when"), case.when) for place, case in enumerate(self.decision.cases))


class EndSpec(Model):
    """``cancel_others``: reaching this end cancels what still runs."""

    status: Annotated[Literal["completed", "rejected", "failed"], choice("completed", "rejected", "failed")] = Field(
        description="completed, rejected or failed"
    )
    cancel_others: Flag = Field(False, description="true or false")


class EndNode(Node):
    """A final status."""

    kind: ClassVar[str] = "end"
    end: EndSpec = Field(description="a mapping such as {status: failed}")

    def links(self) -> tuple[Link, ...]:
        return ()

    def in_graph(self) -> GraphNode:
        return GraphNode(self.id, self.kind, RequestStatus(self.end.status), self.end.cancel_others)


NODE_KINDS: dict[str, type[Node]] = {model.kind: model for model in (ActionNode, FunctionNode, DecisionNode, EndNode)}
LATER_KINDS = ("branch", "merge", "sync", "approval", "delay", "callback")
