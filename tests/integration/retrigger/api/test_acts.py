"""The acts over HTTP: the same commands, plans and refusals as at the other doors (SPEC 4, 5, 8)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.rules.permissions import Permission
from engine.spelling import nearest_first
from tests.support.api import SECOND, Api, problem, serve_api, step
from tests.support.front import Front
from tests.support.outside import Outside
from tests.support.poll import wait_until

MAILING = """
workflow: mailing
app: HR
title: Mailing
nodes:
  account: {action: {connection: identity, method: POST, path: /accounts, body: {email: ada@example.com}}}
  mail: {action: {connection: mail, method: POST, path: /send, body: {to: ada@example.com}}}
"""


def test_step_and_flow_is_accepted_carried_out_and_in_the_audit(api: Api, blocked: httpx.Client):
    before = step(blocked)

    accepted = blocked.post(f"{SECOND}/retrigger", json={"flow": True, "reason": "the fire is out"})

    assert (accepted.status_code, accepted.json()) == (
        202,
        {"id": "REQ-1", "node": "second", "status": "in_progress", "step_version": before["version"] + 1, "attempt": 1},
    )
    api.front.wait("REQ-1", "completed")
    attempt = step(blocked)["attempts"][-1]
    told = tuple(attempt[name] for name in ("kind", "by", "actor", "door", "reason"))
    assert told == ("retrigger", "key ci", "key:ci", "api", "the fire is out")


def test_step_only_holds_and_continue_goes_on(api: Api, blocked: httpx.Client):
    assert blocked.post(f"{SECOND}/retrigger", json={}).status_code == 202
    api.front.wait("REQ-1", "blocked")

    wait_until(lambda: bool(step(blocked)["held"]), "the step to be held")
    assert blocked.post("/v1/requests/1/continue").json()["node"] is None
    api.front.wait("REQ-1", "completed")


def test_input_becomes_the_result(api: Api, blocked: httpx.Client):
    accepted = blocked.post(f"{SECOND}/input", json={"result": {"done": "by hand"}, "reason": "I looked"})

    assert accepted.status_code == 202
    api.front.wait("REQ-1", "completed")
    assert step(blocked)["result"] == {"done": "by hand"}


def test_withdraw_ends_the_request(blocked: httpx.Client):
    accepted = blocked.post("/v1/requests/1/withdraw", json={"reason": "not wanted"})

    assert (accepted.status_code, accepted.json()["status"]) == (202, "withdrawn")
    assert blocked.get("/v1/requests/1").json()["reason"] == "not wanted"


@pytest.mark.parametrize(
    ("path", "body", "action", "runs"),
    [
        (f"{SECOND}/retrigger", {}, "retrigger", ["second"]),
        (f"{SECOND}/retrigger", {"flow": True}, "flow", ["second", "third"]),
        (f"{SECOND}/input", {"result": {"done": 1}}, "input", ["third"]),
        ("/v1/requests/1/withdraw", {}, "withdraw", []),
    ],
)
def test_a_plan_is_told_and_nothing_is_done(
    blocked: httpx.Client, path: str, body: dict[str, Any], action: str, runs: list[str]
):
    before = blocked.get("/v1/requests/1").json()

    plan = blocked.post(path, params={"plan": "true"}, json=body, headers={"Idempotency-Key": "k"})

    assert plan.status_code == 200
    document = plan.json()
    assert (document["id"], document["action"], document["status"]) == ("REQ-1", action, "blocked")
    assert [run["node"] for run in document["runs"]] == runs
    assert not document["needs_confirmation"] and document["needs_reason"] == (action == "withdraw")
    assert blocked.get("/v1/requests/1").json() == before


def test_a_plan_says_that_a_new_key_needs_a_reason(blocked: httpx.Client):
    body = {"flow": True, "new_key": True}

    plan = blocked.post(f"{SECOND}/retrigger", params={"plan": "true"}, json=body).json()

    assert plan["needs_reason"] and not plan["needs_confirmation"]
    refused = problem(blocked.post(f"{SECOND}/retrigger", json=body), 422, "invalid-input")
    assert refused["field"] == "reason" and refused["detail"].startswith("A new key needs a reason")


def test_without_permission_nothing_is_done_and_the_try_is_in_the_audit(api: Api, blocked: httpx.Client):
    viewer = api.caller("viewer", Permission.VIEW_REPORTS, app="HR")

    for path, body in ((f"{SECOND}/retrigger", {}), (f"{SECOND}/input", {"result": {"done": 1}})):
        for plan in ({}, {"plan": "true"}):
            refused = problem(viewer.post(path, json=body, params=plan), 403, "not-permitted")
            assert (refused["permission"], refused["application"]) == ("Take action", "HR")
    problem(viewer.post("/v1/requests/1/withdraw", json={"reason": "x"}), 403, "not-permitted")

    document = blocked.get("/v1/requests/1").json()
    assert document["status"] == "blocked"
    refused_tries = [(event["actor"], event["door"]) for event in document["events"] if event["kind"] == "refused"]
    assert refused_tries == [("key:viewer", "api")] * 5


def test_a_call_that_may_have_taken_effect_is_repeated_only_when_that_is_confirmed(tmp_path: Path):
    outside = Outside()
    connections = "".join(f"  {name}: {{base_url: '{url}'}}\n" for name, url in outside.connections.items())
    front = Front(tmp_path, "sqlite:///retrigger.db", f"connections:\n{connections}")
    front.define("mailing", MAILING)
    outside.turn("identity", "down", times=1)
    path, body = "/v1/requests/1/steps/account/retrigger", {"flow": True, "new_key": True}

    with serve_api(front) as api:
        ci = api.caller("ci", Permission.ADMIN)
        ci.post("/v1/workflows/mailing/requests", json={})
        front.wait("REQ-1", "blocked")
        asked = problem(ci.post(path, json=body), 409, "confirmation-needed")
        assert asked["nodes"] == ["account"]
        assert ci.post(path, json=body, params={"plan": "true"}).json()["needs_confirmation"]
        assert ci.post(path, json={**body, "confirmed": True, "reason": "I looked"}).status_code == 202
        front.wait("REQ-1", "completed")

    outside.stop()
    assert len(outside.calls("identity")) == 2 and outside.effects == 2


def test_a_plan_is_refused_where_the_act_would_be(blocked: httpx.Client):
    for plan in ("", "?plan=true"):
        both = blocked.post(f"{SECOND}/retrigger{plan}", json={"flow": True, "update_status": True})
        assert problem(both, 422, "invalid-input")["field"] == "update_status"
        misfit = blocked.post(f"{SECOND}/input{plan}", json={"result": {}})
        assert "'done' is a required property" in problem(misfit, 422, "invalid-input")["detail"]


def test_where_requesters_may_not_act_on_theirs_a_key_acts_on_those_of_others(api: Api, ci: httpx.Client):
    text = f"{MAILING}  sure: {{approval: {{approvers: ['key:ci', 'key:other']}}}}\nself_action: false\n"
    api.front.define("mailing", text.replace("connection: identity", "connection: mail"))
    with_mail = "connections: {mail: {base_url: 'http://127.0.0.1:9'}}\n"
    api.front.settings.write_text(api.front.settings.read_text() + with_mail)
    api.front.out("workflow", "publish", str(api.front.folder / "workflows" / "mailing.yaml"))
    other = api.caller("other", Permission.SUBMIT, Permission.TAKE_ACTION, app="HR")
    number = ci.post("/v1/workflows/mailing/requests", json={"input": {}}).json()["id"]
    api.front.wait(number, "blocked")
    for node, rest in (("account", {"id": 1}), ("mail", {})):
        body = {"result": rest, "reason": "by hand"}
        problem(ci.post(f"/v1/requests/{number}/steps/{node}/input", json=body), 403, "self-action")
        assert other.post(f"/v1/requests/{number}/steps/{node}/input", json=body).status_code == 202
        if node == "account":
            wait_until(lambda: step(other, "mail", number)["status"] == "blocked", "mail to be blocked")
    wait_until(lambda: step(other, "sure", number)["status"] == "waiting", "the approval to wait")
    problem(ci.post(f"/v1/requests/{number}/steps/sure/approve"), 403, "self-action")
    assert other.post(f"/v1/requests/{number}/steps/sure/approve").status_code == 202
    api.front.wait(number, "completed")


def test_the_likest_of_many_steps_are_looked_for_beside_everybody_elses_calls(
    blocked: httpx.Client, monkeypatch: pytest.MonkeyPatch
):
    """Of two thousand that takes a seventh of a second, in which the one thread that takes calls took no other."""
    where: list[str] = []

    def watched(typed: str, names: Iterable[str]) -> str:
        where.append(threading.current_thread().name)
        return nearest_first(typed, names)

    monkeypatch.setattr("engine.errors.nearest_first", watched)
    problem(blocked.post("/v1/requests/1/steps/secnd/retrigger", json={}), 404, "not-found")
    assert where and "api" not in where
