"""A workflow: the definition as it is published, stored and run. One version never changes."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, PrivateAttr

from engine import templates
from engine.definition.fields import Flag, Model, Text, matching
from engine.definition.nodes import NODE_KINDS, Node
from engine.definition.problems import Places
from engine.definition.wiring import wire
from engine.graph import Graph

_NAME = "a name of lower-case letters, digits, - and _, such as onboarding"
_APP = "a name of letters, digits, spaces, . - and _, such as HR"


class Workflow(Model):
    """``name`` and ``app`` as SPEC 10 has them; ``nodes`` in the order of the file, the start first."""

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
        nodes = [
            {"id": node.id, **node.model_dump(mode="json", by_alias=True, exclude_none=True)}
            for node in self.nodes.values()
        ]
        return {**head, "nodes": nodes}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Workflow:
        """The workflow of a stored ``document()``, which is trusted: it was checked when it was published."""
        nodes = {node["id"]: _node(node) for node in document["nodes"]}
        return cls.model_validate({**document, "nodes": nodes})

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


def _node(document: dict[str, Any]) -> Node:
    kind = next(kind for kind in NODE_KINDS if kind in document)
    return NODE_KINDS[kind].model_validate(document)
