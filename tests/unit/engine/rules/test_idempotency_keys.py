from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rules.idempotency_keys import call_digest, function_digest, idempotency_key, issue_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def key(request_id=42, node="create_account", visit=1, salt=0, scope="", **call):
    shop: dict[str, Any] = {"connection": "shop", "method": "POST", "path": "/accounts", "query": [], "body": None}
    return idempotency_key(request_id, node, visit, salt, call_digest(**(shop | call)), scope)


def test_a_key_can_be_read():
    assert re.fullmatch(r"req-42-create_account-1-[0-9a-f]{16}", key())


@pytest.mark.parametrize(("visit", "salt"), [(1, 0), (2, 0), (1, 3), (12, 10)])
def test_a_key_says_of_which_visit_and_which_asking_it_is(visit: int, salt: int) -> None:
    made = idempotency_key(42, "create_account_2", visit, salt, "digest", "scope")
    assert issue_of(made) == (visit, salt)
    assert issue_of("somebody-elses-key") is None


def test_a_key_never_changes_between_releases():
    assert key(body={"email": "ada@example.com"}) == "req-42-create_account-1-f72a1c0d463f1d36"


@pytest.mark.parametrize(
    "other",
    [
        {"request_id": 43},
        {"node": "badge"},
        {"visit": 2},
        {"salt": 1},
        {"scope": "1754380000.25"},
        {"body": {"amount": 1}},
        {"method": "PUT"},
        {"connection": "bank"},
        {"path": "/desks"},
        {"query": [("notify", "no")]},
    ],
    ids=str,
)
def test_another_effect_has_another_key(other):
    assert key(**other) != key()


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_the_order_of_fields_is_no_other_call(body):
    turned = dict(reversed(body.items()))

    assert call_digest("shop", "POST", "/a", [], turned) == call_digest("shop", "POST", "/a", [], body)


@given(json_values, json_values)
def test_another_body_is_another_call(one, other):
    same = repr(one) == repr(other) or one == other
    assert same or call_digest("shop", "POST", "/a", [], one) != call_digest("shop", "POST", "/a", [], other)


def test_parts_do_not_run_into_each_other():
    assert call_digest("shop", "POST", "/a", [], "b") != call_digest("shop", "POST", "/ab", [], "")


def test_a_function_has_a_key_of_its_name_and_arguments():
    digests = {
        function_digest("hr.badge", {"account": 1}),
        function_digest("hr.badge", {"account": "1"}),
        function_digest("hr.desk", {"account": 1}),
    }
    assert len(digests) == 3
