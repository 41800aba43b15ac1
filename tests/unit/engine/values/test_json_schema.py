from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.definition.schemas import schema_problems
from engine.values import json_schema
from engine.values.json_schema import MOST, TOO_DEEP, TOO_LONG, misfits

values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(-2, 2) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)
plain = st.sampled_from(
    [
        True,
        False,
        {},
        {"type": "string"},
        {"type": "integer"},
        {"type": ["array", "null"], "uniqueItems": True},
        {"required": ["a"]},
        {"maxItems": 1, "maxProperties": 1},
        {"unevaluatedItems": False, "prefixItems": [{"type": "integer"}]},
        {"unevaluatedProperties": False, "properties": {"a": {"type": "integer"}}},
    ]
)
schemas = st.recursive(
    plain,
    lambda inner: (
        st.builds(
            lambda kind, of: {kind: of},
            st.sampled_from(["anyOf", "oneOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        )
        | st.builds(lambda of: {"items": of, "uniqueItems": True}, inner)
        | st.builds(lambda of: {"properties": {"a": of}, "additionalProperties": of}, inner)
    ),
    max_leaves=5,
)


@given(schemas, values)
def test_a_value_fits_when_jsonschema_itself_says_so(schema: Any, value: Any):
    assert (misfits(schema, value) == []) is Draft202012Validator(schema).is_valid(value)


MANY = 340_000  # of what is as short as it can be, which is about a mebibyte
HARD: list[Any] = [
    pytest.param({"items": {"type": "string"}}, [0] * MANY, MOST, id="every item is wrong"),
    pytest.param({"anyOf": [{"items": {"type": "string"}}, {"type": "null"}]}, [0] * MANY, 1, id="in an anyOf"),
    pytest.param({"oneOf": [{"items": {"type": "string"}}, {"type": "null"}]}, [0] * MANY, 1, id="in a oneOf"),
    pytest.param({"uniqueItems": True}, [{"a": n} for n in range(80_000)], 0, id="unique objects"),
    pytest.param({"uniqueItems": True}, [*range(100_000), "a", None, [1]], 0, id="unique items of several kinds"),
    pytest.param({"uniqueItems": True}, [*range(100_000), "a", 1.0], 1, id="one of them twice"),
    pytest.param({"unevaluatedItems": False}, [0] * MANY, 1, id="items that nothing looked at"),
    pytest.param({"unevaluatedProperties": False}, {str(n): n for n in range(60_000)}, 1, id="such properties"),
    pytest.param({"additionalProperties": False}, {str(n): n for n in range(60_000)}, 1, id="properties too many"),
    pytest.param({"items": {"type": "integer"}}, [0] * (MANY // 4), 0, id="every item is right"),
]


@pytest.mark.parametrize(("schema", "value", "found"), HARD)
def test_a_mebibyte_is_checked_in_seconds_whatever_is_wrong_with_it(schema: Any, value: Any, found: int):
    assert len(json.dumps(value)) < 1.7 * 1024 * 1024
    begin = time.process_time()
    assert len(misfits(schema, value)) == found
    assert time.process_time() - begin < 20  # jsonschema's own way takes minutes, or hours


PATTERNED = st.fixed_dictionaries(
    {},
    optional={
        "pattern": st.sampled_from(["^a", "b$", "[a-z]{2}", "ä"]),
        "properties": st.just({"a": {"type": "string"}}),
        "patternProperties": st.dictionaries(st.sampled_from(["^b", "a"]), plain, max_size=2),
        "additionalProperties": plain,
    },
)


@given(PATTERNED, values)
def test_patterns_are_judged_as_by_jsonschema(schema: dict[str, Any], value: Any) -> None:
    assert bool(misfits(schema, value)) == (not Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^(a+)+$"},
        {"additionalProperties": {"pattern": "(a|aa)+$"}},
        {"patternProperties": {"^(a+)+$": {"type": "integer"}}, "additionalProperties": False},
    ],
)
def test_no_pattern_takes_longer_than_the_text_is_long(schema: dict[str, Any]) -> None:
    text = "a" * 50_000 + "!"
    began = time.thread_time()
    misfits(schema, text)
    misfits(schema, {text: text})
    assert time.thread_time() - began < 30.0  # of its own work; one that went back and forth would take years


@pytest.mark.parametrize("pattern", [r"^\p{L}+$", r"^\p{Lu}[\p{L} '-]*$", r"^[\x{c0}-\x{17f}]+$"])
def test_patterns_may_name_the_letters_of_every_language(pattern: str) -> None:
    schema = {"properties": {"name": {"pattern": pattern}}, "patternProperties": {r"^\p{N}$": {"type": "string"}}}
    assert schema_problems(schema) == []
    assert not misfits({"pattern": pattern}, "Žš") and misfits({"pattern": pattern}, "5")
    assert misfits(schema, {"5": 5})


@pytest.mark.parametrize("pattern", ["(", r"(a)\1", r"(?<!a)b", r"\u00e9", r"\p{Script=Latin}", "a{2000}", "[]"])
def test_a_pattern_that_could_not_be_matched_is_refused_with_what_to_write(pattern: str) -> None:
    for schema, place in (
        ({"pattern": pattern}, ("pattern",)),
        ({"patternProperties": {pattern: {}}}, ("patternProperties", pattern)),
    ):
        [(found, why)] = schema_problems(schema)
        assert found == place
        assert why.startswith("is no pattern that RE2 takes") and r"\x{e9} for \u00e9, \p{L} for any letter" in why


def test_half_a_surrogate_pair_is_some_other_character() -> None:
    assert misfits({"pattern": "^a$"}, "\ud800") and not misfits({"pattern": "^.$"}, "\ud800")


def twice_at_each_level(levels: int) -> dict[str, Any]:
    parts = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(levels)}
    return {**parts, f"p{levels}": {}}


TREE = {"anyOf": [{"type": "array", "items": {"$ref": "#"}, "minItems": n} for n in (0, 1)] + [{"type": "string"}]}
BOMBS = [
    pytest.param({"properties": {"x": {"$ref": "#/$defs/p0"}}, "$defs": twice_at_each_level(40)}, {"x": 1}, id="refs"),
    pytest.param(TREE, json.loads("[" * 60 + "1" + "]" * 60), id="a tree that two alternatives lead down"),
    pytest.param({"items": {"enum": [{"a": n} for n in range(2000)]}}, [{"a": 1999}] * 90_000, id="a long enum"),
    pytest.param({"items": {"oneOf": [{"const": n} for n in range(2000)]}}, [1999] * 200_000, id="a long oneOf"),
]


@pytest.mark.parametrize(("schema", "value"), BOMBS)
def test_no_schema_takes_more_checks_than_it_may(schema: Any, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schema, "MAX_SCHEMA_CHECKS", 20_000)
    begun = time.thread_time()
    assert [error.message for error in misfits(schema, value)] == [TOO_LONG]
    assert time.thread_time() - begun < 30.0  # of its own work; all of it would take hours
    assert misfits({"type": "string"}, "a") == []  # the next comparison begins anew


def test_a_schema_that_would_take_years_for_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schema, "MAX_SCHEMA_CHECKS", 20_000)
    [(place, why)] = schema_problems({"$ref": "#/$defs/p0", "$defs": twice_at_each_level(40)})
    assert place == () and "takes too long" in why


def test_a_whole_number_may_be_larger_than_every_fraction() -> None:
    assert misfits({"multipleOf": 1.5}, 3 * 10**400) == []
    [error] = misfits({"multipleOf": 1.5}, 10**400)
    assert error.message == "a value of 401 characters is not a multiple of 1.5"


@pytest.mark.parametrize(
    ("reference", "name", "leads"),
    [("a%20b", "a b", True), ("a%20b", "a%20b", False), ("a%2520b", "a%20b", True), ("a~1b", "a/b", True)],
)
def test_a_reference_leads_where_it_does_when_a_value_is_compared(reference: str, name: str, leads: bool) -> None:
    schema = {"$ref": f"#/$defs/{reference}", "$defs": {name: {"type": "string"}}}
    assert (schema_problems(schema) == []) is leads
    if leads:
        assert misfits(schema, 5) and not misfits(schema, "five")


@pytest.mark.parametrize("reference", ["#%2F$defs%2Fa", "#%2f$defs/a", "#a", "#/$defs/b", "a#/$defs/a"])
def test_a_reference_that_would_lead_nowhere_is_refused(reference: str) -> None:
    [(place, _)] = schema_problems({"$ref": reference, "$defs": {"a": {"type": "string"}}, "": {}})
    assert place == ("$ref",)


def test_what_goes_deeper_than_python_does_does_not_fit_wherever_its_stack_ends() -> None:
    """Within the registry, which is written in Rust, it is a panic, and that is no Exception: it ended threads."""
    tree = {"oneOf": [{"type": "null"}, {"type": "object", "properties": {"c": {"$ref": "#/$defs/tree"}}}]}
    schema = {"$ref": "#/$defs/tree", "$defs": {"tree": tree}}
    value: Any = {}
    for _ in range(100):
        value = {"c": value}

    def beneath(calls: int) -> list[str]:
        return beneath(calls - 1) if calls else [error.message for error in misfits(schema, value)]

    for calls in range(60):
        assert beneath(calls) == [TOO_DEEP]


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "null", "array", "object"])
def test_a_schema_that_is_endless_for_one_kind_of_value_is_refused(kind: str) -> None:
    [(place, why)] = schema_problems({"properties": {"a": {"type": kind, "$ref": "#/properties/a"}}})
    assert (place, why.startswith("refers to itself without end")) == ((), True)
