"""One outage that blocks requests of two applications, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from engine.causes.bulk import Bulk
from engine.causes.records import Run, RunState, Stand
from storage.causes import SqlCauses
from tests.support.engine import HANNA, Room
from tests.support.outside import Outside
from tests.support.poll import wait_until

WORKFLOW = """
workflow: {name}
app: {app}
title: "Welcome {{{{ request.input.name }}}}"
nodes:
  account:
    action:
      connection: identity
      method: POST
      path: /accounts
      body: {{email: "{{{{ request.input.name }}}}"}}
      expect: {{schema: {{type: object, required: [id]}}}}
  mail:
    action: {{connection: mail, method: POST, path: /send, body: {{to: "{{{{ request.input.name }}}}"}}}}
"""


class Outage:
    """``block`` submits requests while the identity system is away."""

    def __init__(self, room: Room, outside: Outside) -> None:
        self.room, self.outside = room, outside
        for app in ("HR", "Finance", "Lab"):
            self.room.publish(WORKFLOW.format(name=f"join_{app.lower()}", app=app))
        self.causes = SqlCauses(self.room.store)
        self.bulk = Bulk(self.room.engine, self.room.bulks)
        self.room.start()

    def block(self, number: int, app: str = "HR", mode: str = "down") -> list[int]:
        """So many blocked requests."""
        self.outside.turn("identity", mode)
        workflow = f"join_{app.lower()}"
        made = [self.room.submit(workflow, {"name": f"n{place}@example.com"}) for place in range(number)]
        for request in made:
            self.room.wait(request, "blocked")
        return made

    def mend(self) -> None:
        self.outside.turn("identity", "up")

    def told(self, requests: list[int]) -> int:
        """As the relay does: let one card tell them. Returns the cause's number."""
        joined = set()
        for request in requests:
            common = self.causes.common(request, ["account"])
            assert common is not None
            joined.add(self.causes.join(request, common, "It is away."))
        (cause_id,) = joined
        return cause_id

    def begin(self, cause_id: int, rate: int = 300, flow: bool = True) -> Run:
        preview = self.bulk.preview(HANNA, cause_id)
        return self.bulk.begin(HANNA, preview.run.id, flow=flow, rate=rate, reason="The identity system is back.")

    def ended(self, run: Run) -> Run:
        wait_until(lambda: self.room.bulks.run(run.id).state is RunState.ENDED, "the end of the run")
        return self.room.bulks.run(run.id)

    def counts(self, cause_id: int) -> dict[Stand, int]:
        standing = self.causes.standing(cause_id)
        return {stand: standing.count(stand) for stand in Stand if standing.count(stand)}


@pytest.fixture
def outage(database_url: str, outside: Outside) -> Iterator[Outage]:
    with closing(Room(database_url, outside.connections, told={"HR", "Finance"})) as room:
        yield Outage(room, outside)
        room.check_audit()
