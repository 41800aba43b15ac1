"""A workflow: the definition as it is published, stored and run. One version never changes."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, PrivateAttr

from engine import templates
from engine.definition.fields import Flag, Model, Text, matching
from engine.definition.node import Node, of_document
from engine.definition.nodes import NODE_KINDS
from engine.definition.problems import Places
from engine.definition.wiring import wire
from engine.definition.work import SyncNode
from engine.graph import Graph
from engine.values.paths import Path

_NAME = "a name of lower-case letters, digits, - and _, such as onboarding"
_APP = "a name of letters, digits, spaces, . - and _, such as HR"


class Workflow(Model):
    """``name`` and ``app`` as SPEC 10 has them; ``nodes`` in the order of the file, the start first.

    Those inside a sync block are part of it and not in ``nodes``; ``node`` and ``steps`` know them too.
    """

    name: Annotated[Text, matching(r"[a-z][a-z0-9_-]{0,59}", _NAME)] = Field(alias="workflow", description=_NAME)
    app: Annotated[Text, matching(r"[A-Za-z0-9]([A-Za-z0-9 ._-]{0,58}[A-Za-z0-9._-])?", _APP)] = Field(description=_APP)
    title: Text = Field("", description='a text such as "Onboard {{ request.input.name }}"')
    input_schema: dict[str, Any] | None = Field(None, description="a JSON Schema, such as {type: object}")
    sensitive: tuple[Text, ...] = Field((), description="a list such as [request.input.national_id]")
    self_action: Flag = Field(True, description="true or false")
    constants: dict[str, Any] = Field({}, description="a mapping such as {limit: 100}")
    nodes: dict[str, Node]
    _places: Places = PrivateAttr(default_factory=Places)

    def document(self) -> dict[str, Any]:
        """The whole definition, JSON-able, to be stored. The nodes are a list: their order says which is the start.

        Defaults are written out, so that a published version keeps its meaning when a default changes.
        """
        head = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"nodes"})
        return {**head, "nodes": [node.document() for node in self.nodes.values()]}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Workflow:
        """The workflow of a stored ``document()``, which is trusted: it was checked when it was published."""
        nodes = {node["id"]: of_document(NODE_KINDS, node) for node in document["nodes"]}
        return cls.model_validate({**document, "nodes": nodes})

    @cached_property
    def steps(self) -> dict[str, tuple[Node, Path]]:
        """Every node with its place in the file, in its order, the inner ones right behind their sync block."""
        found: dict[str, tuple[Node, Path]] = {}
        for node in self.nodes.values():
            path: Path = ("nodes", node.id)
            found[node.id] = (node, path)
            if isinstance(node, SyncNode):
                found |= {step: (inner, (*path, *node.inner_place(step))) for step, inner in node.inner.items()}
        return found

    @property
    def step_ids(self) -> tuple[str, ...]:
        """The ids of every node, inner ones included."""
        return tuple(self.steps)

    @cached_property
    def sensitive_nodes(self) -> frozenset[str]:
        """Those of whose results something is listed as sensitive."""
        return frozenset(path.split(".")[1] for path in self.sensitive if path.startswith("nodes."))

    def node(self, id: str) -> Node:
        """A node, also one inside a sync block. Raises KeyError."""
        return self.steps[id][0]

    @cached_property
    def digest(self) -> str:
        """The same for the same definition, however its file is laid out."""
        canonical = json.dumps(self.document(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @cached_property
    def graph(self) -> Graph:
        """The nodes and ways between them, the implicit end included."""
        return wire(tuple(self.nodes.values()))

    @cached_property
    def title_template(self) -> templates.Template:
        """Take its ``text``. It is rendered when a request is submitted, so it sees neither nodes nor request.id."""
        return templates.compile_value(self.title or self.name, "title")

    @property
    def places(self) -> Places:
        """Where each part stands in the file it was loaded from; knows nothing for a stored document."""
        return self._places

    def at(self, places: Places) -> Workflow:
        """Remember where it was loaded from."""
        self._places = places
        return self
