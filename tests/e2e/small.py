"""Small workflows beside the demo's own, each for one thing that people do in Slack."""

from __future__ import annotations

# Of another application: what is blocked in it has no channel, so no card, and is told by App Home alone.
LAB = "Lab"

LAPTOP = """
workflow: laptop
app: HR
title: "A laptop for {{ request.input.name }}"
nodes:
  allow:
    approval: {approvers: [hanna@example.com, omar@example.com], need: all}
    approved: end
    rejected: refused
  refused: {end: {status: rejected}}
"""

_CHAIR = """
workflow: WORKFLOW
app: APP
title: "A chair for {{ request.input.name }}"
nodes:
  order:
    action:
      connection: SYSTEM
      method: POST
      path: /PATH
      headers: {X-Trace: "{{ request.id }}"}
      body: {account: "{{ request.input.name }}", email: "{{ request.input.name }}@example.com"}
"""


def chair(workflow: str, app: str, system: str, path: str) -> str:
    """One call without retries: blocked at once when the system is down. Each ``system`` is a cause of its own."""
    names = {"WORKFLOW": workflow, "APP": app, "SYSTEM": system, "PATH": path}
    text = _CHAIR
    for name, value in names.items():
        text = text.replace(name, value)
    return text


SMALL = (
    LAPTOP,
    chair("chair", "HR", "it", "laptops"),
    chair("badges", "HR", "identity", "accounts"),
    chair("bench", LAB, "it", "laptops"),
)
