"""Conditions, which are true or false, and what is found wrong with a template by reading it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import RetriggerError
from engine.templates import TemplateError, compile_value, inspect, truth
from tests.unit.engine.templates.samples import CONTEXT, refusal


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), (False, False), ("true", True), (" False\n", False), ("TRUE", True)]
)
def test_conditions_are_true_or_false(value: Any, expected: bool):
    assert truth(value) is expected


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (1, "a number"),
        (0.0, "a number"),
        ("", "a text"),
        ("yes", "a text"),
        (None, "null"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_other_values_are_no_conditions(value: Any, what: str):
    with pytest.raises(TemplateError, match=f"^the condition gives {what}, not true or false; write a comparison"):
        truth(value)


def test_a_condition_may_be_an_expression_or_a_text():
    assert compile_value("{{ request.input.age > 40 }}").truth(CONTEXT)
    assert not compile_value("{% if request.input.remote %}false{% else %}true{% endif %}").truth(CONTEXT)
    with pytest.raises(TemplateError):
        compile_value("{{ request.input.age }}").truth(CONTEXT)


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("{{ rqeuest.id }}", "there is no name `rqeuest`; did you mean `request`?"),
        ("{{ request.inptu.x }}", "`request.inptu.x` does not exist; write request.id or request.input"),
        ("{{ nodes.a.resutl }}", "`nodes.a.resutl` cannot be used; write nodes.a.result or nodes.a.error"),
        ("{{ nodes.a }}", "`nodes.a` cannot be used; write nodes.a.result or nodes.a.error"),
        ("{{ 1 | uper }}", "there is no filter `uper`; did you mean `upper`?"),
        ("{{ 1 is defind }}", "there is no test `defind`; did you mean `defined`?"),
        ("{% include 'a' %}", "`{% include %}` cannot be used here; use if, for, set or with"),
        ("{% set request = 1 %}", "`request` cannot be assigned to; choose another name"),
    ],
)
def test_what_is_wrong_is_found_without_rendering(template: str, sentence: str):
    assert inspect(template).problems == (sentence,)


@pytest.mark.parametrize("template", ["{{ a", "{{ a.b. }}", "{% if %}", "{{ }}", "{% endfor %}", "{{ 1 +* 2 }}"])
def test_broken_syntax_is_quoted(template: str):
    with pytest.raises(TemplateError) as caught:
        inspect(template)
    assert f"`{template}` is not a template: " in str(caught.value)
    assert isinstance(caught.value, RetriggerError)


def test_other_failures_are_told_with_the_template():
    assert refusal("{{ 1 / 0 }}") == "`{{ 1 / 0 }}` cannot be rendered: division by zero (in body)"
    assert "cannot be rendered: Numerical result out of range (in body)" in refusal("{{ 2.0 ** 4000 }}")
    assert "cannot be rendered: can only concatenate str" in refusal("{{ request.input.name + 1 }}")
