"""What a template gives: values that keep their type, texts, and errors that name what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.templates import TemplateError, build_context, compile_value
from tests.unit.engine.templates.samples import CONTEXT, INPUT, refusal, render


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ request.id }}", "REQ-42"),
        ("{{ requester }}", "hanna@example.com"),
        ("{{ request.input }}", INPUT),
        ("{{ request.input.age }}", 41),
        ("{{request.input.remote}}", True),
        ("{{- request.input.nobody -}}", None),
        ("{{ nodes.account.result.id + 1 }}", 8),
        ("{{ nodes.account.result.tags[1] }}", "b"),
        ("{{ nodes['account']['result']['tags'][0] }}", "a"),
        ("{{ nodes.badge.error }}", "HTTP 503"),
        ("{{ nodes.account.error }}", None),
        ("{{ constants.limit > request.input.age }}", True),
        ("{{ {'a': [request.id]} }}", {"a": ["REQ-42"]}),
        ("{{ request.input.people | map(attribute='name') }}", ["Ada", "Bo"]),
        ("{{ request.input.people | selectattr('age', 'gt', 18) | map(attribute='name') | list }}", ["Ada"]),
        ("{{ request.input.people | sum(attribute='age') }}", 53),
        ("{{ [1, 2.5] | sum }}", 3.5),
        ("{{ request.input['items'][1:] }}", [2, 3]),
        ("{{ request.input[constants.key] }}", "Ann"),
        ("{{ request.input.keys[request.input.keys.values] }}", "Vee"),
        ("{{ 7 // 2 }}", 3),
        ("{{ 2.675 | round(2) }}", 2.67),
    ],
)
def test_one_expression_keeps_its_type(template: str, value: Any):
    assert render(template) == value
    assert type(render(template)) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ request.input.age }} years", "41 years"),
        (" {{ request.input.age }}", " 41"),
        ("{{ request.input.remote }}/{{ request.input.nobody }}", "true/null"),
        ("{{ nodes.account.result }}!", '{"id":7,"tags":["a","b"]}!'),
        ("{{ request.input.age }}\n", "41\n"),
        ("{{ 'a' ~ 1 ~ true }}", "a1true"),
        ("{% for i in request.input['items'] %}{{ loop.index }}={{ i }};{% endfor %}", "1=1;2=2;3=3;"),
        ("{% if request.input.remote %}yes{% else %}no{% endif %}", "yes"),
        ("{% set n = namespace(t=0) %}{% for i in [1, 2] %}{% set n.t = n.t + i %}{% endfor %}{{ n.t }}.", "3."),
        ("{{ request.input.name.upper() }}{# a note #}", "ANN"),
        ("{{ request.input.people | map(attribute='name') | join(', ') }}.", "Ada, Bo."),
        ("{{ request.input.nick | default('none') }}!", "none!"),
        ("{% raw %}{{ as it is }}{% endraw %}", "{{ as it is }}"),
        ("{{ 'a/b c' | urlencode }}{{ 'x' | replace('x', 'y') }}{{ [1] | tojson }}", "a/b%20cy[1]"),
        ("{{ request.input.name | lower | trim | title }}{{ 'word' | truncate(9) }}.", "Annword."),
    ],
)
def test_everything_else_renders_to_text(template: str, text: str):
    assert render(template) == text


def test_keys_of_the_input_win_over_the_methods_of_a_mapping():
    assert render("{{ request.input.items }}") == [1, 2, 3]
    assert render("{{ request.input.keys.values }}{{ request.input.keys.update }}") == "vu"
    assert refusal("{{ request.input.get('name') }}") == "request.input.get is not defined (in body)"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("{{ request.input.nmae }}", "request.input.nmae is not defined (in body)"),
        ("Dear {{ request.input.nmae }}", "request.input.nmae is not defined (in body)"),
        ({"to": ["{{ request.input.nmae | upper }}"]}, "request.input.nmae is not defined (in body.to[0])"),
        ("{{ request.input.boss.name }}", "request.input.boss is not defined (in body)"),
        ("{{ request.input.boss.name ~ '!' }}", "request.input.boss is not defined (in body)"),
        ("{{ request.input.name.first }}", "request.input.name.first is not defined (in body)"),
        ("{{ request.input['items'][9] + 1 }}", "request.input.items[9] is not defined (in body)"),
        ("{{ nodes.account.result.nmae ~ request.id }}", "nodes.account.result.nmae is not defined (in body)"),
        ("{{ nodes.badge.result.id }}", "nodes.badge.result is not defined: badge has given no result (in body)"),
        ("{{ nodes.later.result.id }}", "nodes.later.result is not defined: later has given no result (in body)"),
        ("{{ request.input.nick | default('x') ~ request.input.nmae }}", "request.input.nmae is not defined (in body)"),
        ("{% for p in request.input.people %}{{ p.mail }}{% endfor %}", "p.mail is not defined (in body)"),
        ("{% if request.input.rmote %}a{% endif %}", "request.input.rmote is not defined (in body)"),
        ("{{ not request.input.rmote }}", "request.input.rmote is not defined (in body)"),
        ("{{ [] | first }}", "No first item, sequence was empty. (in body)"),
    ],
)
def test_an_undefined_value_is_named(value: Any, sentence: str):
    assert refusal(value) == sentence


def test_what_is_not_used_may_be_undefined():
    assert render("{{ 'a' if request.input.nick is not defined else 'b' }}") == "a"
    assert render("{{ nodes.account.result.id if nodes.account.result is defined else 0 }}") == 7
    assert render("{{ nodes.skipped.result.id if nodes.skipped.result is defined else 0 }}") == 0
    assert render("{{ nodes.skipped.error }}") is None


@given(st.text())
def test_a_text_without_markers_is_itself(text: str):
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        template = compile_value(text)
        assert template.constant
        assert template.render({}) == text


def test_a_value_is_rendered_throughout_and_is_fresh_each_time():
    value = {"id": "{{ request.id }}", "tags": ["a", "{{ nodes.account.result.tags[0] }}"], "n": 1, "{{ k }}": None}
    template = compile_value(value)
    first = template.render(CONTEXT)
    assert first == {"id": "REQ-42", "tags": ["a", "a"], "n": 1, "{{ k }}": None}
    first["tags"].append("changed")
    assert template.render(CONTEXT)["tags"] == ["a", "a"]
    constant = compile_value({"tags": ["a"]})
    constant.render({})["tags"].append("changed")
    assert constant.render({}) == {"tags": ["a"]}


def test_what_a_template_gives_is_not_the_inputs_own_list():
    render("{{ request.input.people }}").append("changed")
    assert len(INPUT["people"]) == 2


def test_a_template_knows_which_nodes_it_names():
    template = compile_value({"a": "{{ nodes.one.result.x }}", "b": ["{{ nodes['two'].error ~ nodes.three.result }}"]})
    assert template.nodes == {"one", "two", "three"}
    assert not template.constant
    assert compile_value({"a": "nodes.one.result"}).constant


def test_before_the_request_is_stored_it_has_no_id():
    context = build_context(None, {"name": "Ann"}, "a@example.com", {}, {}, {})
    assert compile_value("Onboard {{ request.input.name }}").text(context) == "Onboard Ann"
    with pytest.raises(TemplateError, match=r"^request\.id is not defined"):
        compile_value("{{ request.id }}").render(context)
