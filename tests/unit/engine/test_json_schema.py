from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.json_schema import MOST, misfits

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
    began = time.perf_counter()
    misfits(schema, text)
    misfits(schema, {text: text})
    assert time.perf_counter() - began < 5.0


def test_half_a_surrogate_pair_is_some_other_character() -> None:
    assert misfits({"pattern": "^a$"}, "\ud800") and not misfits({"pattern": "^.$"}, "\ud800")
