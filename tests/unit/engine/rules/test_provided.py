"""What people type as JSON: checked against schemas, started from a shape (SPEC 4, *Provide input*)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.definition import Workflow, load
from engine.errors import InputTooLarge, InvalidInput
from engine.limits import MAX_JSON_DEPTH
from engine.rules.provided import check_input, check_provided, shape_of

WORKFLOW = """
workflow: onboarding
app: HR
input_schema: {type: object, required: [name], properties: {name: {type: string}}}
nodes:
  account:
    action:
      connection: identity
      method: POST
      path: /accounts
      expect: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}
"""


@pytest.fixture(scope="module")
def workflow() -> Workflow:
    return load(WORKFLOW, "onboarding.yaml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"id": 7', r"Line 1, column \d+: "),
        ('{\n  "id" 7}', r"Line 2, column 8: expected a colon"),
        (
            '{\n "id": "seven"}',
            r"The result\.id does not fit: .*integer' \(line 2, column 8; expect\.schema\.properties\.id\.type\)\.",
        ),
        ('{"id":"seven"}', r"The result\.id does not fit: 'seven' is not of type 'integer'\."),  # as a program writes
        ("{ }", r"The result does not fit: 'id' is a required property \(line 1, column 1; expect\.schema\.required\)"),
        ('{"id": 7,\n "token": "•••"}', r"still holds a masked place, ••• \(line 2, column 12\); write the real value"),
        (r'{"id": 7, "token": "\u2022\u2022\u2022"}', r"still holds a masked place, •••; write the real value"),
        ('{"id": NaN}', r"Line 1"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(workflow: Workflow, text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        check_provided(workflow, "account", text)


def test_what_is_wrong_is_told_together() -> None:
    fields = ("name", "email", "office", "manager", "desk")
    schema = f"{{type: object, required: [{', '.join(fields)}], properties: {{age: {{type: integer}}}}}}"
    workflow = load(
        WORKFLOW.replace("{type: object, required: [name], properties: {name: {type: string}}}", schema), "w"
    )
    given = dict.fromkeys(fields, "x")
    both = "The input does not fit: 'name' is a required property; 'email' is a required property; "
    for wrong, said in (
        ({**given, "age": "x"}, "The input.age does not fit: 'x' is not of type 'integer'."),
        (dict.fromkeys(fields[2:], "x") | {"age": "x"}, f"{both}input.age: 'x' is not of type 'integer'."),
        ({"desk": 4, "age": "x"}, f"{both}'office' is a required property (2 more)."),
    ):
        with pytest.raises(InvalidInput) as refused:
            check_input(workflow, wrong, 1_000_000)
        assert str(refused.value) == said


def test_what_fits_is_kept(workflow: Workflow) -> None:
    assert check_provided(workflow, "account", '{ "id": 7 }') == '{"id":7}'


def test_a_text_over_the_limit_is_too_large(workflow: Workflow) -> None:
    with pytest.raises(InputTooLarge):
        check_provided(workflow, "account", '{"id": 7, "x": "' + "a" * 1_100_000 + '"}')


def test_a_request_that_does_not_match_is_refused(workflow: Workflow) -> None:
    with pytest.raises(InvalidInput, match="'name' is a required property"):
        check_input(workflow, {"nmae": "Ada"}, 1000)


def test_an_input_is_bounded_in_size_and_depth_whatever_door_it_comes_through(workflow: Workflow) -> None:
    deep: Any = 1
    for _ in range(MAX_JSON_DEPTH - 1):
        deep = [deep]
    given = {"name": "Ada", "more": deep}
    text = check_input(workflow, given, 1_000)
    with pytest.raises(InputTooLarge):
        check_input(workflow, given, len(text) - 1)
    with pytest.raises(InvalidInput, match=f"nested deeper than {MAX_JSON_DEPTH} levels"):
        check_input(workflow, {"name": "Ada", "more": [deep]}, 1_000)


@pytest.mark.parametrize(
    ("schema", "shape"),
    [
        (None, {}),
        ({"type": "object", "required": ["id"]}, {"id": ""}),
        ({"properties": {"n": {"type": "integer"}, "ok": {"type": "boolean"}}}, {"n": 0, "ok": False}),
        ({"type": "array"}, []),
        ({"type": ["string", "null"]}, ""),
        ({"enum": ["a", "b"]}, "a"),
        ({"properties": {"at": {"properties": {"x": {"type": "number"}}}}}, {"at": {"x": 0}}),
    ],
)
def test_the_shape_of_a_schema(schema: dict[str, Any] | None, shape: Any) -> None:
    assert shape_of(schema) == shape


@given(st.dictionaries(st.text(max_size=5), st.sampled_from(["string", "integer", "boolean", "array", "object"])))
def test_a_shape_fits_the_schema_it_was_made_from(types: dict[str, str]) -> None:
    schema = {"type": "object", "required": sorted(types), "properties": {k: {"type": v} for k, v in types.items()}}
    Draft202012Validator(schema).validate(shape_of(schema))


def test_the_implicit_end_has_no_schema_and_the_act_itself_is_refused(workflow: Workflow) -> None:
    assert check_provided(workflow, "end", "{}") == "{}"


@pytest.mark.parametrize("keyword", ["pattern: '^[0-9]+$'", "anyOf: [{maxLength: 3}, {type: 'null'}]", "maxLength: 3"])
@pytest.mark.parametrize("length", [20, 300, 20_000])
def test_of_a_sensitive_value_that_does_not_fit_nothing_is_said_however_long_it_is(keyword: str, length: int) -> None:
    schema = f"input_schema: {{properties: {{token: {{{keyword}}}}}}}\nsensitive: [request.input.token]\n"
    workflow = load(WORKFLOW.replace(WORKFLOW[WORKFLOW.index("input_schema") : WORKFLOW.index("nodes:")], schema), "w")
    secret = "s3cret" * length
    with pytest.raises(InvalidInput, match=r"The input\.token does not fit") as refused:
        check_input(workflow, {"token": secret}, 1_000_000)
    assert "s3cret" not in str(refused.value)
