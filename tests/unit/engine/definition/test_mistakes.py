"""Each kind of mistake, and the sentence it gives: what is wrong, where, and what to write instead."""
# ruff: noqa: E501 - a mistake and its sentence stand on one line

from __future__ import annotations

import pytest

from engine.definition import load
from tests.unit.engine.definition.samples import EVERY_KIND, GOOD, problems

KINDS = "action, function, decision, branch, merge, sync, approval, delay, callback or end"
GRANT, NOTE, ROUTE = "node grant, field ", "node note, field ", "node route, field "


IN_GOOD = [
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
    ("constants:", "input_schema: {properties: {pattern: {pattern: '(?=a)b'}}}\nconstants:", "4: field input_schema.properties.pattern.pattern: is no pattern that RE2 takes, which matches in bounded time (invalid perl operator: (?=); write it without look-around and back references, \\x{e9} for \\u00e9, \\p{L} for any letter, {1,1000} at most"),
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
    ("greet: {function: {name: it.greet}, next: end}", "greet: {next: end}", f"21: node greet: does not say what it does; write one of {KINDS}"),
    ("greet: {function:", "greet: {funktion:", "21: node greet, field funktion: does not say what it does; did you mean `function`?"),
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


ACCOUNT, ENTER, ASK = "node account, field ", "node enter, field ", "node ask, field "
PAUSE, LATER, WAIT = "node pause, field ", "node later, field ", "node delivered, field "
WHO = 'write a list such as [hr-lead@example.com, "@hr-admins"]'
TIME = "write a time such as 2030-01-31T09:00:00+01:00"
DELAY_FORMS = "write {for: 2h} or {until: 2030-01-31T09:00:00+01:00}"


IN_EVERY_KIND = [
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
    ("        enter: {function:", "        enter: {functoin:", f"12: {ENTER}functoin: does not say what it does; did you mean `function`?"),
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
    (", a@example.com]", ', "<@U1>"]', f"15: {ASK}approval.approvers[2]: is `<@U1>`; write an e-mail address or @group"),
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


def test_the_texts_that_the_mistakes_are_made_in_are_right():
    for right in (GOOD, EVERY_KIND):
        load(right, "w.yaml")


@pytest.mark.parametrize(
    ("right", "before", "after", "sentence"),
    [*((GOOD, *row) for row in IN_GOOD), *((EVERY_KIND, *row) for row in IN_EVERY_KIND)],
    ids=[row[2][:60] for row in (*IN_GOOD, *IN_EVERY_KIND)],
)
def test_a_mistake_is_told(right: str, before: str, after: str, sentence: str):
    assert before in right
    assert f"w.yaml:{sentence}" in problems(right.replace(before, after, 1))
