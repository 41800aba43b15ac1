"""What a template and a node may name, and where: results, errors, addresses, and what only the settings know."""
# ruff: noqa: E501 - sentences stand on one line

from __future__ import annotations

import pytest

from engine.definition import load, missing_in_settings
from tests.unit.engine.definition.samples import EVERY_KIND, GOOD, problems


def test_a_result_that_can_only_have_failed_is_not_there():
    text = GOOD.replace(
        "sorry: {end: {status: failed}}", "sorry: {function: {name: f, args: {e: '{{ nodes.grant.PART }}'}}}"
    )
    load(text.replace("PART", "error"), "w.yaml")
    assert problems(text.replace("PART", "result")) == [
        "w.yaml:22: node sorry, field function.args.e: names the result of `grant`, which has failed on every way here; use its error"
    ]


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("one.result", None),
        ("one.error", None),
        ("two.result", "names the result of `two`, which has failed on every way here; use its error"),
        ("two.error", None),
        ("block.result", "names the result of `block`, which has failed on every way here; use its error"),
        ("block.error", None),
    ],
)
def test_what_the_failure_path_of_a_block_may_name(named: str, why: str | None):
    text = f"""
workflow: w
app: A
nodes:
  block:
    sync: {{nodes: {{one: {{function: {{name: f}}}}, two: {{function: {{name: f}}}}}}}}
    on_failure: tell
    next: use
  use: {{function: {{name: f, args: {{x: "{{{{ nodes.one.result }}}}{{{{ nodes.two.result }}}}"}}}}, next: end}}
  tell: {{function: {{name: f, args: {{x: "{{{{ nodes.{named} }}}}"}}}}, next: end}}
"""
    if why is None:
        load(text, "w.yaml")
    else:
        assert problems(text) == [f"w.yaml:10: node tell, field function.args.x: {why}"]


def test_the_result_of_an_approval_is_there_on_both_paths():
    result = "{x: '{{ nodes.ask.result.reason }}'}"
    load(
        f"""
workflow: w
app: A
nodes:
  ask: {{approval: {{approvers: ["@hr"]}}, approved: yes_, rejected: no_}}
  yes_: {{function: {{name: f, args: {result}}}, next: end}}
  no_: {{function: {{name: f, args: {result}}}, next: end}}
""",
        "w.yaml",
    )


def test_a_template_behind_a_branch_may_name_every_path():
    names = " ".join(f"{{{{ nodes.{node}.result }}}}" for node in ("a", "b", "c", "d"))
    text = f"""
workflow: w
app: A
nodes:
  split: {{branch: [a, route]}}
  a: {{function: {{name: f}}, next: met}}
  route: {{decision: [{{when: true, next: b}}, {{default: c}}]}}
  b: {{function: {{name: f}}, next: met}}
  c: {{function: {{name: f}}, next: met, on_failure: d}}
  d: {{function: {{name: f}}}}
  met: {{merge: {{}}}}
  last: {{function: {{name: f, args: {{x: "{names}"}}}}}}
"""
    load(text, "w.yaml")
    beside = text.replace("b: {function: {name: f}", "b: {function: {name: f, args: {x: '{{ nodes.a.result }}'}}")
    assert problems(beside) == [
        "w.yaml:8: node b, field function.args.x: names `a`, which cannot have run before `b`; name a node before it"
    ]


def test_two_blocks_may_not_share_an_id():
    block = "{sync: {nodes: {x: {function: {name: f}}}}}"
    assert problems(f"workflow: w\napp: A\nnodes:\n  a: {block}\n  b: {block}") == [
        "w.yaml:5: node x: another node has this id, on line 4; write one that no other node has"
    ]


def test_the_title_can_have_no_address():
    [problem] = problems(EVERY_KIND.replace("app: HR\n", "app: HR\ntitle: \"{{ callback_url('delivered') }}\"\n"))
    assert problem == (
        "w.yaml:3: field title: asks for the address of `delivered`, which the title cannot have; leave it out"
    )


def test_an_address_needs_a_public_url():
    inside = EVERY_KIND.replace("{id:", "{url: \"{{ callback_url('delivered') }}\", id:")
    workflow = load(inside, "w.yaml")
    assert missing_in_settings(workflow, None, None, None) == ()
    assert missing_in_settings(workflow, None, None, True) == ()
    without = load(EVERY_KIND.replace("{{ callback_url('delivered') }}", "x"), "w.yaml")
    assert missing_in_settings(without, None, None, False) == ()
    why = "asks for callback_url, but nobody outside could call it; set api.public_url in the settings"
    assert [str(problem) for problem in missing_in_settings(workflow, None, None, False)] == [
        f"w.yaml:6: node order, field action.body.tell: {why}",
        f"w.yaml:12: node enter, field function.args.url: {why}",
    ]


def test_names_that_only_the_settings_know():
    workflow = load(GOOD, "w.yaml")
    assert missing_in_settings(workflow, None, None) == ()
    assert missing_in_settings(workflow, {"it.note", "it.greet"}, {"identity"}) == ()
    assert [str(problem) for problem in missing_in_settings(workflow, {"it.notes", "it.greet"}, {"mail"})] == [
        "w.yaml:8: node grant, field action.connection: there is no connection `identity`; use mail",
        "w.yaml:16: node note, field function.name: there is no function `it.note`; did you mean `it.notes`?",
    ]
    assert [str(problem) for problem in missing_in_settings(workflow, None, set())] == [
        "w.yaml:8: node grant, field action.connection: there is no connection `identity`; add it under `connections` in the settings"
    ]


def test_names_inside_a_block_that_only_the_settings_know():
    workflow = load(EVERY_KIND, "w.yaml")
    functions, connections = {"hr.thank", "hr.sorry"}, {"shop"}
    assert [str(problem) for problem in missing_in_settings(workflow, functions, connections, None)] == [
        "w.yaml:11: node make, field action.connection: there is no connection `identity`; use shop",
        "w.yaml:12: node enter, field function.name: there is no function `hr.enter`; use hr.sorry or hr.thank",
    ]


@pytest.mark.parametrize("name", ["end", "flow", "input", "continue", "withdraw"])
def test_what_commands_and_paths_are_called_is_no_id(name: str):
    text = f"{{workflow: w, app: HR, nodes: {{{name}: {{end: {{status: failed}}}}}}}}"
    assert f"`{name}` is reserved; write another id, such as {name}_step" in "".join(problems(text))
