"""What a template can see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# The names a template may start from, and the parts that `request` and a node have.
ROOTS = ("request", "requester", "nodes", "constants")
REQUEST_PARTS = ("id", "input")
NODE_PARTS = ("result", "error")
CALLBACK_URL = "callback_url"  # the function that gives the address of a callback node
ADDRESS = " callback_url"  # where a context keeps what that function asks; the space keeps it out of templates' reach


class _Nodes(dict[str, dict[str, Any]]):
    """Nodes by id. One that has not run has an error, null, and no result: `nodes.x.result is defined` asks for it."""

    def __missing__(self, node: str) -> dict[str, Any]:
        return {"error": None}


def build_context(
    request_id: int | None,
    input: Any,
    requester: str,
    results: Mapping[str, Any],
    errors: Mapping[str, str | None],
    constants: Mapping[str, Any],
    callback_url: Callable[[str], str] | None = None,
) -> Mapping[str, Any]:
    """The values of one request. ``request_id`` is None before the request is stored: the title is rendered then.

    A node that gave no result has none here, so naming it is an error that says so; its error is null.
    ``callback_url`` gives the address of a callback node's next call; without it, asking for one is an error.
    """
    request = {"input": input} if request_id is None else {"id": f"REQ-{request_id}", "input": input}
    nodes = _Nodes({node: {"error": errors.get(node)} for node in {*results, *errors}})
    for node, result in results.items():
        nodes[node]["result"] = result
    return {
        "request": request,
        "requester": requester,
        "nodes": nodes,
        "constants": constants,
        ADDRESS: callback_url,
    }
