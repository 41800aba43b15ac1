"""Every way in which a call fails, as a problem document with its facts; and nothing changes (SPEC 8)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from types import MappingProxyType
from typing import Any, NamedTuple

import httpx
import pytest

from engine.rules.permissions import Permission
from retrigger.api.problems import KINDS
from tests.support.api import Api, problem, serve_api
from tests.support.front import Front
from tests.support.poll import wait_until

SUBMIT = "/v1/workflows/steps/requests"
STEP = "/v1/requests/REQ-1/steps/second"
JSON = {"Content-Type": "application/json"}


class Wrong(NamedTuple):
    """A call, and what is told about it. ``body``: what is sent as JSON, or the bytes themselves."""

    path: str
    body: Any
    status: int
    kind: str
    facts: dict[str, Any]
    detail: str = ""
    headers: Mapping[str, str] = MappingProxyType({})
    method: str = "POST"


def raw(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


WRONG = [
    # what is not there
    Wrong("/v1/requests/7", None, 404, "not-found", {"what": "request", "name": "REQ-7"}, method="GET"),
    Wrong(f"{STEP}x/retrigger", {}, 404, "not-found", {"what": "step", "name": "secondx"}, "REQ-1 has: "),
    Wrong(f"{STEP}x/retrigger?plan=true", {}, 404, "not-found", {"what": "step", "name": "secondx"}),
    Wrong(f"{STEP}x/input", {"result": 1}, 404, "not-found", {"what": "step", "name": "secondx"}),
    Wrong(f"{STEP}/retrigger", {"version": 9}, 404, "not-found", {"what": "version"}, "no version 9"),
    Wrong(f"{STEP}/retrigger?plan=true", {"version": 9}, 404, "not-found", {"what": "version"}, "no version 9"),
    Wrong("/v1/workflows/stps/requests", {}, 404, "not-found", {"what": "workflow"}, "Published: steps."),
    Wrong("/v1/requests/7/withdraw", {"reason": "x"}, 404, "not-found", {"what": "request"}),
    # what a rule forbids now
    Wrong("/v1/requests/1/steps/first/retrigger", {}, 409, "refused", {}, "Only blocked and failed steps"),
    Wrong("/v1/requests/1/steps/third/input", {"result": 1}, 409, "refused", {}, "only while a step is blocked"),
    Wrong("/v1/requests/1/continue", None, 409, "refused", {}, "No step is held."),
    Wrong("/v1/requests/1/continue?plan=true", {}, 409, "refused", {}, "No step is held."),
    Wrong("/v1/requests/2/withdraw", {"reason": "x"}, 409, "refused", {}, "final"),
    Wrong(f"{STEP}/retrigger", {"confirmed": True}, 422, "invalid-input", {"field": "reason"}, "needs a reason"),
    Wrong(f"{STEP}/retrigger", {"expect_version": 1}, 409, "conflict", {"found": "blocked", "what": "second of REQ-1"}),
    Wrong(f"{STEP}/retrigger", {"plan_digest": "old"}, 409, "plan-changed", {"request": "REQ-1"}),
    # what is wrong in the call
    Wrong(f"{STEP}/retrigger", {"flow": True, "update_status": True}, 422, "invalid-input", {"field": "update_status"}),
    Wrong(f"{STEP}/retrigger", {"flow": "yes"}, 422, "invalid-input", {"field": "flow"}, "valid boolean"),
    Wrong(f"{STEP}/retrigger", {"expectVersion": 1}, 422, "invalid-input", {"field": "expectVersion"}, "not permitted"),
    Wrong(f"{STEP}/retrigger", {"version": 0}, 422, "invalid-input", {"field": "version"}),
    Wrong(f"{STEP}/retrigger", {"version": 2**31}, 422, "invalid-input", {"field": "version"}),
    Wrong(f"{STEP}/retrigger", {"reason": "x" * 1001}, 422, "invalid-input", {"field": "reason"}, "1000"),
    Wrong(f"{STEP}/retrigger", [], 422, "invalid-input", {"field": "body"}),
    Wrong(f"{STEP}/retrigger", None, 422, "invalid-input", {"field": "body"}, "body: A JSON object is required"),
    Wrong(f"{STEP}/retrigger?plan=perhaps", {}, 422, "invalid-input", {"field": "plan"}),
    Wrong(f"{STEP}/input", {}, 422, "invalid-input", {"field": "result"}, "required"),
    Wrong(f"{STEP}/input", {"result": {}}, 422, "invalid-input", {"field": "result"}, "'done' is a required property"),
    Wrong(f"{STEP}/input", {"result": {"done": "•••"}}, 422, "invalid-input", {"field": "result"}, "masked place"),
    Wrong("/v1/requests/1/withdraw", {}, 422, "invalid-input", {"field": "reason"}),
    Wrong("/v1/requests/1/withdraw", {"reason": " "}, 422, "invalid-input", {"field": "reason"}),
    Wrong(SUBMIT, {}, 422, "invalid-input", {"field": "input"}, "'name' is a required property"),
    Wrong(SUBMIT, {"input": {"name": "A"}, "requester": "a\nb"}, 422, "invalid-input", {"field": "requester"}),
    Wrong("/v1/workflows/Ste%00ps/requests", {}, 422, "invalid-input", {"field": "name"}),
    Wrong("/v1/requests/abc", None, 422, "invalid-input", {"field": "id"}, "Write REQ-42, or 42", method="GET"),
    Wrong(f"/v1/requests/{'9' * 16}", None, 422, "invalid-input", {"field": "id"}, method="GET"),
    Wrong(f"{STEP}/retrigger?plna=true", {}, 422, "invalid-input", {"field": "plna"}, "it takes plan."),
    Wrong(f"{STEP}/retrigger?plan=true&plan=false", {}, 422, "invalid-input", {"field": "plan"}, "stands twice"),
    Wrong("/v1/requests?statsu=blocked", None, 422, "invalid-input", {"field": "statsu"}, "status", method="GET"),
    Wrong("/v1/requests?limit=0", None, 422, "invalid-input", {"field": "limit"}, method="GET"),
    Wrong("/v1/requests?status=stuck", None, 422, "invalid-input", {"field": "status"}, "'blocked'", method="GET"),
    Wrong("/v1/requests?cursor=x", None, 422, "invalid-input", {"field": "cursor"}, method="GET"),
    Wrong("/v1/requests?app=%00", None, 422, "invalid-input", {"field": "app"}, method="GET"),
    Wrong(SUBMIT, {}, 422, "invalid-input", {"field": "Idempotency-Key"}, headers={"Idempotency-Key": "x" * 201}),
    Wrong(SUBMIT, {}, 422, "invalid-input", {"field": "Idempotency-Key"}, "no space", {"Idempotency-Key": "order 1"}),
    Wrong(SUBMIT, {}, 422, "invalid-input", {"field": "Idempotency-Key"}, headers={"Idempotency-Key": ""}),
    # what is no JSON
    Wrong(SUBMIT, raw('{"input": }'), 400, "bad-json", {"line": 1, "column": 11}, "expected a value"),
    Wrong(SUBMIT, raw('{\n "input": {"a": NaN}}'), 400, "bad-json", {"line": 2, "column": 17}, "NaN is no number"),
    Wrong(SUBMIT, raw('{"input": 1, "input": 2}'), 400, "bad-json", {"column": 14}, "a key stands twice"),
    Wrong(SUBMIT, raw('{"input": ' + "[" * 101), 400, "bad-json", {"line": 1}, "nested deeper than 100 levels"),
    Wrong(SUBMIT, raw('{"input": "a\0b"}'), 400, "bad-json", {"column": 13}, "control character"),
    Wrong(SUBMIT, raw(b'{"input": "\xff"}'), 400, "bad-body", {}, "no UTF-8 text: byte 12"),
    Wrong(SUBMIT, raw('{"input": ' + "9" * 5000 + "}"), 422, "invalid-input", {}, "too many digits"),
    Wrong(SUBMIT, raw("{}"), 415, "wrong-media", {}, "Content-Type: application/json", {"Content-Type": "text/plain"}),
    Wrong(SUBMIT, raw("{}"), 415, "wrong-media", {}, headers={"Content-Type": ""}),
    Wrong(SUBMIT, raw(f'"{"x" * 1024 * 1024}"'), 413, "too-large", {}, "the limit is 1,048,576 bytes"),
    # who is nobody
    Wrong(SUBMIT, {}, 401, "unknown-key", {}, "Send an API key", {"Authorization": ""}),
    Wrong(SUBMIT, {}, 401, "unknown-key", {}, "Send an API key", {"Authorization": "Basic cnRrXzE6"}),
    Wrong(SUBMIT, {}, 401, "unknown-key", {}, "was revoked", {"Authorization": "Bearer rtk_nobody"}),
    Wrong(SUBMIT, raw("{"), 401, "unknown-key", {}, headers={"Authorization": "Bearer rtk_nobody"}),
]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, httpx.Client]]:
    """REQ-1 is Blocked at ``second``, REQ-2 is Completed; the caller may do everything."""
    front = Front(tmp_path_factory.mktemp("errors"), "sqlite:///retrigger.db")
    with serve_api(front) as api:
        front.blocked()
        front.mend_second()
        front.wait(front.submit(), "completed")
        yield api, api.caller("ci", Permission.ADMIN)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.status} {wrong.path[:40]} {str(wrong.body)[:20]}")
def test_a_wrong_call_is_told_with_its_facts(ready: tuple[Api, httpx.Client], wrong: Wrong):
    api, ci = ready
    before = api.app.engine.card(1), len(api.front.json("list"))
    content = wrong.body if isinstance(wrong.body, bytes) else None if wrong.body is None else json.dumps(wrong.body)

    answer = ci.request(wrong.method, wrong.path, content=content, headers={**JSON, **wrong.headers})

    told = problem(answer, wrong.status, wrong.kind)
    assert {name: told.get(name) for name in wrong.facts} == wrong.facts
    assert wrong.detail in told["detail"]
    assert (api.app.engine.card(1), len(api.front.json("list"))) == before


def test_the_table_has_every_kind_of_problem_or_another_test_has():
    elsewhere = {"confirmation-needed", "not-permitted", "key-reused", "storage", "unreadable", "defect"}
    elsewhere |= {"not-an-approver", "callback-refused", "self-action"}

    assert {wrong.kind for wrong in WRONG} | elsewhere == {kind.name for kind in KINDS.values()}


def test_headers_that_go_with_a_status(ready: tuple[Api, httpx.Client]):
    api, ci = ready

    assert api.client().get("/v1/requests").headers["www-authenticate"] == 'Bearer realm="retrigger"'
    assert ci.post(SUBMIT, content="x" * 1024 * 1025, headers=JSON).headers["connection"] == "close"
    assert ci.delete("/v1/requests").headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v2/requests", 404),
        ("GET", "/v1/requests/", 404),  # sent elsewhere, by the Host that the caller names, it would leave without TLS
        ("GET", "/docs", 404),
        ("DELETE", "/v1/requests/1", 405),
    ],
)
def test_what_http_itself_refuses_is_a_problem_document_too(
    ready: tuple[Api, httpx.Client], method: str, path: str, status: int
):
    answer = ready[1].request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["type"], answer.json()["status"]) == ("about:blank", status)


def test_two_keys_make_no_call_safe_to_repeat(ready: tuple[Api, httpx.Client]):
    two = httpx.Headers([("Idempotency-Key", "a"), ("Idempotency-Key", "b")])

    told = problem(ready[1].post(SUBMIT, json={"input": {"name": "Ada"}}, headers=two), 422, "invalid-input")
    assert (told["field"], "stands twice" in told["detail"]) == ("Idempotency-Key", True)


def test_one_who_may_not_act_on_their_own_request(tmp_path_factory: pytest.TempPathFactory):
    front = Front(tmp_path_factory.mktemp("self"), "sqlite:///retrigger.db")
    text = (front.folder / "workflows" / "steps.yaml").read_text()
    front.define("steps", f"{text}\nself_action: false\n")
    front.break_second()
    with serve_api(front) as api:
        ci = api.caller("ci", Permission.ADMIN)
        for requester in ({}, {"requester": "ada@example.com"}):
            made = ci.post(SUBMIT, json={"input": {"name": "Ada"}, **requester}).json()["id"]
            front.wait(made, "blocked")

        refused = problem(ci.post(f"{STEP}/retrigger", json={}), 403, "self-action")
        assert (refused["request"], "is your own request" in refused["detail"]) == ("REQ-1", True)
        assert ci.post("/v1/requests/2/steps/second/retrigger", json={}).status_code == 202


def test_a_database_that_fails_is_503_and_a_defect_is_500_without_a_trace(
    tmp_path_factory: pytest.TempPathFactory, caplog: pytest.LogCaptureFixture
):
    front = Front(tmp_path_factory.mktemp("broken"), "sqlite:///retrigger.db")
    with serve_api(front, engine=True) as api:
        front.wait(front.submit(), "completed")
        ci = api.caller("ci", Permission.ADMIN)
        with closing(sqlite3.connect(front.folder / "retrigger.db", isolation_level=None)) as database:
            database.execute("UPDATE requests SET status = 'of_tomorrow'")
            unreadable = problem(ci.get("/v1/requests/1"), 500, "unreadable")
            assert unreadable["detail"].startswith("This cannot be read: 'of_tomorrow' is nothing that this Retrigger")
            database.execute("UPDATE requests SET status = 'completed', created_at = 'long ago'")
            defect = problem(ci.get("/v1/requests/1"), 500, "defect")
            assert defect["detail"] == "Something went wrong in Retrigger. Its log says what."
            wait_until(lambda: "TypeError" in caplog.text, "the log to have it")
            database.execute("ALTER TABLE requests RENAME TO elsewhere")
            away = ci.get("/v1/requests/1")
            database.execute("ALTER TABLE elsewhere RENAME TO requests")

        assert "has no tables of Retrigger yet" in problem(away, 503, "storage")["detail"]
        assert away.headers["retry-after"] == "5"
