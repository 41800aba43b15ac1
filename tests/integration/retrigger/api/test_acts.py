"""The acts over HTTP: the same commands, plans and refusals as at the other doors (SPEC 4, 5, 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.permissions import Permission
from tests.support.api import Api, problem, serve_api
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
SECOND = "/v1/requests/REQ-1/steps/second"


@pytest.fixture
def blocked(api: Api, ci: httpx.Client) -> httpx.Client:
    """A caller; REQ-1 is Blocked at ``second``, which would work by now."""
    assert api.front.blocked() == "REQ-1"
    api.front.mend_second()
    return ci


def step(caller: httpx.Client, node: str = "second") -> dict[str, Any]:
    document = caller.get("/v1/requests/1").json()
    found: dict[str, Any] = next(step for step in document["steps"] if step["node"] == node)
    return found


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
        ("/v1/requests/1/withdraw", {"reason": "x"}, "withdraw", []),
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
    refused = problem(blocked.post(f"{SECOND}/retrigger", json=body), 409, "refused")
    assert refused["detail"].startswith("A new key needs a reason")


def test_an_act_is_bound_to_the_plan_that_was_seen(api: Api, blocked: httpx.Client):
    path, body = f"{SECOND}/retrigger", {"flow": True}
    plan = blocked.post(path, params={"plan": "true"}, json=body).json()
    api.front.break_second("the printer is gone")
    api.front.run("step", "REQ-1", "second")  # somebody else tries it, and it is blocked again

    stale = problem(blocked.post(path, json={**body, "plan_digest": plan["plan_digest"]}), 409, "plan-changed")

    assert (stale["request"], [run["node"] for run in stale["plan"]["runs"]]) == ("REQ-1", ["second", "third"])
    assert stale["plan"]["plan_digest"] != plan["plan_digest"]
    api.front.mend_second()
    fresh = stale["plan"]["plan_digest"]
    assert blocked.post(path, json={**body, "plan_digest": fresh}).status_code == 202
    api.front.wait("REQ-1", "completed")


def test_who_comes_late_is_told_who_was_first(api: Api, blocked: httpx.Client):
    seen = step(blocked)["version"]
    api.front.out("step", "REQ-1", "second", "--reason", "mine")

    late = problem(blocked.post(f"{SECOND}/retrigger", json={"expect_version": seen}), 409, "conflict")

    assert (late["by"], late["did"], late["what"]) == ("hanna@example.com", "re-triggered", "second of REQ-1")
    assert late["found"] == "completed"
    assert late["at"].endswith("Z") and late["at"] > api.front.json("show", "REQ-1")["created_at"]
    expecting, only_plan = {"expect_version": seen}, {"plan": "true"}
    assert problem(blocked.post(f"{SECOND}/retrigger", params=only_plan, json=expecting), 409, "conflict") == late


@pytest.mark.parametrize(
    ("act", "body", "status", "says"),
    [("continue", {}, 409, "No step is held."), ("withdraw", {"reason": "not wanted"}, 202, '"withdrawn"')],
)
def test_an_act_on_the_request_may_expect_its_revision(
    api: Api, blocked: httpx.Client, act: str, body: dict[str, Any], status: int, says: str
):
    seen = blocked.get("/v1/requests/1").json()["revision"]
    assert seen == blocked.get("/v1/requests").json()["requests"][0]["revision"]
    api.front.break_second("the printer is gone")
    api.front.run("flow", "REQ-1", "second")  # somebody else tries it, and it is blocked again

    late = problem(blocked.post(f"/v1/requests/1/{act}", json={**body, "expect_version": seen}), 409, "conflict")

    assert (late["what"], late["found"], late["by"]) == ("REQ-1", "blocked", "hanna@example.com")
    body["expect_version"] = seen
    assert blocked.post(f"/v1/requests/1/{act}", params={"plan": "true"}, json=body).json() == late
    now = blocked.get("/v1/requests/1").json()["revision"]
    answer = blocked.post(f"/v1/requests/1/{act}", json={**body, "expect_version": now})
    assert (answer.status_code, says in answer.text) == (status, True)


def test_twenty_of_the_same_call_are_one_act_in_two_processes_and_after_a_restart(front: Front):
    with serve_api(front) as api:
        ci = api.caller("ci", Permission.TAKE_ACTION)
        key = ci.headers["authorization"].partition(" ")[2]
        front.blocked()
        front.mend_second()
        body = {"flow": True, "reason": "once", "expect_version": step(ci)["version"]}
        headers = {"Idempotency-Key": "act-1"}

        with serve_api(front, engine=False) as other, ThreadPoolExecutor(20) as threads:
            callers = [ci, other.client(key)]

            def act(place: int) -> httpx.Response:
                return callers[place % 2].post(f"{SECOND}/retrigger", json=body, headers=headers)

            answers = list(threads.map(act, range(20)))
        front.wait("REQ-1", "completed")

    with serve_api(front, engine=False) as again:
        ci = again.client(key)
        answers.append(ci.post(f"{SECOND}/retrigger", json=body, headers=headers))
        assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
        assert answers[0].json()["status"] == "in_progress"
        assert [answer.headers.get("idempotency-replayed") for answer in answers].count(None) == 1
        assert [attempt["kind"] for attempt in step(ci)["attempts"]] == ["initial", "retrigger"]
        assert [e["kind"] for e in ci.get("/v1/requests/1").json()["events"]].count("retriggered_flow") == 1
        for path, other_body in (
            (f"{SECOND}/retrigger", {**body, "reason": "twice"}),
            (f"{SECOND}/retrigger", {**body, "flow": False}),
            ("/v1/requests/1/steps/first/retrigger", body),
            ("/v1/requests/1/withdraw", {"reason": "once"}),
        ):
            problem(ci.post(path, json=other_body, headers=headers), 422, "key-reused")


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


def test_whoever_comes_after_a_withdrawal_is_told_who_withdrew_it(api: Api, blocked: httpx.Client):
    """Also where the step's own cause is an older act of somebody else."""
    seen = {"step": step(blocked)["version"], "request": blocked.get("/v1/requests/1").json()["revision"]}
    api.front.break_second()
    assert blocked.post(f"{SECOND}/retrigger", json={}).status_code == 202
    wait_until(lambda: len(step(blocked)["attempts"]) == 2 and step(blocked)["status"] == "blocked", "the second try")
    other = api.caller("other", Permission.TAKE_ACTION, app="HR")
    assert other.post("/v1/requests/REQ-1/withdraw", json={"reason": "not needed"}).status_code == 202

    late = [
        blocked.post("/v1/requests/REQ-1/withdraw", json={"reason": "mine"}),
        blocked.post("/v1/requests/REQ-1/withdraw", json={"reason": "mine", "expect_version": seen["request"]}),
        blocked.post("/v1/requests/REQ-1/continue", json={}),
        blocked.post(f"{SECOND}/retrigger", json={"flow": True}),
        blocked.post(f"{SECOND}/retrigger", json={"expect_version": seen["step"]}),
        blocked.post(f"{SECOND}/input", json={"result": {"done": True}}),
    ]
    for answer in late:
        told = problem(answer, 409, "conflict")
        assert (told["by"], told["did"], bool(told["at"])) == ("key other", "withdrew it", True)
        assert "key other withdrew it at" in told["detail"] and told["detail"].endswith("Nothing was done.")


def test_whoever_continues_a_flow_that_was_continued_is_told_by_whom(api: Api, blocked: httpx.Client):
    assert blocked.post(f"{SECOND}/retrigger", json={}).status_code == 202
    wait_until(lambda: step(blocked)["held"], "it to be held")
    other = api.caller("other", Permission.TAKE_ACTION, app="HR")
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(lambda _: other.post("/v1/requests/REQ-1/continue", json={}), range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            assert problem(answer, 409, "conflict")["did"] == "continued the flow"


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
            wait_until(lambda: step_of(other, number, "mail")["status"] == "blocked", "mail to be blocked")
    wait_until(lambda: step_of(other, number, "sure")["status"] == "waiting", "the approval to wait")
    problem(ci.post(f"/v1/requests/{number}/steps/sure/approve"), 403, "self-action")
    assert other.post(f"/v1/requests/{number}/steps/sure/approve").status_code == 202
    api.front.wait(number, "completed")


def step_of(caller: httpx.Client, number: str, node: str) -> dict[str, Any]:
    document = caller.get(f"/v1/requests/{number}").json()
    found: dict[str, Any] = next(step for step in document["steps"] if step["node"] == node)
    return found
