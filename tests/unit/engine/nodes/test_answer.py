from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from engine.nodes.answer import Answer, Expectation, NoAnswer, effect_of, judge, read_body, retry_after
from engine.rules.outcomes import Failure, Success
from engine.states import CallEffect
from engine.values.strict_json import dumps

NOT_SENT, REJECTED, ACCEPTED, UNKNOWN = (
    CallEffect.NOT_SENT,
    CallEffect.REJECTED,
    CallEffect.ACCEPTED,
    CallEffect.UNKNOWN,
)
NOW = datetime(2026, 8, 5, 10, 0, tzinfo=UTC).timestamp()
JSON = "application/json"


def answer(status=200, body=b"{}", kind: str | None = JSON, reason="", fault=None, **headers) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, reason, CaseInsensitiveDict(named | ({"Content-Type": kind} if kind else {})), body, fault)


ANY = Expectation()


def outcome(given_, expect=ANY):
    return judge("identity", given_, expect, NOW, lambda response: response)


@pytest.mark.parametrize(
    ("status", "effect", "succeeded", "retryable"),
    [
        (200, ACCEPTED, True, False),
        (201, ACCEPTED, True, False),
        (204, ACCEPTED, True, False),
        (299, ACCEPTED, True, False),
        (100, UNKNOWN, False, False),
        (301, UNKNOWN, False, False),
        (302, UNKNOWN, False, False),
        (304, UNKNOWN, False, False),
        (400, REJECTED, False, False),
        (401, REJECTED, False, False),
        (403, REJECTED, False, False),
        (404, REJECTED, False, False),
        (409, REJECTED, False, False),
        (422, REJECTED, False, False),
        (408, REJECTED, False, True),
        (425, REJECTED, False, True),
        (429, REJECTED, False, True),
        (500, UNKNOWN, False, True),
        (502, UNKNOWN, False, True),
        (503, UNKNOWN, False, True),
        (599, UNKNOWN, False, True),
    ],
)
def test_what_a_status_means(status, effect, succeeded, retryable):
    found = outcome(answer(status))

    assert effect_of(status) is found.call is effect
    assert isinstance(found, Success) is succeeded
    assert isinstance(found, Success) or found.retryable is retryable


@pytest.mark.parametrize("retry", [True, False])
@pytest.mark.parametrize(
    ("given_", "expect", "error"),
    [
        (
            answer(202, reason="Accepted"),
            Expectation(frozenset({201, 200})),
            "answered 202 Accepted, expected 200 or 201",
        ),
        (answer(body=b"{"), Expectation(), "answer is not the JSON that it claims to be. Line 1"),
        (answer(body=b'{"a":1,"a":2}'), Expectation(), "stands twice"),
        (answer(body=b'{"a":NaN}'), Expectation(), "NaN"),
        (
            answer(),
            Expectation(schema={"type": "object", "required": ["id"]}),
            "identity's answer does not fit: 'id' is a required property.",
        ),
        (
            answer(body=b'{"owner":{"ids":[1,"x"]}}'),
            Expectation(schema={"properties": {"owner": {"properties": {"ids": {"items": {"type": "integer"}}}}}}),
            "owner.ids.1: 'x' is not of type 'integer'",
        ),
        (
            answer(),
            Expectation(schema={"$ref": "https://example.com/s.json"}),
            "the schema points to https://example.com",
        ),
    ],
)
def test_an_accepted_call_with_an_unexpected_answer_is_tried_again_only_when_the_definition_says_so(
    given_, expect, error, retry
):
    found = outcome(given_, expect._replace(retry=retry))

    assert isinstance(found, Failure)
    assert error in found.error
    assert (found.call, found.retryable) == (ACCEPTED, retry)


@pytest.mark.parametrize("status", [301, 400, 404])
def test_retrying_the_unexpected_is_not_for_redirects_or_rejections(status):
    found = outcome(answer(status), Expectation(retry=True))
    assert isinstance(found, Failure)
    assert not found.retryable


@pytest.mark.parametrize(
    ("given_", "error", "effect", "retryable"),
    [
        (NoAnswer(False, "could not be reached (connection refused)"), "could not be reached", NOT_SENT, True),
        (NoAnswer(True, "did not answer within 10 s"), "identity did not answer within 10 s.", UNKNOWN, True),
        (answer(fault="broke off"), "identity's answer broke off.", ACCEPTED, True),
        (answer(fault="is larger than 1024 KiB"), "identity's answer is larger than 1024 KiB.", ACCEPTED, False),
        (answer(503, fault="broke off", reason="Busy"), "identity answered 503 Busy", UNKNOWN, True),
        (answer(404, fault="is larger than 1024 KiB", reason="No"), "identity answered 404 No", REJECTED, False),
    ],
)
def test_answers_that_do_not_arrive(given_, error, effect, retryable):
    found = outcome(given_)

    assert isinstance(found, Failure)
    assert error in found.error
    assert (found.call, found.retryable) == (effect, retryable)


def test_what_broke_off_is_not_quoted():
    """It may have ended within a secret, which is not known any more by its beginning."""
    for body, kind in ((b"bad token hun", "text/plain"), (b'{"detail": "bad token hun', JSON)):
        found = outcome(answer(400, body, kind, fault="broke off"))
        assert isinstance(found, Failure)
        assert found.error == "identity answered 400 Bad Request, and its answer broke off."


@pytest.mark.parametrize(
    ("given_", "error"),
    [
        (answer(503, b"", None, "Service Unavailable"), "identity answered 503 Service Unavailable."),
        (answer(503, b"", None), "identity answered 503 Service Unavailable."),
        (answer(599, b"", None), "identity answered 599."),
        (answer(302, b"", None, "Found"), "identity answered 302 Found, and redirects are not followed."),
        (answer(409, b'{"detail":"no such team"}'), "identity answered 409 Conflict: no such team"),
        (answer(502, b"<html>nginx</html>", "text/html", "Bad Gateway"), "identity answered 502 Bad Gateway."),
        (
            answer(400, "naïve".encode("latin-1"), "text/plain; charset=latin-1"),
            "identity answered 400 Bad Request: naïve",
        ),
        *(  # Python knows it, for host names: to decode a mebibyte of it would take minutes
            (
                answer(400, b"Mnchen-3ya", f"text/plain; charset={written}"),
                "identity answered 400 Bad Request: Mnchen-3ya",
            )
            for written in ("Punycode", "punycode-")
        ),
        (answer(400, b"\xff\xfe", "text/plain; charset=nonsense"), "identity answered 400 Bad Request: \ufffd\ufffd"),
    ],
)
def test_an_error_is_a_sentence_for_people(given_, error):
    found = outcome(given_)
    assert isinstance(found, Failure)
    assert found.error == error


@pytest.mark.parametrize(
    ("given_", "response"),
    [
        (answer(422, b'{"detail":"x"}'), {"detail": "x"}),
        (answer(422, b'{"detail":', JSON), None),
        (answer(422, b"plain", "text/plain"), None),
        (answer(503, b"{}", fault="broke off"), None),
        (answer(500, b"", JSON), None),
    ],
)
def test_the_last_response_is_kept_for_provide_input(given_, response):
    found = outcome(given_)
    assert isinstance(found, Failure)
    assert found.response == response


def test_an_answer_that_does_not_fit_is_kept_for_provide_input():
    found = outcome(answer(body=b'{"status":"ok"}'), Expectation(schema={"required": ["id"]}))
    assert isinstance(found, Failure)
    assert found.response == {"status": "ok"}


@pytest.mark.parametrize(
    ("given_", "result"),
    [
        (answer(body=b'{"id":1}'), {"id": 1}),
        (answer(body=b"[1]", kind="application/vnd.api+json; charset=utf-8"), [1]),
        (answer(body=b"null"), None),
        (answer(body=b'\xef\xbb\xbf"bom"'), "bom"),
        (answer(body=b'{"id":1}', kind=None), {"id": 1}),
        (answer(body=b"42", kind=None), {"status": 200, "text": "42"}),
        (answer(body=b'{"id":1}', kind="text/plain"), {"status": 200, "text": '{"id":1}'}),
        (answer(204, b"", kind=None), {"status": 204, "text": ""}),
        (answer(201, b" \n", kind=JSON), {"status": 201, "text": " \n"}),
    ],
)
def test_what_becomes_the_result(given_, result):
    assert outcome(given_) == Success(dumps(result), call=ACCEPTED)


@given(st.binary(max_size=200), st.none() | st.sampled_from([JSON, "text/plain", "text/x; charset=utf-16"]))
def test_no_body_is_more_than_a_failure(body, kind):
    assert isinstance(outcome(answer(body=body, kind=kind)), Success | Failure)


def test_statuses_that_a_definition_expects():
    expect = Expectation(frozenset({200, 404, 302}))

    assert outcome(answer(404), expect) == Success("{}", call=REJECTED)
    assert isinstance(outcome(answer(302), expect), Failure)
    assert isinstance(outcome(answer(201), expect), Failure)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("99999999999", 99999999999.0),
        ("9" * 400, inf),
        ("Wed, 05 Aug 2026 10:00:30 GMT", 30.0),
        ("Wed, 05 Aug 2026 10:00:30 -0000", 30.0),
        ("Wed, 05 Aug 2026 09:00:00 GMT", 0.0),
        ("Wed, 99 Aug 2026 09:00:00 GMT", None),
    ],
)
def test_how_long_the_other_side_wants_us_to_wait(header, seconds):
    assert retry_after(header, NOW) == seconds
    found = outcome(answer(429, Retry_After=header or ""))
    assert isinstance(found, Failure)
    assert found.retry_after == seconds


@pytest.mark.parametrize("off", [-3600, 0, 3600])
def test_until_when_to_wait_is_told_by_the_other_sides_clock_however_wrong_ours_is(off):
    until = "Wed, 05 Aug 2026 10:00:30 GMT"
    found = judge(
        "identity",
        answer(503, Retry_After=until, Date="Wed, 05 Aug 2026 10:00:00 GMT"),
        ANY,
        NOW + off,
        lambda response: response,
    )
    assert isinstance(found, Failure)
    assert found.retry_after == 30.0


def test_a_wish_to_wait_is_not_heard_where_nothing_is_tried_again():
    found = outcome(answer(400, Retry_After="7"))
    assert isinstance(found, Failure)
    assert found.retry_after is None


def test_reading_a_body_of_bytes_that_grow_when_they_are_read():
    assert read_body(answer(body=b'"' + b"\xff" * 1_000_000 + b'"')) == "\ufffd" * 1_000_000


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail":" no such team "}', ": no such team"),
        (b'{"code":7,"message":"locked"}', ": locked"),
        (b'{"error":{"message":"deep"}}', ': {"error": {"message": "deep"}}'),
        (b'{"title":"Bad","detail":"no such team"}', ": no such team"),
        (b'["a","b"]', ': ["a", "b"]'),
        (b"{}", "."),
        (b"null", ": null"),
        (b'{"message":"<b>"}', "."),
        (b'{"detail":', ': {"detail":'),
    ],
)
def test_what_an_error_says_is_told(body, said):
    found = outcome(answer(409, body))
    assert isinstance(found, Failure)
    assert found.error == f"identity answered 409 Conflict{said}"


def test_hidden_fields_are_neither_kept_nor_told():
    found = judge("identity", answer(409, b'{"pin":7}'), ANY, NOW, lambda response: {**response, "pin": "hidden"})

    assert isinstance(found, Failure)
    assert found.error == 'identity answered 409 Conflict: {"pin": "hidden"}'
    assert found.response == {"pin": "hidden"}


ODD = st.sampled_from(["idna", "undefined", "punycode", "utf-16", "utf-7", "hz", "rot13", "none", '"', "utf-8; x=\x7f"])


@given(
    st.integers(100, 599),
    st.binary(max_size=60),
    st.builds("text/plain; charset={}".format, ODD) | st.sampled_from([JSON, "", "application/problem+json"]),
    st.text(max_size=40)
    | st.sampled_from(["Fri, 31 Dec 99999999999 00:00:00 GMT", "Fri, 31 Dec 0000 00:00:00 GMT", "1e400", "-1"]),
)
def test_no_answer_makes_it_fail(status: int, body: bytes, kind: str, wish: str) -> None:
    found = outcome(answer(status, body, kind, Retry_After=wish))
    assert found.call is effect_of(status)
