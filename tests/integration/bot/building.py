"""An office with people of every role in it, for the table of test_permissions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.targets import BULK
from engine.limits import CAUSE_REQUESTS
from engine.rules.permissions import Grant
from storage.tables import events
from tests.integration.bot.office import CHANNEL, PAYMENT, WORKFLOW, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_server import Person, SlackServer

STRICT = WORKFLOW.replace("workflow: onboarding\napp: HR", "workflow: strict\napp: HR\nself_action: false")
ASKING = """
workflow: asking
app: HR
nodes:
  allow: {approval: {approvers: ["@hr-admins"]}, approved: end, rejected: refused}
  refused: {end: {status: rejected}}
"""
LAB_PAYMENT = PAYMENT.replace("workflow: payment\napp: HR", "workflow: lab_payment\napp: Lab")


class Building(Office):
    """An office with somebody of every role in it."""

    def __init__(self, folder: Path, server: SlackServer) -> None:
        super().__init__(folder, server, channels={"HR": CHANNEL, "Lab": CHANNEL})
        self.server, self.asking, self.cause = server, 0, 0
        self.old: set[str] = set()

    def furnish(self, grants: Iterable[Grant]) -> None:
        """Open, with workflows and grants."""
        self.open()
        for text in (STRICT, ASKING, LAB_PAYMENT):
            self.room.publish(text)
        for grant in grants:
            self.room.engine.grant(HANNA, grant)
        wait_until(lambda: self.door.groups.of("U17"), "the user groups")

    def request(self) -> tuple[int, dict[str, Any]]:
        """A request of Rea's that is blocked, and its card."""
        self.outside.error = "identity answered 503"
        number = self.room.submit("strict", {"name": "Ada"}, requester="rea@example.com")
        self.room.wait(number, "blocked")
        return number, self.card(number, "is *blocked*")

    def hold(self, number: int) -> None:
        """Let the first step be done alone, so that the flow waits for Continue flow."""
        self.outside.error = None
        self.room.engine.retrigger(HANNA, number, "create_account")
        self.room.wait(number, lambda d: any(step.held for step in d.steps))

    def waiting(self, anew: bool = False) -> int:
        """A request that waits for the approval of a member of hr-admins."""
        if anew or not self.asking:
            self.asking = self.room.submit("asking", {})
            self.room.wait(self.asking, lambda d: d.steps[0].status.value == "waiting")
        return self.asking

    def outage(self) -> int:
        """The number of a cause that blocks requests of two applications."""
        if not self.cause:
            for workflow in ["lab_payment"] * CAUSE_REQUESTS + ["payment"]:
                self.room.wait(self.room.submit(workflow, {"name": "Ada"}), "blocked")
            self.cause = wait_until(self._cause_told, "the cause card")
        return self.cause

    def _cause_told(self) -> int:
        elements = [e for m in self.hanna.messages(CHANNEL) for b in m["blocks"] for e in b.get("elements", [])]
        return next((int(e["value"]) for e in elements if e.get("action_id") == BULK), 0)

    def refusals(self, user: str) -> list[tuple[str, str]]:
        """The door and the sentence of each try of this person that was refused."""
        query = select(events.c.door, events.c.reason).where(events.c.kind == "refused")
        with self.room.database.reading() as connection:
            found = connection.execute(query.where(events.c.actor == f"slack:T1/{user}"))
            return [(str(door), str(reason)) for door, reason in found]

    def seen(self, person: Person) -> str:
        """All that this person sees of their own in this test: windows, errors in them, what they were told, Home."""
        slack = self.server.workspace
        with slack.changed:
            stack = slack.stacks[person.user]
            told = [m for m in slack.messages.values() if m.get("ephemeral_to") == person.user]
            mine = [m for m in told if m["ts"] not in self.old]
            views = [slack.views[stack[-1]]] if stack else []
            parts = [*views, slack.errors.get(person.user), *mine, slack.homes.get(person.user)]
        return json.dumps(parts, ensure_ascii=False)

    def forget(self) -> None:
        """What anybody has seen so far."""
        slack = self.server.workspace
        with slack.changed:
            self.old = set(slack.messages)
            slack.errors.clear()
            slack.homes.clear()
            for stack in slack.stacks.values():
                stack.clear()
