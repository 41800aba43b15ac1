"""What a delay, an approval and a decision make of what their templates gave: a moment, people to ask, a way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition import DecisionSpec, approvers_of, moment
from engine.templates import TemplateError

NOW = 1_700_000_000.0
TIME = "write a time such as 2030-01-31T09:00:00+01:00"
LIMITS = ((500_000, "board"), (50_000, "lead"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=25),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("rendered", "at"),
    [
        ({"for": "2h"}, NOW + 7200),
        ({"for": " 90s "}, NOW + 90),
        ({"for": "1.5d"}, NOW + 129_600),
        ({"for": 30}, NOW + 30),
        ({"for": 0.25}, NOW + 0.25),
        ({"for": 0}, NOW),
        ({"until": "2030-01-31T09:00:00+01:00"}, 1_896_076_800.0),
        ({"until": "2030-01-31T08:00:00Z"}, 1_896_076_800.0),
        ({"until": " 2030-01-31 08:00Z "}, 1_896_076_800.0),
        ({"until": "1970-01-01T00:00:01Z"}, 1.0),
    ],
)
def test_a_delay_is_over_at(rendered: dict[str, Any], at: float):
    assert moment(rendered, NOW) == at


@pytest.mark.parametrize(
    ("rendered", "sentence"),
    [
        ({"for": "soon"}, "is `soon`; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds (in for)"),
        ({"for": None}, "is empty; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds (in for)"),
        ({"for": True}, "is true; write a duration such as 10s, 2m, 1h or 2d, or a number of seconds (in for)"),
        ({"for": -1}, "is the number -1; write a duration between 0s and 365d (in for)"),
        ({"for": "366d"}, "is `366d`; write a duration between 0s and 365d (in for)"),
        ({"until": "tomorrow"}, f"is `tomorrow`; {TIME} (in until)"),
        ({"until": 1_700_000_000}, f"is the number 1700000000; {TIME} (in until)"),
        ({"until": "2030-01-31"}, f"is `2030-01-31`, which names no zone; {TIME}, or end it with Z (in until)"),
        ({"until": []}, f"is an empty list; {TIME} (in until)"),
        ({"until": "9999-12-31T23:59:59Z"}, "is `9999-12-31T23:59:59Z`; write a time before the year 9999 (in until)"),
        (
            {"until": "9999-12-31T23:59:59-12:00"},
            "is `9999-12-31T23:59:59-12:00`; write a time before the year 9999 (in until)",
        ),
    ],
)
def test_what_is_no_time_is_told(rendered: dict[str, Any], sentence: str):
    with pytest.raises(TemplateError) as caught:
        moment(rendered, NOW)
    assert str(caught.value) == sentence


@given(st.sampled_from(["for", "until"]), json_values | st.datetimes(timezones=st.timezones()).map(str))
def test_any_rendered_delay_is_a_moment_or_a_template_error(field: str, value: Any):
    try:
        at = moment({field: value}, NOW)
    except TemplateError:
        return
    assert isinstance(at, float)
    assert field == "until" or at >= NOW


def test_those_who_are_asked_are_asked_once():
    rendered = ["hanna@example.com", "@hr-admins", ["ann@example.com", "hanna@example.com"], "key:robot"]
    assert approvers_of(rendered) == ("hanna@example.com", "@hr-admins", "ann@example.com", "key:robot")


@pytest.mark.parametrize(
    ("rendered", "sentence"),
    [
        (["hanna"], "an approver is `hanna`, not an e-mail address or @group (in approvers)"),
        ([""], "an approver is an empty text, not an e-mail address or @group (in approvers)"),
        ([None], "an approver is empty, not an e-mail address or @group (in approvers)"),
        (["<@U0123456789>"], "an approver is `<@U0123456789>`, not an e-mail address or @group (in approvers)"),
        (["@"], "an approver is `@`, not an e-mail address or @group (in approvers)"),
        (["a b@example.com"], "an approver is `a b@example.com`, not an e-mail address or @group (in approvers)"),
        ([["a@example.com", 5]], "an approver is the number 5, not an e-mail address or @group (in approvers)"),
        ([[["a@example.com"]]], "an approver is a list, not an e-mail address or @group (in approvers)"),
        ([[]], "the list of approvers is empty, so nobody could approve (in approvers)"),
    ],
)
def test_who_cannot_be_asked_is_told(rendered: list[Any], sentence: str):
    with pytest.raises(TemplateError) as caught:
        approvers_of(rendered)
    assert str(caught.value) == sentence


@given(st.lists(json_values, max_size=4))
def test_any_rendered_approvers_are_people_or_a_template_error(rendered: list[Any]):
    try:
        asked = approvers_of(rendered)
    except TemplateError:
        return
    assert asked
    assert all("@" in who or who.startswith("key:") for who in asked)


@pytest.mark.parametrize(
    ("cents", "way"), [(600_000, "board"), (60_000, "lead"), (600, "pay"), (500_000, "lead"), (50_000, "pay")]
)
def test_of_several_conditions_the_first_that_is_true_wins_and_of_none_the_default(cents: int, way: str):
    cases = [{"when": f"{{{{ request.input.cents > {most} }}}}", "next": to} for most, to in LIMITS]
    spec = DecisionSpec.model_validate([*cases, {"default": "pay"}])
    assert spec.way({"request": {"input": {"cents": cents}}}) == way
