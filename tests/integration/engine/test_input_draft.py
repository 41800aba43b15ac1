"""What Provide input starts from (SPEC 4): the step's own last response, or the shape that its result should have."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.integration.engine.conftest import OpenRoom
from tests.support import tcp
from tests.support.engine import HANNA, Room

PAY = """
workflow: pay
app: HR
sensitive: [nodes.pay.result.card.number]
nodes:
  pay:
    action:
      connection: bank
      method: POST
      path: /payments
      body: {answers: "{{ request.input.answers }}"}
      expect: {schema: {type: object, required: [id, card], properties: {card: {type: object}}}}
"""
CARD = {"number": "4111-1111", "holder": "Ada"}


@pytest.fixture
def room(database_url: str, open_room: OpenRoom) -> Iterator[Room]:
    """The bank answers with whatever the request says that it does."""

    def talk(connection: socket.socket) -> None:
        while request := tcp.read_request(connection):
            answer = json.loads(request.partition(b"\r\n\r\n")[2])["answers"]
            tcp.answer(connection, json.dumps(answer).encode(), "200 OK", "Content-Type: application/json")

    with tcp.tcp_server(talk) as url:
        room = open_room(database_url, {"bank": url})
        room.publish(PAY)
        room.start()
        yield room
        room.close()  # while there is somebody to talk to


def draft(room: Room, answers: object) -> object:
    number = room.submit("pay", {"answers": answers})
    room.wait(number, "blocked")
    return json.loads(room.engine.input_draft(HANNA, number, "pay"))


def test_it_is_the_step_s_own_last_response_with_what_is_missing_and_masked_as_empty_places(room: Room) -> None:
    assert draft(room, {"state": "open", "card": CARD}) == {
        "id": "", "state": "open", "card": {"number": "", "holder": "Ada"},
    }  # fmt: skip


def test_a_request_that_had_no_answer_of_its_own_starts_from_the_shape_whatever_others_were_answered(
    room: Room,
) -> None:
    draft(room, {"state": "open", "card": CARD})
    room.connections.clear()  # so that the next call is not made
    assert draft(room, {}) == {"id": "", "card": {}}


def test_of_several_responses_it_is_the_last(room: Room) -> None:
    number = room.submit("pay", {"answers": {"state": "open"}})
    room.wait(number, "blocked")
    room.publish(PAY.replace('"{{ request.input.answers }}"', "{state: closed}"))
    room.engine.retrigger(HANNA, number, "pay", version=2, confirmed=True, reason="the bank wants it so")
    room.wait(number, lambda d: len(d.steps[0].attempts) == 2 and d.steps[0].status == "blocked")
    assert json.loads(room.engine.input_draft(HANNA, number, "pay"))["state"] == "closed"


def test_it_is_no_other_steps_response(room: Room) -> None:
    """Both were answered with what does not fit, and both are blocked."""
    head, _, pay = PAY.partition("  pay:\n")
    answer = "body: {answers: {state: ours}}"
    refund = pay.replace('body: {answers: "{{ request.input.answers }}"}', answer)
    both = f"{head}  both: {{branch: [refund, pay]}}\n  refund:\n{refund}    next: end\n  pay:\n{pay}"
    room.publish(both.replace("workflow: pay", "workflow: both"))
    number = room.submit("both", {"answers": {"state": "theirs"}})
    room.wait(number, lambda document: len(document.blocked) == 2)
    drafts = {node: json.loads(room.engine.input_draft(HANNA, number, node))["state"] for node in ("pay", "refund")}
    assert drafts == {"pay": "theirs", "refund": "ours"}
