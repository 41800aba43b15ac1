"""Which errors are the same trouble."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import events
from engine.records import Blocked
from engine.rules.decide.finish import Finished, finish
from engine.rules.draft import Draft
from engine.rules.fingerprint import FINGERPRINT_CHARS, cause_key, fingerprint, without_values
from engine.rules.outcomes import Failure
from tests.support.memory import MemoryRequest, graph
from tests.unit.engine.rules.decide.samples import step_only

SAME = [
    ("bank answered 503 Service Unavailable.", "bank answered 503  Service Unavailable."),
    ("it answered 400: no account 4711", "it answered 400: no account 12"),
    ("id 7f3a9c21-0d5e-4e1b-9a44-0242ac120002 is taken", "id 11111111-aaaa-bbbb-cccc-ddddeeeeffff is taken"),
    ('no user "Ada" here', 'no user "Grace Hopper" here'),
    ("ada@example.com is unknown", "grace@navy.example is unknown"),
    ("ORD12AB is closed", "ORD9 is closed"),
    ("since 2026-11-28T16:22:01Z it is down", "since 2027-01-02T03:04:05Z it is down"),
    ("digest deadbeefcafe is wrong", "digest 0123abcd is wrong"),
    ("no answer within 10 s", "no answer within 12 s"),
    ("too long " * 40 + "to be one", "too long " * 40 + "to be another"),
]
DIFFERENT = [
    ("bank answered 503 Service Unavailable.", "bank answered 404 Not Found."),
    ("HTTP 500", "HTTP 502"),
    ("could not connect", "took longer than 10 s"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_differs_in_each_request_is_no_part_of_it(one: str, other: str):
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_troubles_stay_apart(one: str, other: str):
    assert fingerprint(one) != fingerprint(other)


def test_the_same_error_of_another_connection_is_another_cause():
    assert cause_key("bank", "could not connect") != cause_key("mail", "could not connect")


def test_it_can_be_told_without_the_values_of_any_request():
    error = 'bank answered 422 Unprocessable: no account "Ada L." (4711) of ada@example.com since 2026-11-28T16:22:01Z'
    assert without_values(error) == "bank answered 422 Unprocessable: no account … (…) of … since …"
    assert without_values("down " * 100) == f"{'down ' * 60}…"
    assert without_values("x" * 400) == "…"


IDS = st.one_of(
    st.integers(0, 10**12).map(str),
    st.uuids().map(str),
    st.integers(10**6, 10**9).map(lambda number: f"{number:x}0"),
    st.text("abcdef0123456789", min_size=1, max_size=20).map(lambda text: f"{text}7"),
    st.text(st.characters(exclude_characters='"\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029“”'), max_size=30).map(
        lambda text: f'"{text}"'
    ),
)
WORDS = st.lists(st.sampled_from(["the account", "is", "unknown:", "order", "of", "customer", "(see", "log)"]))


@given(WORDS, IDS, IDS, WORDS)
def test_any_id_in_its_place_leaves_it_the_same(before: list[str], one: str, other: str, after: list[str]):
    first, second = (" ".join([*before, given_id, *after]) for given_id in (one, other))
    assert fingerprint(first) == fingerprint(second)


@given(st.text(max_size=2000))
def test_any_error_has_one_that_is_short_and_stable(error: str):
    assert len(fingerprint(error)) <= FINGERPRINT_CHARS
    assert fingerprint(f"  {error}\n") == fingerprint(error)


@pytest.mark.parametrize(("alone", "counted"), [(False, ["mail"]), (True, [])])
def test_what_blocks_no_request_counts_for_no_cause(alone: bool, counted: list[str]):
    """A step on the path of before still ran when the one before it was re-triggered alone: it is stale."""
    way = graph("a > end", "a -failure> mail", "mail > end")
    way.nodes["mail"] = way.nodes["mail"]._replace(connection="mail")
    request = MemoryRequest(way)
    request.fail("a")
    number = request.claim("mail")
    if alone:
        step_only(request, "a")
        request.succeed("a")

    def fail(draft: Draft) -> list[Blocked]:
        finish(draft, Finished("mail", number, Failure("mail answered 503 Service Unavailable.")))
        return draft.blocked

    assert [blocked.node for blocked in request.do(fail)] == counted
    told = [event.data or {} for event in request.events if event.kind == events.BLOCKED]
    assert [data.get("stale", False) for data in told] == [alone]
