"""Golden definitions: SPEC 10's example as it stands there, one with every kind of node, and a short one. And what is
told of one that is wrong."""

from __future__ import annotations

import pytest

from engine.definition import DefinitionError, load
from engine.errors import RetriggerError

ONBOARDING = """\
workflow: onboarding
app: HR
title: "Onboard {{ request.input.name }}"
input_schema: {type: object, required: [name, email]}     # JSON Schema; a request that does not match is refused
sensitive: [request.input.national_id, nodes.create_account.result.password]
self_action: true
nodes:                                  # without `next`, a node leads to the one below it; `next: end` ends the path
  create_account:
    action:
      connection: identity
      method: POST
      path: /accounts
      query: {notify: "no"}
      headers: {X-Trace: "{{ request.id }}"}
      body: {email: "{{ request.input.email }}"}
      expect: {status: [200, 201], schema: {type: object, required: [id]}}
      timeout: 10s
      retry: {times: 3, interval: 2s, backoff: 2, on_unexpected: false}
    result_schema: {type: object}       # what Provide input must match; expect.schema when absent
    on_failure: tell_it                 # optional; without it a failure blocks
  badge:
    function: {name: hr.badge_number, args: {account: "{{ nodes.create_account.result.id }}"}, timeout: 5s}
  route:
    decision:
      - {when: "{{ request.input.remote }}", next: ship_laptop}
      - {default: desk_and_laptop}
  desk_and_laptop: {branch: [desk, laptop]}
  desk:   {action: {connection: facilities, method: POST, path: /desks}, next: ready}
  laptop: {action: {connection: it, method: POST, path: /laptops}, next: ready}
  ready:  {merge: {}, next: welcome}
  ship_laptop: {action: {connection: it, method: POST, path: /shipments}, next: welcome}
  welcome: {action: {connection: mail, method: POST, path: /send}, next: end}
  tell_it: {action: {connection: mail, method: POST, path: /it}, next: failed_end}
  failed_end: {end: {status: failed, cancel_others: true}}
"""

EVERY_KIND = """\
workflow: every_kind
app: HR
sensitive: [nodes.enter.result.secret]
nodes:
  order:
    action: {connection: shop, method: POST, path: /orders, body: {tell: "{{ callback_url('delivered') }}", note: null}}
    on_failure: sorry
  account:
    sync:
      nodes:
        make: {action: {connection: identity, method: POST, path: /accounts}}
        enter: {function: {name: hr.enter, args: {id: "{{ nodes.make.result.id }}", order: "{{ nodes.order.result }}"}}}
    on_failure: sorry
  ask:
    approval: {approvers: ["{{ request.input.boss }}", "@hr-admins", a@example.com], need: all, timeout: 2d}
    rejected: refused
  both: {branch: [pause, later]}
  pause: {delay: {for: 2h}, next: met}
  later: {delay: {until: "{{ request.input.day }}T09:00:00Z"}, next: met}
  met: {merge: {}}
  delivered: {callback: {timeout: 2d}, result_schema: {type: object}, on_failure: sorry}
  route:
    decision:
      - {when: "{{ nodes.delivered.result.whole }}", next: end}
      - {default: thanks}
  thanks:
    function: {name: hr.thank, args: {who: "{{ nodes.ask.result.by }}", account: "{{ nodes.enter.result }}"}}
    next: end
  sorry:
    function: {name: hr.sorry, args: {why: "{{ nodes.account.error }}", made: "{{ nodes.make.result }}"}}
    next: failed_end
  failed_end: {end: {status: failed, cancel_others: true}}
  refused: {end: {status: rejected}}
"""

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


def problems(text: str, file: str = "w.yaml") -> list[str]:
    """Each sentence that refuses this definition."""
    with pytest.raises(DefinitionError) as caught:
        load(text, file)
    assert isinstance(caught.value, RetriggerError)
    assert [str(problem) for problem in caught.value.problems] == str(caught.value).split("\n")
    return [str(problem) for problem in caught.value.problems]
