"""Provide input at a Slack of ours: what the result will do, and files in both directions (SPEC 4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.bot.office import Office
from tests.support.poll import wait_until
from tests.support.slack_form import typed
from tests.support.slack_server import Answer, Person, SlackServer

HIRING = """
workflow: hiring
app: HR
title: "Hire {{ request.input.name }}"
nodes:
  create_account:
    function: {name: bot.account, args: {name: "{{ request.input.name }}"}, isolation: thread}
    result_schema:
      type: object
      required: [id]
      properties: {id: {type: string}, remote: {type: boolean}}
  route:
    decision:
      - {when: "{{ nodes.create_account.result.remote }}", next: end}
      - {default: badge}
  badge: {function: {name: bot.badge, args: {account: "{{ nodes.create_account.result.id }}"}, isolation: thread}}
"""
ROWS = {"rows": [f"row {number} of what the bank said" for number in range(200)]}


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    our_office.room.publish(HIRING)
    return our_office


@pytest.fixture
def hanna(slack: SlackServer) -> Person:
    return slack.person("U1")


def body(text: str) -> dict[str, Any]:
    return typed(request_body=text)


def chosen(file: dict[str, Any]) -> dict[str, Any]:
    return {"file": {"file": {"type": "file_input", "files": [file]}}}


def result(office: Office, number: int, node: str = "create_account") -> Any:
    office.room.wait(number, "completed")
    return office.room.step(number, node).result


def test_the_window_says_who_reads_what_and_where_the_draft_would_lead(office: Office, hanna: Person) -> None:
    _, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    text = json.dumps(hanna.modal("Request body"))
    assert "Who reads this result: `route` reads `remote`; `badge` reads `id`." in text
    assert "With this text: `route` goes to `badge`." in text


def test_a_text_that_leads_where_the_window_said_is_carried_out_at_once(office: Office, hanna: Person) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    hanna.submit(body('{"id": "acc-1", "remote": false}'))
    assert result(office, number) == {"id": "acc-1", "remote": False}
    assert office.outside.calls == ["create_account", "badge"]


def test_a_text_that_leads_elsewhere_is_carried_out_only_once_that_was_shown(office: Office, hanna: Person) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    hanna.submit({**body('{"id": "acc-1",\n "remote": true}'), **typed(reason="by hand")})
    again = hanna.modal("`route` goes to `end`")
    assert "Nothing was done yet. This is where it leads with what you provided" in json.dumps(again)
    assert office.room.document(number).status.value == "blocked"
    kept = {b["block_id"]: b["element"].get("initial_value") for b in again["blocks"] if b["type"] == "input"}
    assert kept == {"request_body": '{"id": "acc-1",\n "remote": true}', "file": None, "reason": "by hand"}
    hanna.submit()
    assert result(office, number) == {"id": "acc-1", "remote": True}
    assert office.outside.calls == ["create_account"]


def test_what_does_not_fit_is_told_with_its_place_and_nothing_is_done(office: Office, hanna: Person) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    hanna.submit(body('{"id": "acc-1",\n "remote": "yes"}'))
    assert hanna.errors() == {
        "request_body": (
            "The result.remote does not fit: 'yes' is not of type 'boolean' "
            "(line 2, column 12; result_schema.properties.remote.type)."
        )
    }
    hanna.submit(body(""))
    wait_until(lambda: "The editor is empty." in hanna.errors()["request_body"])
    assert office.room.document(number).status.value == "blocked"


def test_what_was_typed_is_kept_while_the_database_is_away(
    office: Office, hanna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    with office.database_away():
        hanna.submit({**body('{"id": "acc-1",\n "remote": true}'), **typed(reason="by hand")})
        again = hanna.modal("database")
    monkeypatch.undo()
    kept = {b["block_id"]: b["element"].get("initial_value") for b in again["blocks"] if b["type"] == "input"}
    assert kept == {"request_body": '{"id": "acc-1",\n "remote": true}', "file": None, "reason": "by hand"}
    hanna.submit(body('{"id": "acc-1", "remote": false}'))
    assert result(office, number) == {"id": "acc-1", "remote": False}


def test_what_was_typed_is_kept_when_its_error_comes_after_the_window_made_way(
    office: Office, hanna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    monkeypatch.setattr("bot.listeners.views.PATIENCE", 0.0)
    hanna.submit({**body('{"id": "acc-1",\n "remote": "yes"}'), **typed(reason="by hand")})
    again = hanna.modal("'yes' is not of type 'boolean'")
    monkeypatch.undo()
    kept = {b["block_id"]: b["element"].get("initial_value") for b in again["blocks"] if b["type"] == "input"}
    assert kept == {"request_body": '{"id": "acc-1",\n "remote": "yes"}', "file": None, "reason": "by hand"}
    hanna.submit(body('{"id": "acc-1", "remote": false}'))
    assert result(office, number) == {"id": "acc-1", "remote": False}


def test_a_file_counts_instead_of_the_text(office: Office, hanna: Person) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    wanted = {"id": "acc-9", "remote": False, "log": "x" * 9000}
    content = b"\xef\xbb\xbf" + json.dumps(wanted, indent=1).encode()
    hanna.submit({**body('{"id": "typed"}'), **chosen(hanna.upload("result.json", content))})
    assert result(office, number) == wanted


def test_a_file_that_leads_elsewhere_is_kept_until_it_is_submitted_again(office: Office, hanna: Person) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    wanted = {"id": "acc-9", "remote": True, "log": "x" * 9000}
    hanna.submit(chosen(hanna.upload("result.json", json.dumps(wanted).encode())))
    again = json.dumps(hanna.modal("`route` goes to `end`"))
    assert "The file *result.json* counts, unless you write here or choose another." in again
    hanna.submit()
    assert result(office, number) == wanted


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"id": "\xff"}', "The file result.json is not UTF-8 text (line 1); save it as UTF-8."),
        (b'{"id":\n}', "Line 2, column 1: expected a value"),
        (b"x" * (1024 * 1024 + 1), "The file result.json is too large; the limit is 1,048,576 bytes."),
        (b'{"id": 7 }', "The result.id does not fit: 7 is not of type 'string' (line 1, column 8;"),
        (b" ", "Line 1, column 1: there is no JSON here"),
    ],
)
def test_a_file_that_cannot_be_the_result_is_refused_at_its_field(
    office: Office, hanna: Person, content: bytes, sentence: str
) -> None:
    number, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    hanna.submit(chosen(hanna.upload("result.json", content)))
    errors = hanna.errors()
    assert list(errors) == ["file"]
    assert errors["file"].startswith(sentence)
    assert office.room.document(number).status.value == "blocked"


def test_troubles_with_a_file_are_told_at_its_field(office: Office, slack: SlackServer, hanna: Person) -> None:
    _, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    hanna.modal("Request body")
    file = hanna.upload("result.json", b'{"id": "acc-1"}')
    slack.faults.add("files.info", Answer(200, {"ok": False, "error": "missing_scope"}))
    hanna.submit(chosen(file))
    assert "lacks the scope files:read" in hanna.errors()["file"]
    elsewhere = {**file, "url_private_download": "https://files.example.com/a.json"}
    slack.faults.add("files.info", Answer(200, {"ok": True, "file": elsewhere}))
    hanna.submit(chosen(file))
    wait_until(lambda: "is not kept by Slack" in hanna.errors()["file"])
    gone = {**file, "url_private_download": f"{slack.url}/download/F404/a.json"}
    slack.faults.add("files.info", Answer(200, {"ok": True, "file": gone}))
    hanna.submit(chosen(file))
    wait_until(lambda: "could not be fetched: Slack answers HTTP 404" in hanna.errors()["file"])


def test_a_long_draft_is_sent_as_a_file_to_edit(office: Office, slack: SlackServer, hanna: Person) -> None:
    office.bank.answer = ROWS
    number, card = office.blocked("payment")
    hanna.click(card, "retrigger.input")
    text = json.dumps(hanna.modal("too long for Slack's editor"))
    assert "sent to you as a file" in text
    sent = hanna.message("DU1", f"REQ-{number}-pay.json")
    assert f"The text to start from, for pay of REQ-{number}." in sent["text"]
    (file,) = sent["files"]
    draft = json.loads(slack.workspace.files[file["id"]]["content"])
    assert draft == {"receipt": "", **ROWS}
    edited = hanna.upload("edited.json", json.dumps({**draft, "receipt": "R-7"}, indent=2).encode())
    hanna.submit({**chosen(edited), **typed(reason="looked up", confirmation=True)})
    assert result(office, number, "pay") == {"receipt": "R-7", **ROWS}


def test_a_long_draft_that_is_left_is_submitted_whole(office: Office, hanna: Person) -> None:
    office.bank.answer = ROWS
    number, card = office.blocked("payment")
    hanna.click(card, "retrigger.input")
    hanna.modal("too long for Slack's editor")
    hanna.submit()
    assert result(office, number, "pay") == {"receipt": "", **ROWS}


def test_a_draft_that_could_not_be_sent_is_told(office: Office, slack: SlackServer, hanna: Person) -> None:
    office.bank.answer = ROWS
    _, card = office.blocked("payment")
    slack.faults.add("files.getUploadURLExternal", Answer(200, {"ok": False, "error": "missing_scope"}))
    hanna.click(card, "retrigger.input")
    office.message("The text to start from could not be sent to you as a file. The Slack app lacks a scope")


def test_whoever_may_not_act_has_nothing_fetched(office: Office, slack: SlackServer, hanna: Person) -> None:
    _, card = office.blocked("hiring")
    hanna.click(card, "retrigger.input")
    view = hanna.modal("Request body")
    slack.workspace.stacks["U3"] = [view["id"]]
    asked = slack.faults.count("files.info")
    slack.person("U3").submit(chosen(hanna.upload("result.json", b'{"id": "acc-1"}')))
    wait_until(lambda: "Take action" in str(slack.workspace.errors.get("U3")))
    assert slack.faults.count("files.info") == asked
    slack.workspace.stacks["U3"] = []
