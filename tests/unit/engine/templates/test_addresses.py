"""The address of a callback, as a template asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.templates import TemplateError, build_context, compile_value, inspect
from tests.unit.engine.templates.samples import CONTEXT, INPUT

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
