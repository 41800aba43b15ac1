"""The definition that is published for a shape."""

from __future__ import annotations

import json
from typing import Any

from tests.support.paper.shape import (
    ACTION,
    APPROVAL,
    BAD,
    BRANCH,
    CALLBACK,
    DECISION,
    DELAY,
    END,
    FUNCTION,
    MERGE,
    NO,
    OK,
    RETRIES,
    YES,
    Place,
    Shape,
)

APPROVERS = ("hanna@example.com", "omar@example.com")
_RESULT = {"type": "object", "required": ["n"]}


def definition(shape: Shape, name: str) -> str:
    """The text that is published."""
    nodes = {place.id: _node(shape, place) for place in shape.places.values() if place.id != END}
    return json.dumps({"workflow": name, "app": "HR", "nodes": nodes})


def _node(shape: Shape, place: Place) -> dict[str, Any]:
    ways = shape.out_of(place.id)
    targets = [way.target for way in ways]
    if place.kind == END:
        return {"end": {"status": place.end, "cancel_others": place.cancels}}
    if place.kind == DECISION:
        first, *others = targets
        asked = [{"when": _is(place, number), "next": target} for number, target in enumerate(others, 2)]
        return {"decision": [*asked, {"default": first}]}
    if place.kind == BRANCH:
        return {"branch": targets}
    by_outlet = {way.outlet: way.target for way in ways}
    names = {OK: "next", BAD: "on_failure", YES: "approved", NO: "rejected"}
    return {**_inside(place), **{names[outlet]: target for outlet, target in by_outlet.items()}}


def _inside(place: Place) -> dict[str, Any]:
    if place.kind == MERGE:
        return {"merge": {}}
    if place.kind == DELAY:
        return {"delay": {"for": "1h"}}
    timeout = {"timeout": "1h"} if place.timed else {}
    if place.kind == APPROVAL:
        need = "all" if place.everybody else "any"
        return {"approval": {"approvers": list(APPROVERS), "need": need, **timeout}}
    if place.kind == CALLBACK:
        return {"callback": timeout, "result_schema": _RESULT}
    if place.inner:
        return {"sync": {"nodes": {inner.id: _work(inner) for inner in place.inner}}}
    return {**_work(place), "result_schema": _RESULT}


def _work(place: Place) -> dict[str, Any]:
    """What an action or a function is called with."""
    seen = f"{{{{ {_read(place)} }}}}" if place.reads else ""
    if place.kind == FUNCTION:
        args = {"node": place.id, "seen": seen, "body": place.body}
        return {"function": {"name": "paper.work", "args": args, "isolation": "thread"}}
    assert place.kind == ACTION
    call = {"connection": "outside", "method": "POST", "path": f"/{place.id}", "expect": {"schema": _RESULT}}
    retry = {"times": RETRIES, "interval": "1h"}
    return {"action": {**call, "body": {"seen": seen, "body": place.body}, "retry": retry}}


def _is(place: Place, number: int) -> str | bool:
    return f"{{{{ ({_read(place)}) == {number} }}}}" if place.reads else False


def _read(place: Place) -> str:
    result = f"nodes.{place.reads}.result"
    return f"{result}.n" if place.strict else f"{result}.n if {result} is defined else 0"
