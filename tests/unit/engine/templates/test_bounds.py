"""Nothing leaves the sandbox, and nothing in it grows without bound."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.limits import MAX_RENDERED_CHARS, MAX_TEMPLATE_LOOPS
from engine.templates import TemplateError, build_context, compile_value
from tests.unit.engine.templates.samples import CONTEXT, refusal

WORDS = (
    "{{ }} {% %} ( ) [ ] . | ~ ' request input nodes __class__ __globals__ range namespace loop for in if endif endfor "
    "set a 1 attr map join == , upper format * **"
)


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
        "{% set n = namespace(x=[]) %}{% for i in range(9999) %}{% set n.x = [n.x, [0] * 262144] %}{% endfor %}",
        "{% for i in range(9999) %}{% if range(9999) | list %}{% endif %}{% endfor %}",
        "{{ range(9999) | map('string') | map('join', request.input.long) | list | length }}",
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
    started = time.thread_time()
    assert refusal(template)
    assert time.thread_time() - started < 30  # seconds of its own work; most need some hundredths


def test_as_many_characters_as_the_limit_says():
    chars = MAX_RENDERED_CHARS
    assert len(compile_value("{{ 'a' * %d }}" % chars).render({})) == chars  # noqa: UP031 - braces
    with pytest.raises(TemplateError, match="gives more than 262,144 characters"):
        compile_value(["{{ 'a' * %d }}" % chars, "{{ 1 }}"]).render({})  # noqa: UP031 - the same


@pytest.mark.parametrize("template", ["{{ 2 ** 4097 }}", "{{ 9 ** 9999 }}", "{{ (2 ** 4000) * (2 ** 4000) }}"])
def test_a_number_has_as_many_digits_as_the_limit_says(template: str):
    assert refusal(template) == "the template makes a number of more than 1,233 digits (in body)"


def test_a_number_below_that_limit_is_worked_with():
    assert compile_value("{{ 2 ** 4096 }}").render({}) == 2**4096
    assert refusal("{{ (2 ** 4000) / 3 }}") == (
        "`{{ (2 ** 4000) / 3 }}` cannot be rendered: integer division result too large for a float (in body)"
    )


def test_as_many_turns_as_the_limit_says():
    loop = "{{% for i in range({}) %}}{{% endfor %}}"
    assert compile_value(loop.format(MAX_TEMPLATE_LOOPS)).render({}) == ""
    with pytest.raises(TemplateError, match="take more than 10,000 turns"):
        compile_value(loop.format(MAX_TEMPLATE_LOOPS) + loop.format(1)).render({})


# As large as an input may be: what is innocent with ten groups must not take a worker, or the API, for hours.
LARGE = build_context(
    1,
    {
        "texts": [f"t{n}" for n in range(90_000)],
        "all": list(range(90_000)),
        "same": list(range(90_000)),
        "long": "a" * 900_000,
    },
    "",
    {},
    {},
    {},
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ request.input.all | select('in', request.input.texts) | list }}",
        "{{ request.input.all | reject('in', request.input.texts) | list }}",
        "{% for i in range(9999) %}{% if i in request.input.texts %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.all == request.input.same %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.long.count('b') %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.long is upper %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.all[1:] | first %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.all | sort | first %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.long.split('a') %}{% endif %}{% endfor %}",
        "{% for i in range(9999) %}{% if request.input.long.upper() == 'a' %}{% endif %}{% endfor %}",
    ],
)
def test_a_large_input_does_not_keep_a_template_busy(template: str):
    made = compile_value(template)
    begun = time.thread_time()
    with pytest.raises(TemplateError):
        made.render(LARGE)
    assert time.thread_time() - begun < 15.0  # some take hours otherwise, the others half a minute and more


def test_long_texts_can_be_put_together_piece_by_piece():
    pieces = "{% set n = namespace(x='') %}{% for i in range(500) %}{% set n.x = n.x ~ i ~ 'x' * 97 %}{% endfor %}"
    assert len(compile_value(pieces + "{{ n.x }}").render({})) > 45_000


def test_hundreds_are_compared_with_hundreds():
    some = build_context(1, {"a": list(range(900)), "b": list(range(450, 1350))}, "", {}, {}, {})
    assert compile_value("{{ request.input.a | select('in', request.input.b) | list | length }}").render(some) == 450
    loop = "{% for x in request.input.a if x not in request.input.b %}{{ x }}{% endfor %}"
    assert compile_value(loop).render(some) == "".join(map(str, range(450)))
