"""What people type as JSON: a request's input, and a result provided by hand (SPEC 4, *Provide input*)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from jsonschema import ValidationError
from referencing.exceptions import Unresolvable

from engine.definition import Workflow
from engine.errors import InvalidInput
from engine.limits import MAX_INPUT_BYTES
from engine.stored import RequestDetail
from engine.texts import MASK
from engine.values.json_schema import MOST, misfits
from engine.values.masking import Masker, mask_fields, sensitive_values
from engine.values.paths import dotted
from engine.values.stored_json import stored_json
from engine.values.strict_json import check_depth, check_size, dumps, line_and_column, loads, where

_TOLD = 3  # misfits in one sentence
_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "null": None}


def check_input(workflow: Workflow, input: Any, limit: int) -> str:
    """The input as JSON text. Raises InvalidInput when it does not match the workflow's ``input_schema``."""
    text = dumps(input)
    check_size(text, limit)
    check_depth(text)
    _check_schema(input, workflow.input_schema, _Given("input", sensitive_values(workflow.sensitive, input, {})))
    return text


def check_provided(workflow: Workflow, node: str, text: str) -> str:
    """What a person provides as a result, as JSON text. Raises InvalidInput as ``check_result``, and for a mask."""
    if MASK in dumps_plain(loads(text, limit=MAX_INPUT_BYTES)):
        place = text.find(MASK)
        at = " (line {}, column {})".format(*line_and_column(text, place)) if place >= 0 else ""
        raise InvalidInput(f"The text still holds a masked place, {MASK}{at}; write the real value there.", "result")
    return check_result(workflow, node, text)


def check_result(workflow: Workflow, node: str, text: str) -> str:
    """A step's result as JSON text. Raises InvalidInput, with line and column when it does not parse or fit."""
    value = loads(text, limit=MAX_INPUT_BYTES)
    known = workflow.nodes.get(node)  # not the implicit end, for which the act itself is refused
    if known is not None and known.provided_schema is not None:
        hidden = sensitive_values(workflow.sensitive, None, {node: value})
        written = text.removeprefix("\ufeff") if text != dumps(value) else ""  # a program's has no lines to name
        _check_schema(value, known.provided_schema, _Given("result", hidden, written, known.provided_schema_name))
    return dumps(value)


def dumps_plain(value: Any) -> str:
    """JSON text for people: indented, not escaped."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def draft_for(workflow: Workflow, node: str, detail: RequestDetail) -> str:
    """The step's own last response, else the shape that the result should have; masked fields are empty places."""
    responses = [a.end.response for a in detail.attempts if a.start.node == node and a.end and a.end.response]
    shape = shape_of(workflow.nodes[node].provided_schema)
    if not responses:
        return dumps_plain(shape)
    last = stored_json(responses[-1], f"the last response of {node}")
    _, results = mask_fields(workflow.sensitive, None, {node: last})
    found = _without_masks(results[node])
    if isinstance(found, dict) and isinstance(shape, dict):
        found = {**shape, **found}
    return dumps_plain(found)


def shape_of(schema: Mapping[str, Any] | None) -> Any:
    """An empty value of the shape that a JSON Schema describes: its required properties, and those it names."""
    if not schema:
        return {}
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind != "object":
        return _EMPTY.get(str(kind), {})
    properties: Mapping[str, Any] = schema.get("properties", {})
    names = dict.fromkeys([*schema.get("required", []), *properties])
    return {name: shape_of(properties.get(name, {"type": "string"})) for name in names}


def _without_masks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_masks(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_masks(item) for item in value]
    return "" if isinstance(value, str) and MASK in value else value


class _Given(NamedTuple):
    """What is checked: ``hidden`` must not show in the sentence, which repeats what was typed; ``text`` is what was
    typed, where a person did, and ``schema`` the key under which the definition has its schema."""

    field: str
    hidden: frozenset[str]
    text: str = ""
    schema: str = ""


def _check_schema(value: Any, schema: Mapping[str, Any] | None, given: _Given) -> None:
    field = given.field
    try:
        errors = sorted(misfits(schema, value), key=lambda error: list(map(str, error.path)))
    except Unresolvable as error:
        raise InvalidInput(f"The {field} cannot be checked against its schema: {error}.", field) from None
    if errors:
        first, *others = errors[:_TOLD]
        rest = len(errors) - _TOLD
        more = f" ({rest}{' or' * (len(errors) == MOST)} more)" if rest > 0 else ""
        said = [_misfit(first, given)]
        for other in others:
            place = "" if other.path == first.path else f"{dotted((field, *other.path))}: "
            said.append(place + _misfit(other, given))
        raise InvalidInput(f"The {dotted((field, *first.path))} does not fit: {'; '.join(said)}{more}.", field)


def _misfit(error: ValidationError, given: _Given) -> str:
    return Masker(given.hidden).text(error.message)[:200] + _where(error, given)


def _where(error: ValidationError, given: _Given) -> str:
    """Where in the text it stands, and what in the definition it breaks."""
    found = where(given.text, error.absolute_path) if given.text else None
    return (
        f" (line {found[0]}, column {found[1]}; {dotted((given.schema, *error.absolute_schema_path))})" if found else ""
    )
