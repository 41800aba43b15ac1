"""The kinds of node that do work: action, function, and the sync block that runs several of them as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field, field_serializer, field_validator

from engine.definition.action import ActionSpec
from engine.definition.fields import Model
from engine.definition.function import FunctionSpec
from engine.definition.node import Answerable, Fallible, Node, of_document
from engine.definition.problems import INSIDE
from engine.graph import GraphNode
from engine.values.paths import Path


class ActionNode(Node):
    """One HTTP call through a connection; by itself the form that it has inside a sync block."""

    kind: ClassVar[str] = "action"
    gives_result: ClassVar[bool] = True

    action: ActionSpec = Field(description="a mapping such as {connection: identity, method: POST, path: /accounts}")

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield from ((("action", part), value) for part, value in self.action.parts.items())

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        if self.action.expect.schema_ is not None:
            yield ("action", "expect", "schema"), self.action.expect.schema_

    @property
    def provided_schema(self) -> dict[str, Any] | None:
        return self.action.expect.schema_

    @property
    def provided_schema_name(self) -> str:
        return "expect.schema"

    def in_graph(self) -> GraphNode:
        """With its connection, by which steps that one outage blocks are known."""
        return super().in_graph()._replace(connection=self.action.connection)


class FunctionNode(Node):
    """A call of a registered Python function; by itself the form that it has inside a sync block."""

    kind: ClassVar[str] = "function"
    gives_result: ClassVar[bool] = True

    function: FunctionSpec = Field(description="a mapping such as {name: hr.badge_number}")

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield ("function", "args"), self.function.args


class OwnAction(Answerable, ActionNode):
    """An action that is a node of its own."""


class OwnFunction(Answerable, FunctionNode):
    """A function that is a node of its own."""


INNER_KINDS: dict[str, type[Node]] = {model.kind: model for model in (ActionNode, FunctionNode)}


class SyncSpec(Model):
    """``nodes``: the inner steps by id, in the order in which they run."""

    nodes: dict[str, Node] = Field(description="a mapping of actions and functions by id")

    @field_validator("nodes", mode="before")
    @classmethod
    def _of_documents(cls, nodes: Any) -> Any:
        """Stored as a list, for their order; a file's have been read by the loader, one by one."""
        if not isinstance(nodes, list):
            return nodes
        return {document["id"]: of_document(INNER_KINDS, document) for document in nodes}

    @field_serializer("nodes")
    def _documents(self, nodes: dict[str, Node]) -> list[dict[str, Any]]:
        return [node.document() for node in nodes.values()]


class SyncNode(Fallible):
    """A container whose inner steps run one after another, as one unit; its result is that of the last."""

    kind: ClassVar[str] = "sync"

    sync: SyncSpec = Field(description="a mapping such as {nodes: {first: {function: {name: hr.badge_number}}}}")

    @property
    def inner(self) -> dict[str, Node]:
        """The inner steps by id, in the order in which they run."""
        return self.sync.nodes

    def inner_place(self, step: str) -> Path:
        """Where an inner step stands in the node."""
        return (*INSIDE, step)

    def values(self) -> Iterator[tuple[Path, Any]]:
        """Those of all inner steps."""
        for step, node in self.inner.items():
            yield from (((*self.inner_place(step), *place), value) for place, value in node.values())

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for step, node in self.inner.items():
            yield from (((*self.inner_place(step), *place), schema) for place, schema in node.schemas())
