"""The golden definition: SPEC 10's example with today's node kinds."""

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
      - {default: desk}
  desk:   {action: {connection: facilities, method: POST, path: /desks}}
  laptop: {action: {connection: it, method: POST, path: /laptops}, next: welcome}
  ship_laptop: {action: {connection: it, method: POST, path: /shipments}, next: welcome}
  welcome: {action: {connection: mail, method: POST, path: /send}, next: end}
  tell_it: {action: {connection: mail, method: POST, path: /it}, next: failed_end}
  failed_end: {end: {status: failed, cancel_others: true}}
"""
