"""The kinds of node, each a model of its own that is chosen by its key (SPEC 2, SPEC 10).

To add a kind: write its model, and put it into ``NODE_KINDS``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from engine.definition.approval import ApprovalSpec
from engine.definition.decision import DecisionSpec
from engine.definition.delay import DelaySpec
from engine.definition.fields import Flag, Model, Target, Timeout, choice, problem
from engine.definition.node import Answerable, Link, Node, Onward
from engine.definition.work import ActionNode, FunctionNode, OwnAction, OwnFunction, SyncNode
from engine.graph import APPROVED, REJECTED, SUCCESS, GraphNode
from engine.states import RequestStatus
from engine.values.paths import Path

__all__ = [
    "NODE_KINDS",
    "ActionNode",
    "ApprovalNode",
    "BranchNode",
    "CallbackNode",
    "CallbackSpec",
    "DecisionNode",
    "DelayNode",
    "EndNode",
    "EndSpec",
    "FunctionNode",
    "MergeNode",
    "SyncNode",
]


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


def _check_paths(targets: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(targets)) < len(targets):
        twice, _ = Counter(targets).most_common(1)[0]
        raise problem(f"names `{twice}` more than once; name each node once")
    if len(targets) < 2:
        raise problem("is no branch; write two nodes or more, such as [desk, laptop], or lead there with `next`")
    return targets


class BranchNode(Node):
    """Runs several paths side by side."""

    kind: ClassVar[str] = "branch"
    branch: Annotated[tuple[Target, ...], AfterValidator(_check_paths)] = Field(
        description="a list of nodes such as [desk, laptop]"
    )

    def links(self) -> tuple[Link, ...]:
        return tuple(Link(SUCCESS, target, ("branch", place)) for place, target in enumerate(self.branch))


class MergeSpec(Model):
    """Nothing to say: every node that several paths lead to waits for them, and a merge does nothing else."""


class MergeNode(Onward):
    """Waits until every path that was taken has arrived."""

    kind: ClassVar[str] = "merge"
    merge: MergeSpec = Field(description="{}")


class ApprovalNode(Node):
    """Asks people; its result is ``{"approved": true or false, "by": [who, …], "reason": text or null}``."""

    kind: ClassVar[str] = "approval"
    onward: ClassVar[str | None] = "approved"
    gives_result: ClassVar[bool] = True

    approval: ApprovalSpec = Field(description='a mapping such as {approvers: ["@hr-admins"], need: any}')
    approved: Target = Field(description="the id of a node, or end")
    rejected: Target | None = Field(None, description="the id of a node, or end")

    def links(self) -> tuple[Link, ...]:
        rejected = (Link(REJECTED, self.rejected, ("rejected",)),) if self.rejected else ()
        return (Link(APPROVED, self.approved, ("approved",)), *rejected)

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield ("approval", "approvers"), list(self.approval.approvers)


class DelayNode(Onward):
    """Waits for a duration, or until a time."""

    kind: ClassVar[str] = "delay"
    delay: DelaySpec = Field(description="a mapping such as {for: 2h}")

    def values(self) -> Iterator[tuple[Path, Any]]:
        yield from ((("delay", part), value) for part, value in self.delay.parts.items())


class CallbackSpec(Model):
    """``timeout`` in seconds, from when the step begins to wait; None: it waits as long as it takes."""

    timeout: Timeout | None = None


class CallbackNode(Answerable):
    """Waits for an outside system to call an address that is good for one call; what it sends is the result."""

    kind: ClassVar[str] = "callback"
    callback: CallbackSpec = Field(description="{}, or a mapping such as {timeout: 2d}")


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

    def in_graph(self) -> GraphNode:
        return GraphNode(self.id, self.kind, RequestStatus(self.end.status), self.end.cancel_others)


NODE_KINDS: dict[str, type[Node]] = {
    model.kind: model
    for model in (
        OwnAction, OwnFunction, DecisionNode, BranchNode, MergeNode, SyncNode, ApprovalNode, DelayNode, CallbackNode,
        EndNode,
    )
}  # fmt: skip
