from __future__ import annotations

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from engine.nodes.call import CallRefused, PreparedCall, build_call
from engine.nodes.connections import Connection, ConnectionSettings

IDENTITY = Connection(
    "identity",
    ConnectionSettings.model_validate(
        {"base_url": "https://identity.example.com/v2", "headers": {"X-Team": "hr"}, "auth": {"bearer_env": "TOKEN"}}
    ),
    {},
)


def call(path="/accounts", query=None, headers=None, body=None, method="POST") -> PreparedCall:
    return build_call(IDENTITY, method, path, query, headers, body)


@pytest.mark.parametrize(
    ("body", "data", "content_type"),
    [
        (None, None, None),
        ({"a": [1, None, "é"]}, b'{"a":[1,null,"\\u00e9"]}', "application/json"),
        ([], b"[]", "application/json"),
        (0, b"0", "application/json"),
        (False, b"false", "application/json"),
        ("a=1&b=é", "a=1&b=é".encode(), "text/plain; charset=utf-8"),
        ("", b"", "text/plain; charset=utf-8"),
    ],
)
def test_what_is_sent_of_a_body(body, data, content_type):
    built = call(body=body)

    assert built.body == data
    assert built.headers.get("Content-Type") == content_type


def test_a_definition_says_better_what_its_text_is():
    built = call(body="<a/>", headers={"content-type": "application/xml"})

    assert built.headers == {"X-Team": "hr", "content-type": "application/xml"}


@pytest.mark.parametrize(
    ("query", "pairs"),
    [
        (None, ()),
        (
            {"notify": "no", "n": 2, "all": True, "x": 1.5},
            (("notify", "no"), ("n", "2"), ("all", "true"), ("x", "1.5")),
        ),
        ({"id": ["a", "b", None]}, (("id", "a"), ("id", "b"))),
        ({"gone": None, "empty": ""}, (("empty", ""),)),
    ],
)
def test_what_is_sent_of_a_query(query, pairs):
    assert call(query=query).query == pairs


def test_headers_of_a_definition_take_the_place_of_the_connections():
    assert call(headers={"x-team": "it", "X-N": 3, "X-Off": None}).headers == {"x-team": "it", "X-N": "3"}


@pytest.mark.parametrize(
    ("rendered", "words"),
    [
        ({"path": "accounts"}, "begins with '/'"),
        ({"path": ""}, "begins with '/'"),
        ({"path": 7}, "begins with '/'"),
        ({"path": "https://evil.example.com/"}, "begins with '/'"),
        ({"path": "//evil.example.com/"}, "another host"),
        ({"path": "/\\evil.example.com/"}, "holds"),
        ({"path": "/a?admin=1"}, "query"),
        ({"path": "/a#b"}, "holds"),
        ({"path": "/a\r\nX: 1"}, "holds"),
        ({"path": "/users/../admin"}, "lead elsewhere"),
        ({"path": "/users/.."}, "lead elsewhere"),
        ({"path": "/users/%2e%2E/admin"}, "lead elsewhere"),
        ({"path": "/users/..%2fadmin"}, "lead elsewhere"),
        ({"path": "/users/..%5Cadmin"}, "lead elsewhere"),
        ({"path": "/users/..;/admin"}, "lead elsewhere"),
        ({"path": "/users/%2e.%3Ba=1/admin"}, "lead elsewhere"),
        ({"path": "/./a"}, "lead elsewhere"),
        ({"query": "a=1"}, "query must be names"),
        ({"query": {"a": {"b": 1}}}, "query's a"),
        ({"query": {"a": [["b"]]}}, "query's a"),
        ({"headers": {"X-A": "1\nX-B: 2"}}, "line break"),
        ({"headers": {"X A": "1"}}, "no header name"),
        ({"headers": {"Host": "evil.example.com"}}, "set by the engine"),
        ({"headers": {"authorization": "Bearer mine"}}, "set by the connection identity"),
        ({"headers": {"Idempotency-Key": "1"}}, "set by the connection identity"),
        ({"headers": {"X-A": {"b": 1}}}, "header X-A"),
        ({"headers": ["X-A"]}, "headers must be"),
    ],
    ids=str,
)
def test_what_is_refused_before_anything_leaves(rendered, words):
    with pytest.raises(CallRefused, match=words):
        call(**rendered)


def test_a_long_value_is_not_repeated_in_part():
    """Half of a sensitive value would not be found by whoever masks the sentence."""
    with pytest.raises(CallRefused) as raised:
        call(path="x" * 100_000)
    assert "xx" not in str(raised.value)
    assert "a text of 100,002 characters" in str(raised.value)


@given(st.text() | st.text("/.%2fFeE\\@:?#a").map("/{}".format))
def test_a_path_never_leaves_the_base_url(path):
    """What a template renders into a path may come from anybody who can submit a request."""
    try:
        built = call(path=path)
    except CallRefused:
        return
    url = requests.Request("GET", IDENTITY.url(built.path)).prepare().url
    parts = urlsplit(str(url))
    assert (parts.scheme, parts.netloc) == ("https", "identity.example.com")
    assert parts.path.startswith("/v2/")
    assert not parts.query
    assert ".." not in parts.path.split("/")


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_a_query_arrives_as_it_was_rendered(query):
    query = {k: v for k, v in query.items() if k.isprintable() and v.isprintable()}
    url = requests.Request("GET", IDENTITY.url("/a"), params=list(call(query=query).query)).prepare().url

    assert dict(parse_qsl(urlsplit(str(url)).query, keep_blank_values=True)) == query


@given(st.text(max_size=30))
def test_a_header_is_one_header_or_refused(value):
    try:
        sent = call(headers={"X-A": value}).headers["X-A"]
    except CallRefused:
        return
    assert not set(sent) & {"\r", "\n", "\0"}
    sent.encode("latin-1")


def test_the_digest_is_of_method_path_query_and_body():
    same = call(body={"a": 1, "b": 2}).digest

    assert call(body={"b": 2, "a": 1}, headers={"X-Trace": "REQ-1"}).digest == same
    others = [
        call(body={"a": 1, "b": 3}),
        call(body={"a": 1, "b": 2}, method="PUT"),
        call(body={"a": 1, "b": 2}, path="/desks"),
        call(body={"a": 1, "b": 2}, query={"c": "3"}),
        call(body=json.dumps({"a": 1, "b": 2})),
    ]
    assert len({same, *(other.digest for other in others)}) == 6
