"""What is told of a text that is no definition, in which order, and how much of it; and how large one may be."""
# ruff: noqa: E501 - sentences stand on one line

from __future__ import annotations

import pytest
import yaml

from engine.definition import load, source
from engine.limits import MAX_DEFINITION_BYTES, MAX_DEFINITION_NODES, MAX_PROBLEMS
from tests.unit.engine.definition.samples import EVERY_KIND, GOOD, problems


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "w.yaml: a definition is a mapping; begin with `workflow: <name>`, `app: <name>` and `nodes:`"),
        ("- a", "w.yaml:1: a definition is a mapping; begin with `workflow: <name>`, `app: <name>` and `nodes:`"),
        ("nodes: {}", "w.yaml:1: field nodes: is empty; write at least one node, such as {done: {end: {status: completed}}}"),
        ("a: 1", "w.yaml:1: field nodes: is missing; write at least one node, such as {done: {end: {status: completed}}}"),
    ],
)  # fmt: skip
def test_no_definition_at_all(text: str, sentence: str):
    assert sentence in problems(text, "w.yaml")


@pytest.mark.parametrize("loader", sorted({"SafeLoader", source._LOADER.__name__}))
@pytest.mark.parametrize(
    ("text", "line", "mend"),
    [
        ("a:\n\tb: 1", 2, "indent with spaces instead of tabs"),
        ("a: b: c", 1, "put a text that has a colon in quotes, or correct the indentation"),
        ("a: 1\nwho: @hr", 2, "put a text that begins with a special character such as @, % or ` in quotes"),
        ("b: 1\na: }", 2, "look at the indentation, quotes and brackets here"),
        ('a: "b', 1, "close the quotes"),
        ("a: \x00", 1, "remove the control character"),
    ],
)
def test_broken_yaml(loader: str, text: str, line: int, mend: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source, "_LOADER", getattr(yaml, loader))
    [problem] = problems(text, "w.yaml")
    assert problem.startswith(f"w.yaml:{line}: this is not YAML: ")
    assert problem.endswith(f"; {mend}")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1,\n b}', "w.json:2: this is not JSON at column 2: expected a key in double quotes"),
        ("", 'w.json:1: this is not JSON at column 1: there is no JSON here; write a value, such as {"key": "text"}'),
        ('{"app": 1,\n"app": NaN}', "w.json:2: field app: the key stands twice, first on line 1; keep one of them"),
        (
            '{\n"app": NaN}',
            'w.json:2: field app: `NaN` means different things to different readers; write a plain number, or "NaN" in quotes',
        ),
    ],
)  # fmt: skip
def test_broken_json(text: str, sentence: str):
    assert sentence in problems(text, "w.json")


@pytest.mark.parametrize("nodes", ["{}", "[]", "[{id: a, function: {name: f}}]", "", "text", "5"])
def test_a_sync_block_without_nodes(nodes: str):
    [problem] = problems(f"workflow: w\napp: A\nnodes: {{a: {{sync: {{nodes: {nodes}}}}}}}")
    assert problem.endswith("; write a mapping of actions and functions by id")
    assert problem.startswith("w.yaml:3: node a, field sync.nodes: is ")


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = (
        GOOD.replace("POST", "PSOT").replace("fialed", "x").replace("app: IT\n", "app: ''\n").replace("vip }}", "vip }")
    )
    found = problems(text)
    assert [problem.split(": ")[0] for problem in found] == ["w.yaml:2", "w.yaml:9", "w.yaml:19"]


def test_of_very_many_problems_the_first_are_told():
    nodes = "\n".join(f"  n{i}: {{function: {{name: f}}, next: nowhere{i}}}" for i in range(1000))
    found = problems(f"workflow: w\napp: A\nnodes:\n{nodes}")
    assert len(found) == MAX_PROBLEMS + 1
    assert found[0].startswith("w.yaml:4: node n0, field next: there is no node `nowhere0`; write ")
    assert found[-1] == "w.yaml: and more is wrong; correct this first"


def test_what_an_approval_does_not_lead_to_by_next_is_said_once():
    text = EVERY_KIND.replace("    rejected: refused", "    next: nowhere\n    rejected: refused")
    assert problems(text) == ["w.yaml:16: node ask, field next: is not known; write `approved`"]


def test_cycles_that_share_nothing_are_each_named():
    nodes = "d: {decision: [{when: true, next: a}, {default: x}]}, a: {function: {name: f}}, b: {function: {name: f}, next: a}"
    found = problems(f"workflow: w\napp: A\nnodes: {{{nodes}, x: {{function: {{name: f}}, next: x}}}}", "w.yaml")
    assert [problem.split("itself: ")[1].split(";")[0] for problem in found] == ["a → b → a", "x → x"]


@pytest.mark.parametrize("file", ["w.yaml", "w.json"])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [60, 500, 100_000])
def test_deep_nesting_is_refused(file: str, opening: str, depth: int):
    closing = "]" if opening == "[" else "}"
    [problem] = problems(opening * depth + "1" + closing * depth, file)
    assert "levels" in problem


def test_a_file_that_is_too_large_is_refused():
    [problem] = problems("# " + "x" * MAX_DEFINITION_BYTES, "w.yaml")
    assert problem == "w.yaml: the file is larger than 1,048,576 bytes; split it"


@pytest.mark.parametrize("text", ["? KEY\n: 1", "nodes:\n  ? KEY\n  : 1", "nodes: {a: {delay: {? KEY : 1}}}"])
def test_a_key_as_long_as_a_file_is_cut_in_the_sentence(text: str):
    found = problems(f"workflow: w\napp: A\n{text.replace('KEY', 'k' * 900_000)}")
    assert found and all(len(problem) < 500 for problem in found)


def test_too_many_nodes_are_refused():
    nodes = "\n".join(f"  n{i}: {{function: {{name: f}}}}" for i in range(MAX_DEFINITION_NODES + 1))
    [problem] = problems(f"workflow: w\napp: A\nnodes:\n{nodes}", "w.yaml")
    assert problem == "w.yaml:3: field nodes: has 2,001 nodes; split the workflow, 2,000 are the most"


def test_the_nodes_inside_blocks_count():
    inner = "\n".join(f"        n{i}: {{function: {{name: f}}}}" for i in range(MAX_DEFINITION_NODES))
    text = f"workflow: w\napp: A\nnodes:\n  b:\n    sync:\n      nodes:\n{inner}"
    assert problems(text) == ["w.yaml:3: field nodes: has 2,001 nodes; split the workflow, 2,000 are the most"]
    load(text[: text.rindex("\n")], "w.yaml")


def test_lone_surrogates_are_refused():
    [problem] = problems("a: \ud800", "w.yaml")
    assert problem == "w.yaml:1: the file is not UTF-8; save it as UTF-8"
    for text in ("\\ud800", "\ud800"):  # escaped, and as it is
        [problem] = problems(f'{{"workflow": "w",\n"title": "{text}"}}', "w.json")
        assert problem == "w.json:2: a text holds one half of a surrogate pair; write the whole character"
