"""Approvals and callbacks over HTTP (SPEC 2, 8)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from engine.rules.permissions import Permission
from tests.support.api import OWNER, Api, problem, serve_api
from tests.support.front import Front

ACCESS = """
workflow: access
app: HR
title: "Access for {{ request.input.name }}"
nodes:
  manager:
    approval: {approvers: ["key:portal", hanna@example.com], need: any}
    approved: called
    rejected: refused
  called:
    callback: {timeout: 1d}
    result_schema: {type: object, properties: {number: {type: integer}}}
  last: {function: {name: front.work, args: {folder: FOLDER}}, next: end}
  refused: {end: {status: rejected}}
"""
PUBLIC = "https://retrigger.example.com"
MANAGER = "/v1/requests/1/steps/manager"


@pytest.fixture
def waiting(tmp_path: Path, database_url: str) -> Iterator[Api]:
    """REQ-1 waits for its manager."""
    front = Front(tmp_path, database_url, f"api: {{port: 0, public_url: {PUBLIC}}}\n")
    front.define("access", ACCESS)
    if not database_url.startswith("sqlite"):
        front.out("db", "upgrade")
    with serve_api(front) as api:
        front.submit(workflow="access")
        front.wait_for_step("REQ-1", "manager", "waiting")
        yield api


@pytest.fixture
def address(waiting: Api) -> str:
    """The address of REQ-1's callback, which waits."""
    waiting.app.engine.answer(OWNER, 1, "manager", True)
    waiting.front.wait_for_step("REQ-1", "called", "waiting")
    url = waiting.app.engine.callback_url(OWNER, 1, "called")
    assert url is not None and url.startswith(f"{PUBLIC}/callbacks/")
    return urlsplit(url).path


def result(api: Api) -> Any:
    step = api.app.engine.card(1).step("called")
    assert step is not None
    return step.result


def test_a_key_that_the_approval_names_approves_once_and_others_may_not(waiting: Api):
    ci, portal = waiting.caller("ci", Permission.ADMIN), waiting.caller("portal")
    refused = problem(ci.post(f"{MANAGER}/approve"), 403, "not-an-approver")
    assert (refused["node"], refused["ask"]) == ("manager", ["key:portal", "hanna@example.com"])

    def approve(_: int) -> httpx.Response:
        return portal.post(f"{MANAGER}/approve", json={"reason": "asked"}, headers={"Idempotency-Key": "a1"})

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(approve, range(10)))

    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert (answers[0].json()["node"], answers[0].json()["status"]) == ("manager", "in_progress")
    events = [event for event in ci.get("/v1/requests/1").json()["events"] if event["kind"] == "approved"]
    assert [(event["actor"], event["reason"]) for event in events] == [("key:portal", "asked")]
    late = problem(portal.post(f"{MANAGER}/reject"), 409, "conflict")
    assert (late["by"], late["did"], late["found"]) == ("key portal", "approved", "completed")
    problem(portal.post("/v1/requests/1/steps/last/approve", json={}), 409, "refused")
    unknown = "/v1/requests/1/steps/lst/approve"
    assert "REQ-1 has: last, " in problem(ci.post(unknown), 404, "not-found")["detail"]
    assert problem(portal.post(unknown), 404, "not-found")["detail"] == "There is no step lst.", "it may not see REQ-1"


def test_a_rejection_leaves_by_its_path(waiting: Api):
    portal = waiting.caller("portal")
    seen = waiting.app.engine.card(1).step("manager")
    assert seen is not None

    problem(portal.post(f"{MANAGER}/reject", json={"expect_version": seen.version + 1}), 409, "conflict")
    assert portal.post(f"{MANAGER}/reject", json={"expect_version": seen.version}).status_code == 202
    waiting.front.wait("REQ-1", "rejected")


BODIES = [
    # what is sent, as what, and the step's result
    (b'{"number": 7}', "application/json", {"number": 7}),
    (b'{"number": 7}', "application/vnd.example+json; charset=utf-8", {"number": 7}),
    (b'{"number": 7}', "application/x-www-form-urlencoded", {"number": 7}),  # what curl says of any body
    (b"done", "text/plain", {"text": "done"}),
    (b"12345", "text/plain", {"text": "12345"}),
    (b"{not json", "text/plain", {"text": "{not json"}),
    (b"\xff\x00", None, {"text": "\ufffd\u0000"}),
]


@pytest.mark.parametrize(("body", "kind", "expected"), BODIES)
def test_what_is_called_back_becomes_the_result_and_the_flow_goes_on(
    waiting: Api, address: str, body: bytes, kind: str | None, expected: Any
):
    headers = {"Content-Type": kind} if kind else {}

    answer = waiting.client().post(address, content=body, headers=headers)

    assert (answer.status_code, answer.json()) == (202, {"id": "REQ-1", "node": "called"})
    waiting.front.wait("REQ-1", "completed")
    assert result(waiting) == expected


def test_of_many_calls_one_counts_and_what_does_not_fit_is_refused(waiting: Api, address: str):
    caller = waiting.client()
    json_ = {"Content-Type": "application/json"}
    problem(caller.post(address, content=b'{"number": ', headers=json_), 400, "bad-json")
    problem(caller.post(address, content=b"\xff", headers=json_), 400, "bad-body")
    problem(caller.post(address, content=b"x" * 1024 * 1025), 413, "too-large")
    wrong = problem(caller.post(address, json={"number": "seven"}), 422, "invalid-input")
    assert "is not of type 'integer'" in wrong["detail"]
    problem(caller.post(address), 422, "invalid-input")  # nothing is null, which is no object

    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda number: caller.post(address, json={"number": number}), range(10)))

    waiting.front.wait("REQ-1", "completed")
    winners = [number for number, answer in enumerate(answers) if answer.status_code == 202]
    assert len(winners) == 1 and result(waiting) == {"number": winners[0]}
    for place in set(range(10)) - set(winners):
        late = problem(answers[place], 409, "callback-refused")
        assert late["node"] == "called"


def test_an_address_that_was_never_given_out_or_is_void_opens_nothing(waiting: Api, address: str):
    caller, ci = waiting.client(), waiting.caller("ci", Permission.ADMIN)
    for other in (address[:-1], address + "x", address.replace(".called.", ".last."), "/callbacks/%00", "/callbacks/x"):
        problem(caller.post(other, json={"number": 1}), 404, "not-found")
    assert ci.post("/v1/requests/1/steps/called/retrigger", json={"flow": True}).status_code == 202
    waiting.front.wait_for_step("REQ-1", "called", "waiting")

    void = problem(caller.post(address, json={"number": 1}), 409, "callback-refused")

    assert "waits for a call to another address" in void["detail"]
    assert result(waiting) is None
