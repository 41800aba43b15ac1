"""Starting requests and seeing them over HTTP (SPEC 8)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import event

from engine.rules.permissions import Permission
from engine.texts import MASK
from tests.support.api import Api, problem, serve_api
from tests.support.front import HANNA, STEPS, Front
from tests.support.poll import wait_until

SUBMIT = "/v1/workflows/steps/requests"


def test_a_request_is_started_and_seen_as_the_command_shows_it(api: Api, ci: httpx.Client):
    made = ci.post(SUBMIT, json={"input": {"name": "Ada"}, "requester": "ada@example.com"})

    assert (made.status_code, made.json(), made.headers["location"]) == (201, {"id": "REQ-1"}, "/v1/requests/REQ-1")
    api.front.wait("REQ-1", "completed")
    seen = ci.get(made.headers["location"])
    assert (seen.status_code, seen.headers["cache-control"]) == (200, "no-store")
    assert seen.json() == api.front.json("show", "REQ-1") == ci.get("/v1/requests/1").json()
    submitted = seen.json()["events"][0]
    assert (submitted["by"], submitted["actor"], submitted["door"]) == ("key ci", "key:ci", "api")
    assert seen.json()["requester"] == "ada@example.com"


def test_without_a_requester_it_is_the_keys_own(api: Api, ci: httpx.Client):
    ci.post(SUBMIT, json={"input": {"name": "Ada"}})

    assert ci.get("/v1/requests/1").json()["requester"] == "key:ci"


def test_a_submit_that_is_repeated_gives_the_same_request(api: Api, ci: httpx.Client):
    key = {"Idempotency-Key": "order-1"}
    body = {"input": {"name": "Ada"}}

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: ci.post(SUBMIT, json=body, headers=key), range(20)))

    assert {(answer.status_code, answer.text) for answer in answers} == {(201, '{"id":"REQ-1"}')}
    assert ["idempotency-replayed" in answer.headers for answer in answers].count(False) == 1
    other = problem(ci.post(SUBMIT, json={"input": {"name": "Bo"}}, headers=key), 422, "key-reused")
    assert other["detail"] == "The key order-1 was used for something else before, in REQ-1. Use another key."
    assert other["field"] == "Idempotency-Key"
    problem(ci.post(SUBMIT, json={**body, "requester": "bo@example.com"}, headers=key), 422, "key-reused")
    assert len(api.front.json("list")) == 1


def test_two_keys_do_not_share_their_idempotency(api: Api, ci: httpx.Client):
    other = api.caller("other", Permission.SUBMIT)
    key = {"Idempotency-Key": "order-1"}

    made = [each.post(SUBMIT, json={"input": {"name": "Ada"}}, headers=key).json()["id"] for each in (ci, other, ci)]

    assert made == ["REQ-1", "REQ-2", "REQ-1"]
    assert api.front.out("submit", "steps", "--input", '{"name": "Ada"}', "--key", "order-1") == "REQ-3\n"


def test_a_key_may_be_as_long_as_it_is_said(api: Api, ci: httpx.Client):
    longest, longer = ({"Idempotency-Key": "k" * length} for length in (200, 201))
    api.front.break_second()  # or it might be over before it is withdrawn

    for _ in range(2):
        assert ci.post(SUBMIT, json={"input": {"name": "Ada"}}, headers=longest).json() == {"id": "REQ-1"}
        assert ci.post("/v1/requests/1/withdraw", json={"reason": "x"}, headers=longest).status_code == 202
    problem(ci.post(SUBMIT, json={"input": {"name": "Ada"}}, headers=longer), 422, "invalid-input")
    problem(ci.post("/v1/requests/1/withdraw", json={"reason": "x"}, headers=longer), 422, "invalid-input")


def test_a_key_that_is_made_anew_has_no_history_of_the_old(api: Api, ci: httpx.Client):
    key, body = {"Idempotency-Key": "order-1"}, {"input": {"name": "Ada"}}
    ci.post(SUBMIT, json=body, headers=key)
    api.front.out("key", "revoke", "ci")

    problem(ci.post(SUBMIT, json=body, headers=key), 401, "unknown-key")
    again = api.client(api.front.run("key", "create", "ci").stdout.strip())
    assert again.post(SUBMIT, json=body, headers=key).json() == {"id": "REQ-2"}


def test_lists_are_filtered_and_paged_newest_first(api: Api, ci: httpx.Client):
    api.front.break_second()
    for number in range(5):
        ci.post(SUBMIT, json={"input": {"name": str(number)}})
    wait_until(lambda: len(api.front.json("list", "--status", "blocked")) == 5, "all to be blocked")
    ci.post("/v1/requests/3/withdraw", json={"reason": "not wanted"})

    pages: list[list[str]] = []
    cursor = None
    while cursor is not None or not pages:
        page = ci.get("/v1/requests", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        pages.append([request["id"] for request in page["requests"]])
        cursor = page["cursor"]

    assert pages == [["REQ-5", "REQ-4"], ["REQ-3", "REQ-2"], ["REQ-1"]]
    by_status = ci.get("/v1/requests", params={"status": "withdrawn", "app": "HR"}).json()
    assert [request["id"] for request in by_status["requests"]] == ["REQ-3"]
    first = ci.get("/v1/requests").json()["requests"][0]
    listed = api.front.json("list")[0]
    assert first == {name: listed[name] for name in first}
    assert "steps" not in first


def test_a_key_sees_only_what_it_was_granted(api: Api, ci: httpx.Client):
    ci.post(SUBMIT, json={"input": {"name": "Ada"}})
    nobody, elsewhere = api.caller("nobody"), api.caller("elsewhere", Permission.ADMIN, app="Finance")

    for caller in (nobody, elsewhere):
        assert caller.get("/v1/requests").json() == {"requests": [], "cursor": None}
        assert caller.get("/v1/workflows").json() == {"workflows": []}
        refused = problem(caller.get("/v1/requests/1"), 403, "not-permitted")
        assert (refused["permission"], refused["application"]) == ("View reports", "HR")
        problem(caller.get("/v1/requests", params={"app": "HR"}), 403, "not-permitted")


@pytest.mark.parametrize("permission", [Permission.SUBMIT, Permission.VIEW_REPORTS])
def test_workflows_are_listed_with_the_form_of_their_input(api: Api, permission: Permission):
    (workflow,) = api.caller("one", permission, app="HR").get("/v1/workflows").json()["workflows"]

    assert workflow.pop("published_at").endswith("Z")
    assert workflow == {
        "workflow": "steps",
        "version": 1,
        "app": "HR",
        "input_schema": {"type": "object", "required": ["name"]},
        "unreadable": None,
    }


def test_a_second_process_serves_the_same(api: Api, ci: httpx.Client):
    with serve_api(api.front, engine=False) as other:
        made = other.client(ci.headers["authorization"].partition(" ")[2]).post(SUBMIT, json={"input": {"name": "Ada"}})

        assert made.json() == {"id": "REQ-1"}
        api.front.wait("REQ-1", "completed")  # by the engine of the first


def test_sensitive_values_are_masked(api: Api, ci: httpx.Client):
    text = (api.front.folder / "workflows" / "steps.yaml").read_text()
    file = api.front.define("steps", text + "\nsensitive: [request.input.name]\n")
    api.front.out("workflow", "publish", str(file))
    ci.post(SUBMIT, json={"input": {"name": "Adalbert"}, "requester": HANNA})

    shown = ci.get("/v1/requests/1").text + ci.get("/v1/requests").text
    assert "Adalbert" not in shown
    assert '"name":"\\u2022\\u2022\\u2022"' in shown


def test_a_requester_who_is_a_sensitive_value_is_masked_in_lists_too(api: Api, ci: httpx.Client):
    hiding = STEPS.replace("workflow: steps", "workflow: hiding\nsensitive: [request.input.mail]")
    api.front.out("workflow", "publish", str(api.front.define("hiding", hiding)))
    ada = {"input": {"name": "Ada", "mail": "ada@example.com"}, "requester": "ada@example.com"}
    for workflow in ("hiding", "steps"):
        assert ci.post(f"/v1/workflows/{workflow}/requests", json=ada).status_code == 201
        api.front.wait(f"REQ-{1 if workflow == 'hiding' else 2}", "completed")

    listed = {each["workflow"]: each["requester"] for each in ci.get("/v1/requests").json()["requests"]}

    assert listed == {"hiding": MASK, "steps": "ada@example.com"}
    assert ci.get("/v1/requests/1").json()["requester"] == MASK


def test_what_a_page_of_requests_hides_is_read_for_all_of_them_at_once(front: Front):
    hiding = STEPS.replace("workflow: steps", "workflow: hiding\nsensitive: [request.input.mail, nodes.first.result]")
    front.out("db", "upgrade")
    front.out("workflow", "publish", str(front.define("hiding", hiding)))
    with serve_api(front, engine=False) as api:
        ci = api.caller("ci", Permission.ADMIN)
        for place in range(6):
            mail = f"ada{place}@example.com"
            given = {"input": {"name": "Ada", "mail": mail}, "requester": mail}
            made = ci.post("/v1/workflows/hiding/requests", json=given)
            assert made.status_code == 201
        taken: list[object] = []
        event.listen(api.app.database.engine, "checkout", lambda *given: taken.append(given))

        def connections(limit: int) -> int:
            taken.clear()
            shown = ci.get("/v1/requests", params={"limit": limit}).json()["requests"]
            assert [each["requester"] for each in shown] == [MASK] * limit
            return len(taken)

        assert connections(6) == connections(2)
