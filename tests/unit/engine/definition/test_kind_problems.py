"""Mistakes in the kinds of node that wait, branch and contain, and the sentence that each gives."""
# ruff: noqa: E501 - a mistake and its sentence stand on one line

from __future__ import annotations

import pytest

from engine.definition import DefinitionError, check, load
from engine.limits import MAX_DEFINITION_NODES, MAX_PROBLEMS
from tests.unit.engine.definition.samples import EVERY_KIND


def problems(text: str) -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load(text, "w.yaml")
    return [str(problem) for problem in caught.value.problems]


ACCOUNT, ENTER, ASK = "node account, field ", "node enter, field ", "node ask, field "
PAUSE, LATER, WAIT = "node pause, field ", "node later, field ", "node delivered, field "
WHO = 'write a list such as [hr-lead@example.com, "@hr-admins"]'
TIME = "write a time such as 2030-01-31T09:00:00+01:00"
DELAY_FORMS = "write {for: 2h} or {until: 2030-01-31T09:00:00+01:00}"

MISTAKES = [
    # A branch
    ("{branch: [pause, later]}", "{branch: [pause]}", "17: node both, field branch: is no branch; write two nodes or more, such as [desk, laptop], or lead there with `next`"),
    ("{branch: [pause, later]}", "{branch: [pause, later, pause]}", "17: node both, field branch: names `pause` more than once; name each node once"),
    ("{branch: [pause, later]}", "{branch: pause}", "17: node both, field branch: is `pause`; write a list of nodes such as [desk, laptop]"),
    ("{branch: [pause, later]}", "{branch: [pause, latre]}", "17: node both, field branch[1]: there is no node `latre`; did you mean `later`?"),
    ("{branch: [pause, later]}", "{branch: [pause, 5]}", "17: node both, field branch[1]: is the number 5; write a list of nodes such as [desk, laptop]"),
    ("{branch: [pause, later]}", "{branch: [pause, later], next: met}", "17: node both, field next: is not known; use branch"),
    ("{branch: [pause, later]}", "{branch: [pause, make]}", "17: node both, field branch[1]: leads into a sync block, which runs as one; write `account`"),
    # A merge
    ("{merge: {}}", "{merge: }", "20: node met, field merge: is empty; write {}"),
    ("{merge: {}}", "{merge: {all: true}}", "20: node met, field merge.all: is not known; remove it"),
    ("{merge: {}}", "{merge: {}, on_failure: sorry}", "20: node met, field on_failure: is not known; use next or merge"),
    # A sync block
    ("    on_failure: sorry\n  ask:", "    result_schema: {}\n  ask:", f"13: {ACCOUNT}result_schema: is not known; use next, on_failure or sync"),
    ("  account:\n    sync:\n      nodes:\n", "  account:\n    sync:\n      steps:\n", f"9: {ACCOUNT}sync.nodes: is missing; write a mapping of actions and functions by id"),
    ("        enter: {function:", "        enter: {next: make, function:", f"12: {ENTER}next: cannot be used in a sync block, which runs its nodes in the order of the file; remove it"),
    ("        enter: {function:", "        enter: {on_failure: sorry, function:", f"12: {ENTER}on_failure: cannot be used in a sync block, which fails as one; write it at the block"),
    ("        enter: {function:", "        enter: {result_schema: {}, function:", f"12: {ENTER}result_schema: cannot be used in a sync block, which takes no input by hand; remove it"),
    ("        enter: {function:", "        enter: {functoin:", f"12: {ENTER}functoin: says not what it does; did you mean `function`?"),
    ("        enter: {function:", "        enter: {delay: {for: 2h}, function:", "12: node enter: is `delay` and `function` at once; keep one, and make a node of each other"),
    ("        enter: {function: {name: hr.enter", "        enter: {function: {nmae: hr.enter", f"12: {ENTER}function.nmae: is not known; did you mean `name`?"),
    ("        enter: {function:", "        enter: {id: x, function:", f"12: {ENTER}id: is not known; use function"),
    ("        make: {action: {connection: identity, method: POST, path: /accounts}}", "        make: {delay: {for: 2h}}", "11: node make, field delay: cannot be used in a sync block; use action or function, or move it out"),
    ("        make: {action: {connection: identity, method: POST, path: /accounts}}", "        make: 5", "11: node make: is the number 5; write a mapping with one of action or function"),
    ("        make:", "        input:", "11: node input: `input` is reserved; write another id, such as input_step"),
    ("        make:", "        Make:", "11: node Make: `Make` is no id; write small letters, digits and _, a letter first, 60 at most"),
    ("        make:", "        ask:", "11: node ask: another node has this id, on line 14; write one that no other node has"),
    ("nodes.make.result.id", "nodes.enter.result.id", f"12: {ENTER}function.args.id: names `enter`, which cannot have run before `enter`; name a node before it"),
    ("nodes.make.result.id", "nodes.account.result.id", f"12: {ENTER}function.args.id: names `account`, which cannot have run before `enter`; name a node before it"),
    ("nodes.make.result.id", "nodes.amke.result.id", f"12: {ENTER}function.args.id: there is no node `amke`; did you mean `make`?"),
    ("nodes.make.result.id", "nodes.make.reslt.id", f"12: {ENTER}function.args.id: `nodes.make.reslt.id` cannot be used; write nodes.make.result or nodes.make.error"),
    ("body: {tell:", 'body: {x: "{{ nodes.make.result }}", tell:', "6: node order, field action.body.x: names `make`, which cannot have run before `order`; name a node before it"),
    ("[nodes.enter.result.secret]", "[nodes.entre.result.secret]", "3: field sensitive[0]: names no node of this workflow; did you mean `enter`?"),
    # An approval
    ("need: all", "need: most", f"15: {ASK}approval.need: is `most`; write any or all"),
    ("need: all", "need: ALL", f"15: {ASK}approval.need: is `ALL`; did you mean `all`?"),
    ("need: all", "ned: all", f"15: {ASK}approval.ned: is not known; did you mean `need`?"),
    (", a@example.com]", ", ann]", f"15: {ASK}approval.approvers[2]: is `ann`; write an e-mail address or @group"),
    (", a@example.com]", ", 5]", f"15: {ASK}approval.approvers[2]: is the number 5; {WHO}"),
    ('["{{ request.input.boss }}", "@hr-admins", a@example.com]', "[]", f"15: {ASK}approval.approvers: is an empty list; {WHO}"),
    ('["{{ request.input.boss }}", "@hr-admins", a@example.com]', "a@example.com", f"15: {ASK}approval.approvers: is `a@example.com`; {WHO}"),
    ('"@hr-admins"', "@hr-admins", "15: this is not YAML: found character that cannot start any token while scanning for the next token; put a text that begins with a special character such as @, % or ` in quotes"),
    ("{{ request.input.boss }}", "{{ request.inptu.boss }}", f"15: {ASK}approval.approvers[0]: `request.inptu.boss` does not exist; write request.id or request.input"),
    ("need: all, timeout: 2d", "need: all, timeout: 0s", f"15: {ASK}approval.timeout: is no time at all; write a duration such as 10s"),
    ("    rejected: refused", "    next: both\n    rejected: refused", f"16: {ASK}next: is not known; write `approved`"),
    ("    rejected: refused", "    on_failure: refused", f"16: {ASK}on_failure: is not known; use approval, approved or rejected"),
    ("    rejected: refused", "    rejected: refusal", f"16: {ASK}rejected: there is no node `refusal`; did you mean `refused`?"),
    # A delay
    ("{delay: {for: 2h}", "{delay: 2h", f"18: {PAUSE}delay: is `2h`; write a mapping such as {{for: 2h}}"),
    ("{delay: {for: 2h}", "{delay: {}", f"18: {PAUSE}delay: has neither `for` nor `until`; {DELAY_FORMS}"),
    ("{delay: {for: 2h}", "{delay: {for: 2h, until: 2030-01-31T09:00:00Z}", f"18: {PAUSE}delay: has both `for` and `until`; {DELAY_FORMS}"),
    ("{delay: {for: 2h}", "{delay: {for: soon}", f"18: {PAUSE}delay.for: is `soon`; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds"),
    ("{delay: {for: 2h}", "{delay: {for: 0s}", f"18: {PAUSE}delay.for: is no time at all; write a duration such as 10s"),
    ("{delay: {for: 2h}", "{delay: {for: 366d}", f"18: {PAUSE}delay.for: is `366d`; write a duration between 0s and 365d"),
    ("{delay: {for: 2h}", "{delay: {for: }", f"18: {PAUSE}delay.for: is empty; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds"),
    ("{delay: {for: 2h}", "{delay: {until: tomorrow}", f"18: {PAUSE}delay.until: is `tomorrow`; {TIME}"),
    ("{delay: {for: 2h}", "{delay: {until: 2030-13-31T09:00:00Z}", f"18: {PAUSE}delay.until: is `2030-13-31T09:00:00Z`; {TIME}"),
    ("{delay: {for: 2h}", "{delay: {until: 2030-01-31T09:00:00}", f"18: {PAUSE}delay.until: is `2030-01-31T09:00:00`, which names no zone; {TIME}, or end it with Z"),
    ("{delay: {for: 2h}", "{delay: {until: 1700000000}", f"18: {PAUSE}delay.until: is the number 1700000000; {TIME}"),
    ("{delay: {for: 2h}", "{delay: {fro: 2h}", f"18: {PAUSE}delay.fro: is not known; use for or until"),
    ("{{ request.input.day }}", "{{ nodes.pause.result }}", f"19: {LATER}delay.until: names `pause`, a node of kind delay, which gives no result; name another"),
    # A callback
    ("{callback: {timeout: 2d}", "{callback: 2d", f"21: {WAIT}callback: is `2d`; write {{}}, or a mapping such as {{timeout: 2d}}"),
    ("{callback: {timeout: 2d}", "{callback: {tiemout: 2d}", f"21: {WAIT}callback.tiemout: is not known; did you mean `timeout`?"),
    ("result_schema: {type: object}, on", "result_schema: {type: objekt}, on", f"21: {WAIT}result_schema.type: is not a JSON Schema of Draft 2020-12: 'objekt' is not valid under any of the given schemas; correct it"),
    ("callback_url('delivered')", "callback_url('deliverd')", "6: node order, field action.body.tell: there is no node `deliverd`; did you mean `delivered`?"),
    ("callback_url('delivered')", "callback_url('account')", "6: node order, field action.body.tell: asks for the address of `account`, a node of kind sync; name a callback node"),
    ("callback_url('delivered')", "callback_url(delivered)", "6: node order, field action.body.tell: `callback_url` takes the id of one callback node, in quotes: callback_url('confirmation')"),
    ('{who: "{{ nodes.ask.result.by }}"', "{who: \"{{ callback_url('delivered') }}\"", "27: node thanks, field function.args.who: asks for the address of `delivered`, which is not behind `thanks`; ask in a step before it"),
    # The graph
    ("later: {delay", "lost: {merge: {}, next: met}\n  later: {delay", "19: node lost: nothing leads to this node; name it in a next, on_failure, decision or branch of another node, or remove it"),
    ("[pause, later]", "[pause, later, both]", "17: node both: leads back to itself: both → both; lead it on to another node, or to end"),
    ("rejected: refused", "rejected: account", "14: node ask: leads back to itself: account → ask → account; lead it on to another node, or to end"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "sentence"), MISTAKES, ids=[row[2][:60] for row in MISTAKES])
def test_a_mistake_is_told(before: str, after: str, sentence: str):
    assert before in EVERY_KIND
    assert f"w.yaml:{sentence}" in problems(EVERY_KIND.replace(before, after, 1))


@pytest.mark.parametrize("nodes", ["{}", "[]", "[{id: a, function: {name: f}}]", "", "text", "5"])
def test_a_sync_block_without_nodes(nodes: str):
    [problem] = problems(f"workflow: w\napp: A\nnodes: {{a: {{sync: {{nodes: {nodes}}}}}}}")
    assert problem.endswith("; write a mapping of actions and functions by id")
    assert problem.startswith("w.yaml:3: node a, field sync.nodes: is ")


def test_two_blocks_may_not_share_an_id():
    block = "{sync: {nodes: {x: {function: {name: f}}}}}"
    assert problems(f"workflow: w\napp: A\nnodes:\n  a: {block}\n  b: {block}") == [
        "w.yaml:5: node x: another node has this id, on line 4; write one that no other node has"
    ]


def test_the_nodes_inside_blocks_count():
    inner = "\n".join(f"        n{i}: {{function: {{name: f}}}}" for i in range(MAX_DEFINITION_NODES))
    text = f"workflow: w\napp: A\nnodes:\n  b:\n    sync:\n      nodes:\n{inner}"
    assert problems(text) == ["w.yaml:3: field nodes: has 2,001 nodes; split the workflow, 2,000 are the most"]
    load(text[: text.rindex("\n")], "w.yaml")


def test_what_an_approval_does_not_lead_to_by_next_is_said_once():
    text = EVERY_KIND.replace("    rejected: refused", "    next: nowhere\n    rejected: refused")
    assert problems(text) == ["w.yaml:16: node ask, field next: is not known; write `approved`"]


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


def test_the_title_can_have_no_address():
    [problem] = problems(EVERY_KIND.replace("app: HR\n", "app: HR\ntitle: \"{{ callback_url('delivered') }}\"\n"))
    assert problem == (
        "w.yaml:3: field title: asks for the address of `delivered`, which the title cannot have; leave it out"
    )


def test_of_very_many_problems_the_first_are_told():
    nodes = "\n".join(f"  n{i}: {{function: {{name: f}}, next: nowhere{i}}}" for i in range(1000))
    found = problems(f"workflow: w\napp: A\nnodes:\n{nodes}")
    assert len(found) == MAX_PROBLEMS + 1
    assert found[0].startswith("w.yaml:4: node n0, field next: there is no node `nowhere0`; write ")
    assert found[-1] == "w.yaml: and more is wrong; correct this first"


def test_names_inside_a_block_that_only_the_settings_know():
    workflow = load(EVERY_KIND, "w.yaml")
    functions, connections = {"hr.thank", "hr.sorry"}, {"shop"}
    assert [str(problem) for problem in check(workflow, functions, connections, None)] == [
        "w.yaml:11: node make, field action.connection: there is no connection `identity`; use shop",
        "w.yaml:12: node enter, field function.name: there is no function `hr.enter`; use hr.sorry or hr.thank",
    ]


def test_an_address_needs_a_public_url():
    inside = EVERY_KIND.replace("{id:", "{url: \"{{ callback_url('delivered') }}\", id:")
    workflow = load(inside, "w.yaml")
    assert check(workflow, None, None, None) == ()
    assert check(workflow, None, None, True) == ()
    assert check(load(EVERY_KIND.replace("{{ callback_url('delivered') }}", "x"), "w.yaml"), None, None, False) == ()
    why = "asks for callback_url, but nobody outside could call it; set api.public_url in the settings"
    assert [str(problem) for problem in check(workflow, None, None, False)] == [
        f"w.yaml:6: node order, field action.body.tell: {why}",
        f"w.yaml:12: node enter, field function.args.url: {why}",
    ]
