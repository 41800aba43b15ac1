"""Whatever a file holds, loading gives a workflow or problems that name their file: nothing else is raised."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine.definition import NODE_KINDS, DefinitionError, Problem, load, source
from tests.unit.engine.definition.samples import EVERY_KIND, ONBOARDING

PIECES = [*"{}[]:#|'\"\n", ", ", "- ", "  ", "{{", "}}", "{%", "&a", "*a", "null", "1"]
WORDS = [
    *NODE_KINDS,
    "when",
    "next",
    "default",
    "nodes",
    "schema",
    "$ref",
    "timeout",
    "id",
    "for",
    "until",
    "approvers",
]


def check(text: str, file: str) -> None:
    problems: tuple[Problem, ...] | None = None
    try:
        load(text, file)
    except DefinitionError as error:
        problems = error.problems
    assert problems != ()
    assert all(problem.file == file and problem.message for problem in problems or ())


@given(st.text(), st.sampled_from(["w.yaml", "w.json"]))
def test_any_text(text: str, file: str):
    check(text, file)


@pytest.mark.parametrize("loader", sorted({"SafeLoader", source._LOADER.__name__}))
@given(data=st.data(), whole=st.sampled_from([ONBOARDING, EVERY_KIND]))
def test_a_damaged_definition(loader: str, data: st.DataObject, whole: str):
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 20))
    piece = data.draw(st.sampled_from(PIECES + WORDS) | st.text(max_size=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "_LOADER", getattr(yaml, loader))
        check(whole[:start] + piece + whole[start + length :], "w.yaml")


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS + PIECES)
values = st.recursive(
    leaves, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from(WORDS), v, max_size=4), max_leaves=8
)


@given(st.data(), st.sampled_from([ONBOARDING, EVERY_KIND]))
def test_a_definition_with_any_value_anywhere(data: st.DataObject, whole: str):
    definition: Any = yaml.safe_load(whole)
    inside = definition
    while isinstance(inside, dict | list) and inside:
        keys = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()) or not isinstance(inside[key], dict | list):
            inside[key] = data.draw(values)
            break
        inside = inside[key]
    check(json.dumps(definition), "w.json")
