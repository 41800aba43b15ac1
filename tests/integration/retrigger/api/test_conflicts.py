"""Two who act over HTTP: one is first, the other is told by whom, and the same call is one act (SPEC 5, 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from engine.rules.permissions import Permission
from tests.support.api import SECOND, Api, problem, serve_api, step
from tests.support.front import Front
from tests.support.poll import wait_until


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


def test_whoever_comes_after_a_withdrawal_is_told_who_withdrew_it(api: Api, blocked: httpx.Client):
    """Also where the step's own trigger is an older act of somebody else."""
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
