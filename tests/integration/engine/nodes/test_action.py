from __future__ import annotations

import json
import re
import socket
import threading

import pytest
import requests
import responses

from engine.definition import ActionSpec
from engine.nodes.action import prepare, send
from engine.nodes.call import CallRefused
from engine.nodes.connections import Connection, ConnectionSettings
from engine.rules.idempotency_keys import idempotency_key
from engine.rules.outcomes import Failure, Success
from engine.states import CallEffect
from engine.templates import TemplateError, build_context
from engine.texts import MASK
from engine.values.masking import Masker
from engine.values.strict_json import dumps
from tests.support.tcp import answer, read_request, tcp_server

BASE = "https://identity.example.com"
NODE = "create_account"
CONTEXT = build_context(42, {"email": "ada@example.com", "team": "x/y z"}, "hr@example.com", {}, {}, {})
SPEC = {
    "connection": "identity",
    "method": "POST",
    "path": "/accounts",
    "query": {"notify": "no"},
    "headers": {"X-Trace": "{{ request.id }}"},
    "body": {"email": "{{ request.input.email }}"},
    "expect": {"status": [200, 201], "schema": {"type": "object", "required": ["id"]}},
}


@pytest.fixture
def outside():
    with responses.RequestsMock(target="engine.nodes.deadline_adapter.DeadlineAdapter.send") as mock:
        yield mock


def connection(base_url=BASE, **settings):
    secret = {"TOKEN": "s3cret-token"}
    return Connection("identity", ConnectionSettings.model_validate({"base_url": base_url, **settings}), secret)


def run(spec=None, known=None, secrets=(), sensitive=(), key="req-42-create_account-1-abc"):
    call = prepare(ActionSpec.model_validate(SPEC | (spec or {})), CONTEXT, known or connection())
    return send(call, key, Masker(secrets), NODE, sensitive)


def test_a_call_as_the_definition_renders_it(outside):
    outside.post(f"{BASE}/accounts", json={"id": 7}, status=201)

    assert run(known=connection(auth={"bearer_env": "TOKEN"}, headers={"X-Team": "hr"})) == Success(
        dumps({"id": 7}), call=CallEffect.ACCEPTED
    )
    request = outside.calls[0].request
    assert request.url == f"{BASE}/accounts?notify=no"
    assert json.loads(request.body) == {"email": "ada@example.com"}
    assert request.headers["X-Trace"] == "REQ-42"
    assert request.headers["X-Team"] == "hr"
    assert request.headers["Authorization"] == "Bearer s3cret-token"
    assert request.headers["Idempotency-Key"] == "req-42-create_account-1-abc"
    assert request.headers["Content-Type"] == "application/json"


def test_the_connection_names_the_header_of_the_key(outside):
    outside.post(f"{BASE}/accounts", json={"id": 7})
    run(known=connection(idempotency_header="X-Request-Id"))

    assert outside.calls[0].request.headers["X-Request-Id"] == "req-42-create_account-1-abc"
    assert "Idempotency-Key" not in outside.calls[0].request.headers


def test_a_path_with_values_in_it(outside):
    outside.post(f"{BASE}/teams/x%2Fy%20z", json={"id": 7})
    assert isinstance(run({"path": "/teams/{{ request.input.team | replace('/', '%2F') }}"}), Success)


@pytest.mark.parametrize(
    ("status", "reply", "expected"),
    [
        (200, {"json": {"id": 1}}, Success(dumps({"id": 1}), call=CallEffect.ACCEPTED)),
        (
            200,
            {"json": {"status": "ok"}},
            Failure(
                "identity's answer does not fit: 'id' is a required property.",
                CallEffect.ACCEPTED,
                response={"status": "ok"},
            ),
        ),
        (
            202,
            {"json": {}},
            Failure("identity answered 202 Accepted, expected 200 or 201.", CallEffect.ACCEPTED, response={}),
        ),
        (
            503,
            {"body": ""},
            Failure("identity answered 503 Service Unavailable.", CallEffect.UNKNOWN, retryable=True),
        ),
        (
            429,
            {"body": "slow down", "headers": {"Retry-After": "17"}},
            Failure(
                "identity answered 429 Too Many Requests: slow down",
                CallEffect.REJECTED,
                retryable=True,
                retry_after=17.0,
            ),
        ),
        (
            409,
            {"json": {"detail": "exists"}},
            Failure(
                "identity answered 409 Conflict: exists",
                CallEffect.REJECTED,
                response={"detail": "exists"},
            ),
        ),
        (
            302,
            {"headers": {"Location": "/x"}},
            Failure("identity answered 302 Found, and redirects are not followed.", CallEffect.UNKNOWN),
        ),
    ],
)
def test_what_comes_of_an_answer(outside, status, reply, expected):
    outside.post(f"{BASE}/accounts", status=status, **reply)
    assert run() == expected


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (requests.ReadTimeout(), "identity did not answer within 10 s."),
        (requests.ConnectionError(), "identity did not answer properly (ConnectionError)."),
    ],
)
def test_what_cannot_be_known_to_be_unsent_is_unknown(outside, raised, error):
    outside.post(f"{BASE}/accounts", body=raised)
    assert run({"timeout": "10s"}) == Failure(error, CallEffect.UNKNOWN, retryable=True)


def test_text_is_a_result_too(outside):
    outside.get(f"{BASE}/ping", body="pong")
    found = run({"method": "GET", "path": "/ping", "expect": {}, "body": None})

    assert found == Success(dumps({"status": 200, "text": "pong"}), call=CallEffect.ACCEPTED)
    assert outside.calls[0].request.body is None


def test_an_answer_that_does_not_fit_is_tried_again_when_the_definition_says_so(outside):
    outside.post(f"{BASE}/accounts", json={"status": "ok"})
    found = run({"retry": {"times": 1, "on_unexpected": True}})

    assert isinstance(found, Failure)
    assert (found.retryable, found.call) == (True, CallEffect.ACCEPTED)


def test_secrets_do_not_come_back_in_errors_or_responses(outside):
    outside.post(f"{BASE}/accounts", status=409, json={"sent": "Bearer s3cret-token", "email": "ada@example.com"})
    found = run(secrets=["s3cret-token", "ada@example.com"])

    assert found == Failure(
        f'identity answered 409 Conflict: {{"sent": "Bearer {MASK}", "email": "{MASK}"}}',
        CallEffect.REJECTED,
        response={"sent": f"Bearer {MASK}", "email": MASK},
    )


def test_a_sensitive_field_of_the_answer_itself_is_masked(outside):
    outside.post(f"{BASE}/accounts", status=200, json={"password": "hunter22", "note": "it is hunter22", "on": True})
    found = run(sensitive=[f"nodes.{NODE}.result.password", f"nodes.{NODE}.result.on", "nodes.other.result.note"])

    assert isinstance(found, Failure)
    assert found.response == {"password": MASK, "note": f"it is {MASK}", "on": MASK}


def test_a_long_error_is_cut_after_masking(outside):
    page = " ".join(["x" * 90] * 5) + " s3cret-token" * 2000
    outside.post(f"{BASE}/accounts", status=500, body=page)
    found = run(secrets=["s3cret-token"])

    assert isinstance(found, Failure)
    assert len(found.error) == 500
    assert "s3cret" not in found.error


def test_a_missing_secret_stops_the_call():
    known = Connection("identity", ConnectionSettings(base_url=BASE, auth={"bearer_env": "NOT_SET"}), {})
    assert run(known=known) == Failure(
        "Connection identity needs the environment variable NOT_SET, and it is not set.", CallEffect.NOT_SENT
    )


def test_what_a_template_lacks_is_named():
    with pytest.raises(TemplateError, match=r"request\.input\.phone is not defined.*body\.phone"):
        run({"body": {"phone": "{{ request.input.phone }}"}})


@pytest.mark.parametrize("value", ["../admin", "a?role=admin", "a#b", "\r\nX: 1"])
def test_what_a_request_says_cannot_lead_a_call_elsewhere(value):
    context = build_context(42, {"id": value}, "hr@example.com", {}, {}, {})
    spec = ActionSpec.model_validate(SPEC | {"path": "/users/{{ request.input.id }}", "body": None})

    with pytest.raises(CallRefused, match="The path holds"):
        prepare(spec, context, connection())


def test_the_time_limit_is_the_steps_or_else_the_connections():
    known = connection(timeout="7s")
    limits = [
        prepare(ActionSpec.model_validate(SPEC | more), CONTEXT, known).timeout for more in ({}, {"timeout": "2s"})
    ]

    assert limits == [7.0, 2.0]


def test_the_key_stays_the_same_for_the_same_rendered_call():
    def key(**spec):
        digest = prepare(ActionSpec.model_validate(SPEC | spec), CONTEXT, connection()).digest
        return idempotency_key(42, NODE, 1, 0, digest)

    assert key() == key(headers={}, timeout="1s")
    assert key() != key(body={"email": "other@example.com"})


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        known = connection(f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert run(known=known) == Failure(
        "identity could not be reached (connection refused).", CallEffect.NOT_SENT, retryable=True
    )


def test_a_real_call_from_end_to_end():
    heard = []

    def talk(connection):
        while request := read_request(connection):
            heard.append(request)
            answer(connection, b'{"id": "acc-1"}', "201 Created", "Content-Type: application/json")

    with tcp_server(talk) as url:
        found = run(known=connection(f"{url}/v2", auth={"basic_env": "TOKEN"}))

    assert found == Success(dumps({"id": "acc-1"}), call=CallEffect.ACCEPTED)
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v2/accounts?notify=no HTTP/1.1\r\n")
    assert b"Idempotency-Key: req-42-create_account-1-abc\r\n" in head
    assert json.loads(body) == {"email": "ada@example.com"}


def test_a_server_that_works_but_never_answers():
    let_go = threading.Event()

    def talk(connection):
        read_request(connection)
        let_go.wait()

    with tcp_server(talk) as url:
        found = run({"timeout": 0.2}, connection(url))
        let_go.set()

    assert found == Failure("identity did not answer within 0.2 s.", CallEffect.UNKNOWN, retryable=True)


@pytest.mark.parametrize("over", [0, 1])
def test_an_answer_of_more_than_a_mebibyte_is_a_failure_of_an_accepted_call(over):
    text = "x" * (1024 * 1024 - 2 + over)

    def talk(connection):
        read_request(connection)
        answer(connection, f'"{text}"'.encode(), "200 OK", "Content-Type: application/json")

    with tcp_server(talk) as url:
        found = run({"expect": {}, "retry": {"times": 3, "on_unexpected": True}}, connection(url))

    too_large = Failure("identity's answer is larger than 1024 KiB.", CallEffect.ACCEPTED)
    assert found == (too_large if over else Success(dumps(text), call=CallEffect.ACCEPTED))


@pytest.mark.parametrize("query", [{}, {"to": ["a b", "&"]}])
@pytest.mark.parametrize("path", ["/", "/a%2fb", "/ä", "/x%zz;v=1:d@e"])
def test_a_call_is_written_as_requests_writes_it_the_first_time_and_later(outside, path, query):
    expected = requests.Request("POST", f"{BASE}{path}", params=query).prepare().url
    outside.post(re.compile(".*"), json={})
    for _ in range(2):
        run({"path": path, "query": query, "expect": {}})
    assert [call.request.url for call in outside.calls] == [expected, expected]
