"""Each kind of mistake, and the sentence it gives: what is wrong, where, and what to write instead."""
# ruff: noqa: E501 - a mistake and its sentence stand on one line

from __future__ import annotations

import pytest
import yaml

from engine.definition import DefinitionError, check, load, source
from engine.errors import RetriggerError
from engine.limits import MAX_DEFINITION_BYTES, MAX_DEFINITION_NODES

GOOD = """\
workflow: access
app: IT
title: "Access for {{ request.input.name }}"
constants: {limit: 3}
nodes:
  grant:
    action:
      connection: identity
      method: POST
      path: /grants
      body: {who: "{{ request.input.name }}", most: "{{ constants.limit }}"}
      expect: {status: 201}
      retry: {times: 2}
    on_failure: sorry
  note:
    function: {name: it.note, args: {grant: "{{ nodes.grant.result.id }}"}}
  route:
    decision:
      - {when: "{{ request.input.vip }}", next: greet}
      - {default: end}
  greet: {function: {name: it.greet}, next: end}
  sorry: {end: {status: failed}}
"""


def problems(text: str, file: str = "access.yaml") -> list[str]:
    with pytest.raises(DefinitionError) as caught:
        load(text, file)
    assert isinstance(caught.value, RetriggerError)
    assert [str(problem) for problem in caught.value.problems] == str(caught.value).split("\n")
    return [str(problem) for problem in caught.value.problems]


def test_the_text_that_the_mistakes_are_made_in_is_right():
    load(GOOD, "access.yaml")


KINDS = "action, function, decision, branch, merge, sync, approval, delay, callback or end"
GRANT, NOTE, ROUTE = "node grant, field ", "node note, field ", "node route, field "

MISTAKES = [
    # The head
    ("workflow: access\n", "", "1: field workflow: is missing; write a name of lower-case letters, digits, - and _, such as onboarding"),
    ("access\n", "Access!\n", "1: field workflow: is `Access!`; write a name of lower-case letters, digits, - and _, such as onboarding"),
    ("app: IT", "app: 7", "2: field app: is the number 7; write a name of letters, digits, spaces, . - and _, such as HR"),
    ("constants:", "constnats:", "4: field constnats: is not known; did you mean `constants`?"),
    ("nodes:", "ndoes:", "5: field ndoes: is not known; did you mean `nodes`?"),
    ("constants: {limit: 3}", "constants: [3]", "4: field constants: is a list; write a mapping such as {limit: 100}"),
    ("constants:", "self_action: maybe\nconstants:", "4: field self_action: is `maybe`; write true or false"),
    ("constants:", "self_action: no\nconstants:", '4: field self_action: `no` means different things to different readers; write false, or "no" in quotes'),
    ("{{ request.input.name }}\"\nc", "{{ request.id }}\"\nc", "3: field title: names `request.id`, but the request has no id when the title is made; leave it out"),
    ("{{ request.input.name }}\"\nc", "{{ nodes.note.result }}\"\nc", "3: field title: names `nodes.note.result`, but no node has run when the title is made; leave it out"),
    ("constants:", "input_schema: {properties: {pattern: {pattern: '(?=a)b'}}}\nconstants:", "4: field input_schema.properties.pattern.pattern: is no pattern that is matched in bounded time (invalid perl operator: (?=); write it without look-around and back references"),
    ("constants:", "input_schema: {allOf: [{patternProperties: {'^(a+)+$': true}}], unevaluatedProperties: false}\nconstants:", "4: field input_schema.unevaluatedProperties: cannot be used in a schema that has patternProperties; write additionalProperties instead"),
    ("constants:", "input_schema: {examples: [{patternProperties: {'^(a+)+$': true}}], items: {unevaluatedProperties: false, $ref: '#/examples/0'}}\nconstants:", "4: field input_schema.items.unevaluatedProperties: cannot be used in a schema that has patternProperties; write additionalProperties instead"),
    ("constants:", "input_schema: {type: objekt}\nconstants:", "4: field input_schema.type: is not a JSON Schema of Draft 2020-12: 'objekt' is not valid under any of the given schemas; correct it"),
    ("constants:", "input_schema: {$ref: 'https://example.com/s'}\nconstants:", "4: field input_schema.$ref: is `https://example.com/s`; write a reference inside this schema, such as #/$defs/name"),
    ("constants:", "input_schema: {properties: {default: {$ref: 'x.json'}}}\nconstants:", "4: field input_schema.properties.default.$ref: is `x.json`; write a reference inside this schema, such as #/$defs/name"),
    ("constants:", "input_schema: {$ref: '#/$defs/no'}\nconstants:", "4: field input_schema.$ref: is `#/$defs/no`, which is not in this schema; add it there, or correct the reference"),
    ("constants:", "input_schema: {allOf: [{$ref: '#'}]}\nconstants:", "4: field input_schema: refers to itself without end; put the reference below `properties` or `items`"),
    ("constants:", "input_schema: {$schema: 'http://json-schema.org/draft-07/schema#'}\nconstants:", "4: field input_schema.$schema: is `http://json-schema.org/draft-07/schema#`; leave it out, or write https://json-schema.org/draft/2020-12/schema"),
    ("constants:", "input_schema: {$id: 'x'}\nconstants:", "4: field input_schema.$id: cannot be used; leave it out, and refer to parts as #/$defs/name"),
    ("constants:", "sensitive: [input.x]\nconstants:", "4: field sensitive[0]: is `input.x`; write request.input.<key> or nodes.<id>.result.<key>"),
    ("constants:", "sensitive: [nodes.garnt.result.x]\nconstants:", "4: field sensitive[0]: names no node of this workflow; did you mean `grant`?"),
    # A node
    ("  sorry: {end", "  Sorry: 5\n  sorry: {end", "22: node Sorry: `Sorry` is no id; write small letters, digits and _, a letter first, 60 at most"),
    ("  sorry: {end", "  flow: {end: {status: failed}}\n  sorry: {end", "22: node flow: `flow` is reserved; write another id, such as flow_step"),
    ("greet: {function: {name: it.greet}, next: end}", "greet: 5", f"21: node greet: is the number 5; write a mapping with one of {KINDS}"),
    ("greet: {function: {name: it.greet}, next: end}", "greet: {next: end}", f"21: node greet: says not what it does; write one of {KINDS}"),
    ("greet: {function:", "greet: {funktion:", "21: node greet, field funktion: says not what it does; did you mean `function`?"),
    ("next: end}\n", "next: end, end: {status: failed}}\n", "21: node greet: is `function` and `end` at once; keep one, and make a node of each other"),
    ("next: end}\n", "next: end, id: x}\n", "21: node greet, field id: is not known; use function, next, on_failure or result_schema"),
    ("next: end}\n", "nxt: end}\n", "21: node greet, field nxt: is not known; did you mean `next`?"),
    ("next: end}\n", "next: 5}\n", "21: node greet, field next: is the number 5; write the id of a node, or end"),
    ("next: end}\n", "next: soryr}\n", "21: node greet, field next: there is no node `soryr`; did you mean `sorry`?"),
    ("on_failure: sorry", "on_failure: sory", "14: node grant, field on_failure: there is no node `sory`; did you mean `sorry`?"),
    ("on_failure: sorry", "on_failure: sorry\n    result_schema: 5", "15: node grant, field result_schema: is the number 5; write a JSON Schema, such as {type: object}"),
    ("next: greet", "next: geret", f"19: {ROUTE}decision[0].next: there is no node `geret`; did you mean `greet`?"),
    # An action
    ("      connection: identity\n", "", f"7: {GRANT}action.connection: is missing; write the name of a connection of the settings"),
    ("method: POST", "method: PSOT", f"9: {GRANT}action.method: is `PSOT`; did you mean `POST`?"),
    ("method: POST", "method: post", f"9: {GRANT}action.method: is `post`; did you mean `POST`?"),
    ("method: POST", "method: FETCH", f"9: {GRANT}action.method: is `FETCH`; write GET, POST, PUT, PATCH, DELETE or HEAD"),
    ("      method: POST\n", "", f"7: {GRANT}action.method: is missing; write GET, POST, PUT, PATCH, DELETE or HEAD"),
    ("path: /grants", "path: grants", f"10: {GRANT}action.path: is `grants`; write a path that starts with one `/`, such as /accounts: the connection's base_url decides scheme and host"),
    ("path: /grants", "path: https://evil.example/x", f"10: {GRANT}action.path: is `https://evil.example/x`; write a path that starts with one `/`, such as /accounts: the connection's base_url decides scheme and host"),
    ("path: /grants", "path: //evil.example", f"10: {GRANT}action.path: is `//evil.example`; write a path that starts with one `/`, such as /accounts: the connection's base_url decides scheme and host"),
    ("path: /grants", 'path: "{{ request.input.url }}"', f"10: {GRANT}action.path: is `{{{{ request.input.url }}}}`; write a path that starts with one `/`, such as /accounts: the connection's base_url decides scheme and host"),
    ("path: /grants", "path: /grants?x=1", f"10: {GRANT}action.path: is `/grants?x=1`; write a path without spaces, ? and #, and what follows ? under `query`"),
    ("path: /grants", 'path: "/grants?x={{ request.id }}"', f"10: {GRANT}action.path: is `/grants?x={{{{ request.id }}}}`; write a path without spaces, ? and #, and what follows ? under `query`"),
    ("path: /grants", "path: /grants/../users", f"10: {GRANT}action.path: is `/grants/../users`; write a path without . and .. as parts"),
    ("      body:", "      query: {a: [1, {b: 2}]}\n      body:", f"11: {GRANT}action.query: has a mapping or nested list in `a`; write a text, a number, true, false, or a list of these"),
    ("{who:", '{"{{ request.id }}":', f"11: {GRANT}action.body.{{{{ request.id }}}}: is a template as a key; write a literal key: only values are rendered"),
    ("connection: identity", 'connection: "{{ request.input.c }}"', f"8: {GRANT}action.connection: is `{{{{ request.input.c }}}}`; write the name of a connection of the settings"),
    ("      body:", "      headers: {Host: x}\n      body:", f"11: {GRANT}action.headers: has `Host`, which the engine sets itself; remove it"),
    ("      body:", "      headers: {'a b': x}\n      body:", f"11: {GRANT}action.headers: has `a b`; write a header's name, such as X-Trace"),
    ("      body:", "      headers: {Authorization: Bearer x}\n      body:", f"11: {GRANT}action.headers: has `Authorization`; write it as the `auth` of the connection, in the settings: secrets stay there"),
    ("      body:", "      headers: {X-A: 5}\n      body:", f"11: {GRANT}action.headers.X-A: is the number 5; write texts, such as {{X-Trace: \"{{{{ request.id }}}}\"}}"),
    ("      body:", "      query: [1]\n      body:", f"11: {GRANT}action.query: is a list; write a mapping such as {{page: 1}}"),
    ("status: 201", "status: [201, 302]", f"12: {GRANT}action.expect.status[1]: is the number 302; write statuses from 200 to 299 or 400 to 599 (redirects are failures)"),
    ("status: 201", "status: []", f"12: {GRANT}action.expect.status: is an empty list; write a list of statuses such as [200, 201]"),
    ("status: 201", "staus: 201", f"12: {GRANT}action.expect.staus: is not known; did you mean `status`?"),
    ("status: 201", "schema: {type: 5}", f"12: {GRANT}action.expect.schema.type: is not a JSON Schema of Draft 2020-12: 5 is not valid under any of the given schemas; correct it"),
    ("retry: {times: 2}", "retry: 2", f"13: {GRANT}action.retry: is the number 2; write a mapping such as {{times: 3, interval: 2s, backoff: 2}}"),
    ("times: 2", "times: -1", f"13: {GRANT}action.retry.times: is the number -1; write a whole number from 0 to 100"),
    ("times: 2", "times: 2.5", f"13: {GRANT}action.retry.times: is the number 2.5; write a whole number such as 3"),
    ("times: 2", "interval: soon", f"13: {GRANT}action.retry.interval: is `soon`; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds"),
    ("times: 2", "interval: 400d", f"13: {GRANT}action.retry.interval: is `400d`; write a duration between 0s and 365d"),
    ("times: 2", "backoff: 0", f"13: {GRANT}action.retry.backoff: is the number 0; write a number from 1 to 10"),
    ("      retry:", "      timeout: 0s\n      retry:", f"13: {GRANT}action.timeout: is no time at all; write a duration such as 10s"),
    ("      retry:", "      timeout: .inf\n      retry:", f'13: {GRANT}action.timeout: `.inf` means different things to different readers; write a plain number, or ".inf" in quotes'),
    # A function
    ("{name: it.greet}", "{}", "21: node greet, field function.name: is missing; write the name that the function is registered with"),
    ("{name: it.greet}", "{name: it.greet, isolation: procces}", "21: node greet, field function.isolation: is `procces`; did you mean `process`?"),
    ("{name: it.greet}", "{name: it.greet, args: {not-a-name: 1}}", "21: node greet, field function.args: has `not-a-name`; write the name of an argument of the Python function"),
    ("{name: it.greet}", "{name: it.greet, args: {idempotency_key: 1}}", "21: node greet, field function.args: has `idempotency_key`, which the engine gives to a function that takes it; remove it"),
    # A decision
    ("      - {default: end}\n", "", f"18: {ROUTE}decision: has no default; end the list with {{default: <node>}}"),
    ("      - {default: end}\n", "      - {default: end}\n      - {when: true, next: greet}\n", f"18: {ROUTE}decision: goes on after its default, which always wins; write one {{default: <node>}}, as the last case"),
    (", next: greet}", "}", f'19: {ROUTE}decision[0]: is neither form of a case; write {{when: "{{{{ … }}}}", next: <node>}} or {{default: <node>}}'),
    ('"{{ request.input.vip }}"', "request.input.vip", f'19: {ROUTE}decision[0]: has a `when` that is no condition; write it as "{{{{ request.input.vip }}}}"'),
    ("    decision:\n", "    next: greet\n    decision:\n", f"18: {ROUTE}next: is not known; use decision"),
    # An end
    ("status: failed", "status: fialed", "22: node sorry, field end.status: is `fialed`; did you mean `failed`?"),
    ("status: failed", "status: failed, cancel_others: 1", "22: node sorry, field end.cancel_others: is the number 1; write true or false"),
    # Templates
    ("{{ request.input.name }}\", most", "{{ request.input.name \", most", f"11: {GRANT}action.body.who: `{{{{ request.input.name` is not a template: unexpected end of template, expected 'end of print statement'; write it like {{{{ request.input.name }}}}"),
    ("{{ request.input.name }}\", most", "{{ reqest.input.name }}\", most", f"11: {GRANT}action.body.who: there is no name `reqest`; did you mean `request`?"),
    ("{{ constants.limit }}", "{{ constants.limt }}", f"11: {GRANT}action.body.most: there is no constant `limt`; did you mean `limit`?"),
    ("{{ nodes.grant.result.id }}", "{{ nodes.garnt.result.id }}", f"16: {NOTE}function.args.grant: there is no node `garnt`; did you mean `grant`?"),
    ("{{ nodes.grant.result.id }}", "{{ nodes.grant.reslt.id }}", f"16: {NOTE}function.args.grant: `nodes.grant.reslt.id` cannot be used; write nodes.grant.result or nodes.grant.error"),
    ("{{ nodes.grant.result.id }}", "{{ nodes.greet.result }}", f"16: {NOTE}function.args.grant: names `greet`, which cannot have run before `note`; name a node before it"),
    ("{{ nodes.grant.result.id }}", "{{ nodes.note.result }}", f"16: {NOTE}function.args.grant: names `note`, which cannot have run before `note`; name a node before it"),
    ("{name: it.greet}", '{name: f, args: {x: "{{ nodes.route.result }}"}}', "21: node greet, field function.args.x: names `route`, a node of kind decision, which gives no result; name another"),
    ("{{ request.input.name }}\", most", "{{ 1 | uper }}\", most", f"11: {GRANT}action.body.who: there is no filter `uper`; did you mean `upper`?"),
    # The graph
    ("  sorry: {end", "  lost: {function: {name: f}}\n  sorry: {end", "22: node lost: nothing leads to this node; name it in a next, on_failure, decision or branch of another node, or remove it"),
    ("next: end}\n", "next: note}\n", "21: node greet: leads back to itself: note → route → greet → note; lead it on to another node, or to end"),
    ("next: end}\n", "next: greet}\n", "21: node greet: leads back to itself: greet → greet; lead it on to another node, or to end"),
    # YAML
    ("app: IT", "app: *it", "2: the alias `*it` cannot be used; write the value out, or the text in quotes"),
    ("app: IT", "app: &it IT", "2: the anchor `&it` cannot be used; write the value out, or the text in quotes"),
    ("app: IT", "app: !!python/name:os.system x", "2: the tag `tag:yaml.org,2002:python/name:os.system` cannot be used; leave it out, or put the text in quotes"),
    ("app: IT", "app: IT\napp: HR", "3: field app: the key stands twice, first on line 2; keep one of them"),
    ("times: 2", "times: 012", f'13: {GRANT}action.retry.times: `012` means different things to different readers; write a plain number, or "012" in quotes'),
    ("limit: 3", "limit: 1e999", "4: field constants.limit: the number is too large; write it as a text in quotes"),
    ('"{{ request.input.vip }}"', "{{ request.input.vip }}", f'19: {ROUTE}decision[0].when: has a key that is no text; put a template in quotes: "{{{{ request.id }}}}"'),
    ("sorry: {end: {status: failed}}", "sorry: {end: {status: failed}}\n---\na: 1", "23: a file holds one definition; move what follows `---` to a file of its own"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "sentence"), MISTAKES, ids=[row[2][:60] for row in MISTAKES])
def test_a_mistake_is_told(before: str, after: str, sentence: str):
    assert before in GOOD
    assert f"access.yaml:{sentence}" in problems(GOOD.replace(before, after, 1))


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


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = (
        GOOD.replace("POST", "PSOT").replace("fialed", "x").replace("app: IT\n", "app: ''\n").replace("vip }}", "vip }")
    )
    found = problems(text)
    assert [problem.split(": ")[0] for problem in found] == ["access.yaml:2", "access.yaml:9", "access.yaml:19"]


def test_a_result_that_can_only_have_failed_is_not_there():
    text = GOOD.replace(
        "sorry: {end: {status: failed}}", "sorry: {function: {name: f, args: {e: '{{ nodes.grant.PART }}'}}}"
    )
    load(text.replace("PART", "error"), "access.yaml")
    assert problems(text.replace("PART", "result")) == [
        "access.yaml:22: node sorry, field function.args.e: names the result of `grant`, which has failed on every way here; use its error"
    ]


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


def test_too_many_nodes_are_refused():
    nodes = "\n".join(f"  n{i}: {{function: {{name: f}}}}" for i in range(MAX_DEFINITION_NODES + 1))
    [problem] = problems(f"workflow: w\napp: A\nnodes:\n{nodes}", "w.yaml")
    assert problem == "w.yaml:3: field nodes: has 2,001 nodes; split the workflow, 2,000 are the most"


def test_lone_surrogates_are_refused():
    [problem] = problems("a: \ud800", "w.yaml")
    assert problem == "w.yaml:1: the file is not UTF-8; save it as UTF-8"
    for text in ("\\ud800", "\ud800"):  # escaped, and as it is
        [problem] = problems(f'{{"workflow": "w",\n"title": "{text}"}}', "w.json")
        assert problem == "w.json:2: a text holds one half of a surrogate pair; write the whole character"


def test_names_that_only_the_settings_know():
    workflow = load(GOOD, "access.yaml")
    assert check(workflow, None, None) == ()
    assert check(workflow, {"it.note", "it.greet"}, {"identity"}) == ()
    assert [str(problem) for problem in check(workflow, {"it.notes", "it.greet"}, {"mail"})] == [
        "access.yaml:8: node grant, field action.connection: there is no connection `identity`; use mail",
        "access.yaml:16: node note, field function.name: there is no function `it.note`; did you mean `it.notes`?",
    ]
    assert [str(problem) for problem in check(workflow, None, set())] == [
        "access.yaml:8: node grant, field action.connection: there is no connection `identity`; add it under `connections` in the settings"
    ]
