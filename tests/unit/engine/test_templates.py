from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RetriggerError
from engine.limits import MAX_RENDERED_CHARS, MAX_TEMPLATE_LOOPS
from engine.templates import TemplateError, build_context, compile_value, inspect, truth

INPUT = {
    "name": "Ann",
    "age": 41,
    "remote": True,
    "nobody": None,
    "items": [1, 2, 3],
    "keys": {"values": "v", "update": "u", "v": "Vee"},
    "people": [{"name": "Ada", "age": 36}, {"name": "Bo", "age": 17}],
    "long": "x" * 200_000,
}
WORDS = (
    "{{ }} {% %} ( ) [ ] . | ~ ' request input nodes __class__ __globals__ range namespace loop for in if endif endfor "
    "set a 1 attr map join == , upper format * **"
)
CONTEXT = build_context(
    42,
    INPUT,
    "hanna@example.com",
    results={"account": {"id": 7, "tags": ["a", "b"]}},
    errors={"badge": "HTTP 503"},
    constants={"limit": 100, "key": "name"},
)


def render(value: Any) -> Any:
    return compile_value(value, "body").render(CONTEXT)


def refusal(value: Any) -> str:
    with pytest.raises(TemplateError) as caught:
        render(value)
    return str(caught.value)


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


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ ''['__class__'] }}",
        "{{ request.input.__class__ }}",
        "{{ request.input['__class__']['__init__'] }}",
        "{{ [].__class__ }}",
        "{{ ().__class__.__base__ }}",
        "{{ (1).__class__ }}",
        "{{ range.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ namespace().__class__ }}",
        "{{ namespace()._Namespace__attrs }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ lipsum.__globals__['os'].popen('id').read() }}",
        "{{ joiner }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ request | attr('__class__') }}",
        "{{ 'x' | attr('format') }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '{x.__class__}'.format_map({'x': 1}) }}",
        "{{ '%s' | format(1) }}",
        "{{ ['a'] | map('attr', '__class__') | list }}",
        "{{ ['a'] | map(attribute='__class__') | list }}",
        "{{ ['a', 'b'] | sort(attribute='__class__') }}",
        "{{ ['a'] | sum(attribute='__class__') }}",
        "{{ ['a'] | groupby('__class__') }}",
        "{{ request.input.people.append(1) }}",
        "{{ request.input.keys.clear() }}",
        "{{ request.input.name.upper.__self__ }}",
        "{{ request.input.name.upper }}",
        "{{ request.input.name.encode() }}",
        "{{ range(3).__iter__ }}",
        "{{ range }}",
        "{{ namespace() }}",
        "{{ namespace(a=request).a.__class__ }}",
        "{{ [1] | random }}",
        "{{ config }}",
        "{{ loop }}",
        "{% for i in [1] %}{{ loop.__class__ }}{% endfor %}",
        "{% for i in [1] %}{{ loop._iterable }}{% endfor %}",
        "{% for i in [1] %}{{ loop }}{% endfor %}",
        "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% include 'x' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% from 'os' import path %}",
        "{% extends 'x' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% block b %}{% endblock %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% set x %}a{% endset %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% set request = 1 %}",
        "{% for nodes in [1] %}{% endfor %}",
        "{{ request.constructor }}",
        "{{ nodes }}",
        "{{ nodes | length }}",
        "{{ nodes['a' ~ 'b'].result }}",
        "{% do 1 %}",
        "{% debug %}",
        "{{ 1 | pprint }}{{ 'a' | safe }}",
        "{{ ' concat' | concat }}",
    ],
)
def test_nothing_leaves_the_sandbox(template: str):
    assert refusal(template)


@given(
    st.lists(
        st.sampled_from(WORDS.split()),
        max_size=14,
    )
)
def test_no_jumble_of_words_gives_anything_but_json_or_a_template_error(words: list[str]):
    source = " ".join(words)
    try:
        value = compile_value(source).render(CONTEXT)
    except TemplateError:
        return
    assert isinstance(value, str | int | float | bool | list | dict | None)
    assert "<" not in str(value)  # as in "<class …>", "<function …>"


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 1000000000 * 'a' }}",
        "{{ [0] * 10**9 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 9 ** 99999999 }}",
        "{{ (2 ** 4000) * (2 ** 4000) }}",
        "{{ request.input.long ~ request.input.long }}",
        "{{ request.input.long + request.input.long }}",
        "{{ request.input.long }}{{ request.input.long }}",
        "{{ [request.input.long, request.input.long] }}",
        "{{ [request.input.long, request.input.long] | join }}",
        "{{ [request.input.long, request.input.long] | string }}",
        "{{ request.input.long | replace('x', 'xx') }}",
        "{{ request.input.long | replace('', request.input.long) }}",
        "{{ range(999999999) }}",
        "{{ range(9999) | join(request.input.long) }}",
        "{% for i in range(9999) %}{{ request.input.long }}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) if range(9999) %}{% for j in range(9) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=['a']) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=['a']) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|upper }}",
        "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}{{ n.x }}",
        "{{ [request.input.items, request.input.items] | sum(start=[]) }}",
        "{{ 5 | round(-999999999) }}",
        "{{ 'a'.center(999999999) }}{{ 'a'.ljust(999999999) }}{{ 'a'.zfill(999999999) }}",
        "{{ 'a' | center(999999999) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ [1] | batch(999999999, 0) | list }}",
        "{{ {} | tojson(indent=999999999) }}",
        "{{ 1e308 * 10 }}",
        "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
        "{{ " + "+".join("1" * 3000) + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{{ request" + ".input" * 3000 + " }}",
        "{% for i in [1] %}" * 30 + "{% endfor %}" * 30,
        "{% if 1 %}" * 500 + "{% endif %}" * 500,
    ],
)
def test_nothing_grows_without_bound(template: str):
    started = time.monotonic()
    assert refusal(template)
    assert time.monotonic() - started < 5


def test_as_many_characters_as_the_limit_says():
    chars = MAX_RENDERED_CHARS
    assert len(compile_value("{{ 'a' * %d }}" % chars).render({})) == chars  # noqa: UP031 - braces
    with pytest.raises(TemplateError, match="gives more than 262,144 characters"):
        compile_value(["{{ 'a' * %d }}" % chars, "{{ 1 }}"]).render({})  # noqa: UP031


def test_as_many_turns_as_the_limit_says():
    loop = "{{% for i in range({}) %}}{{% endfor %}}"
    assert compile_value(loop.format(MAX_TEMPLATE_LOOPS)).render({}) == ""
    with pytest.raises(TemplateError, match="take more than 10,000 turns"):
        compile_value(loop.format(MAX_TEMPLATE_LOOPS) + loop.format(1)).render({})


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
    assert len(INPUT["people"]) == 2  # type: ignore[arg-type]


def test_a_template_knows_which_nodes_it_names():
    template = compile_value({"a": "{{ nodes.one.result.x }}", "b": ["{{ nodes['two'].error ~ nodes.three.result }}"]})
    assert template.nodes == {"one", "two", "three"}
    assert not template.constant
    assert compile_value({"a": "nodes.one.result"}).constant


WITH_ADDRESSES = build_context(
    42, INPUT, "hanna@example.com", {}, {}, {}, callback_url=lambda node: f"https://example.com/callbacks/of-{node}"
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ callback_url('done') }}", "https://example.com/callbacks/of-done"),
        ('{{ callback_url("done") }}', "https://example.com/callbacks/of-done"),
        ("{{ callback_url('done') }}?a=1", "https://example.com/callbacks/of-done?a=1"),
        ("{{ {'url': callback_url('done')} }}", {"url": "https://example.com/callbacks/of-done"}),
        ("{{ callback_url('done') | upper }}", "HTTPS://EXAMPLE.COM/CALLBACKS/OF-DONE"),
        ("{{ 'see ' ~ callback_url('done') }}", "see https://example.com/callbacks/of-done"),
        ("{% if request.input.remote %}{{ callback_url('done') }}{% endif %}", "https://example.com/callbacks/of-done"),
    ],
)
def test_the_address_of_a_callback(template: str, value: Any):
    compiled = compile_value({"url": [template]})
    assert compiled.callbacks == {"done"}
    assert not compiled.constant
    assert compiled.render(WITH_ADDRESSES) == {"url": [value]}


def test_every_callback_that_is_asked_for_is_known():
    template = compile_value(["{{ callback_url('a') }}{{ callback_url('b') }}", {"x": "{{ callback_url('c') }}"}, "a"])
    assert template.callbacks == {"a", "b", "c"}
    assert inspect("{{ callback_url('a') ~ nodes.b.result }}").callbacks == {"a"}
    assert inspect("{{ request.input.callback_url }}").callbacks == frozenset()


@pytest.mark.parametrize(
    "template",
    [
        "{{ callback_url }}",
        "{{ callback_url() }}",
        "{{ callback_url('') }}",
        "{{ callback_url(5) }}",
        "{{ callback_url(request.input.name) }}",
        "{{ callback_url('a' ~ 'b') }}",
        "{{ callback_url('a', 'b') }}",
        "{{ callback_url(node='a') }}",
        "{{ callback_url(*['a']) }}",
        "{{ callback_url(**{'node': 'a'}) }}",
        "{{ callback_url.__globals__ }}",
        "{{ callback_url['__globals__'] }}",
        "{% set f = callback_url %}{{ f('a') }}",
        "{% for f in [callback_url] %}{{ f('a') }}{% endfor %}",
        "{{ {'f': callback_url}.f('a') }}",
        "{{ namespace(f=callback_url).f('a') }}",
    ],
)
def test_whose_address_it_is_must_be_known_without_rendering(template: str):
    [problem] = inspect(template).problems
    assert problem == "`callback_url` takes the id of one callback node, in quotes: callback_url('confirmation')"
    with pytest.raises(TemplateError):
        compile_value(template)


@pytest.mark.parametrize("template", ["{% set callback_url = 1 %}", "{% for callback_url in [1] %}{% endfor %}"])
def test_the_name_of_that_function_is_taken(template: str):
    assert inspect(template).problems == ("`callback_url` cannot be assigned to; choose another name",)


def test_only_that_function_is_called():
    for template in (
        "{{ callback_url('a')() }}",
        "{{ callback_url('a').__class__ }}",
        "{{ callback_url('a').format() }}",
    ):
        with pytest.raises(TemplateError):
            compile_value(template).render(WITH_ADDRESSES)


def test_without_a_public_url_there_is_no_address():
    with pytest.raises(TemplateError) as caught:
        compile_value("{{ callback_url('done') }}", "body").render(CONTEXT)
    assert str(caught.value) == "`callback_url` has no address to give; set api.public_url in the settings (in body)"


def test_before_the_request_is_stored_it_has_no_id():
    context = build_context(None, {"name": "Ann"}, "a@example.com", {}, {}, {})
    assert compile_value("Onboard {{ request.input.name }}").text(context) == "Onboard Ann"
    with pytest.raises(TemplateError, match=r"^request\.id is not defined"):
        compile_value("{{ request.id }}").render(context)


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
    assert "cannot be rendered: can only concatenate str" in refusal("{{ request.input.name + 1 }}")
