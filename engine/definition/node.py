"""What all kinds of node share, and the ways out that several of them have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from pydantic import Field

from engine import templates
from engine.definition.fields import Model, Target
from engine.graph import FAILURE, SUCCESS, GraphNode
from engine.values.paths import Path


class Link(NamedTuple):
    """A way out of a node; ``place`` is where the node's text names the target."""

    outlet: str
    target: str
    place: Path


class Node(Model):
    """What all kinds share. ``onward``: the key that leads to the node below when the file does not give it."""

    kind: ClassVar[str]
    onward: ClassVar[str | None] = None
    gives_result: ClassVar[bool] = False

    id: str = Field(exclude=True)

    def links(self) -> tuple[Link, ...]:
        """The ways out, in the order of the file."""
        return ()

    def values(self) -> Iterator[tuple[Path, Any]]:
        """Every value that may hold templates, with its place in the node."""
        yield from ()

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Every JSON Schema, with its place in the node."""
        yield from ()

    @property
    def provided_schema(self) -> dict[str, Any] | None:
        """What a result that comes from outside must match: by hand (SPEC 4), or from the caller of a callback."""
        return None

    @property
    def provided_schema_name(self) -> str:
        """The key under which the definition has it."""
        return ""

    @cached_property
    def references(self) -> frozenset[str]:
        """The nodes whose result or error this node's templates name."""
        return frozenset().union(*(template.nodes for template in self._templates))

    @cached_property
    def callbacks(self) -> frozenset[str]:
        """The callback nodes whose address this node's templates ask for."""
        return frozenset().union(*(template.callbacks for template in self._templates))

    @cached_property
    def _templates(self) -> tuple[templates.Template, ...]:
        return tuple(templates.compile_value(value) for _, value in self.values())

    def document(self) -> dict[str, Any]:
        """The node as it is stored, JSON-able, defaults written out."""
        return {"id": self.id, **self.model_dump(mode="json", by_alias=True, exclude_none=True)}

    def in_graph(self) -> GraphNode:
        """The node as the flow sees it."""
        return GraphNode(self.id, self.kind, callbacks=self.callbacks)


class Onward(Node):
    """Leads on to one node."""

    onward: ClassVar[str | None] = "next"

    next: Target = Field(description="the id of a node, or end")

    def links(self) -> tuple[Link, ...]:
        return (Link(SUCCESS, self.next, ("next",)),)


class Fallible(Onward):
    """Does something that can fail: leaves by ``next``, or, where there is one, by ``on_failure``."""

    gives_result: ClassVar[bool] = True

    on_failure: Target | None = Field(None, description="the id of a node, or end")

    def links(self) -> tuple[Link, ...]:
        failure = (Link(FAILURE, self.on_failure, ("on_failure",)),) if self.on_failure else ()
        return (*super().links(), *failure)


class Answerable(Fallible):
    """Its result may come from outside, and then must match ``result_schema``, if there is one."""

    result_schema: dict[str, Any] | None = Field(None, description="a JSON Schema, such as {type: object}")

    def schemas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        yield from super().schemas()
        if self.result_schema is not None:
            yield ("result_schema",), self.result_schema

    @property
    def provided_schema(self) -> dict[str, Any] | None:
        return super().provided_schema if self.result_schema is None else self.result_schema

    @property
    def provided_schema_name(self) -> str:
        return super().provided_schema_name if self.result_schema is None else "result_schema"


def of_document(kinds: Mapping[str, type[Node]], document: dict[str, Any]) -> Node:
    """The node of a ``Node.document()``."""
    kind = next(kind for kind in kinds if kind in document)
    return kinds[kind].model_validate(document)
