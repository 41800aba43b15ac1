from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SettingsError
from engine.functions import find_function, function, function_names, load_functions


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr("engine.functions._registered", {})


def registered(name):
    known = find_function(name)
    assert known
    return known.call


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that can be imported, and forget it afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = []

    def write(name, text):
        names.append(name)
        (tmp_path / f"{name}.py").write_text(text)
        return name

    yield write
    for name in names:
        sys.modules.pop(name, None)


def test_a_registered_function_stays_what_it_is():
    def badge(account):
        return account

    assert function("hr.badge")(badge) is badge
    assert registered("hr.badge") is badge
    assert function_names() == ("hr.badge",)
    assert find_function("hr.desk") is None


def test_modules_of_the_settings_are_imported(module):
    text = "from engine.functions import function\n@function('hr.badge')\ndef badge(): return 7\n"
    load_functions([module("my_functions", text)])

    assert registered("hr.badge")() == 7


def test_the_same_function_may_be_registered_again(module):
    name = module("twice", "from engine.functions import function\n@function('hr.badge')\ndef badge(): return 7\n")
    load_functions([name])
    del sys.modules[name]
    load_functions([name])

    assert registered("hr.badge")() == 7


def test_another_function_with_the_same_name_is_refused(module):
    text = "from engine.functions import function\n@function('hr.badge')\ndef {}(): return 7\n"
    first, second = module("first", text.format("badge")), module("second", text.format("number"))

    with pytest.raises(SettingsError, match=r"second cannot be used.*hr\.badge: first\.badge and second\.number"):
        load_functions([first, second])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "broken cannot be imported: there is no such module"),
        ("import surely_not_installed", "ModuleNotFoundError: No module named 'surely_not_installed'"),
        ("1 / 0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("from engine.functions import function\n@function('a')\nasync def a(): ...", "a is async"),
        ("from engine.functions import function\n@function('a')\ndef a(x, /): ...", "arguments without a name"),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_the_cause(module, text, words):
    name = module("broken", text) if text else "broken"

    with pytest.raises(SettingsError, match=words):
        load_functions([name])


def test_a_package_that_lacks_a_part(module):
    with pytest.raises(SettingsError, match="there is no such module"):
        load_functions(["no_such_package.functions"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: None,
        lambda a: None,
        lambda a, b=1: None,
        lambda a, *, b, c=1: None,
        lambda a=1, *rest, b=2: None,
        lambda a, **more: None,
        lambda *rest, **more: None,
    ],
)
@given(names=st.sets(st.sampled_from("abcd")))
def test_what_fits_can_be_called_and_nothing_else(call, names):
    function("tests.fits")(call)
    known, args = find_function("tests.fits"), dict.fromkeys(names)
    assert known
    try:
        call(**args)
    except TypeError:
        assert known.misfit(args)
    else:
        assert known.misfit(args) is None
