from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputTooLarge, InvalidInput
from engine.limits import MAX_JSON_DEPTH
from engine.values.strict_json import canonical, dumps, loads, where

LIMIT = 100_000

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def _has_twins(pairs: Any) -> bool:
    """Whether an object, read as a list of pairs, has a key twice."""
    if not isinstance(pairs, list):
        return False
    keys = [pair[0] for pair in pairs if isinstance(pair, tuple)]
    inner = (pair[1] if isinstance(pair, tuple) else pair for pair in pairs)
    return len(set(keys)) < len(keys) or any(_has_twins(value) for value in inner)


@given(values)
def test_what_is_written_is_read_back(value: Any):
    assert loads(dumps(value), limit=10_000_000) == value


@given(st.text(alphabet='{}[]",:\\ \n01eN-truefalsnl'))
def test_any_text_is_read_as_json_reads_it_or_refused_with_a_sentence(text: str):
    try:
        expected = json.loads(text, object_pairs_hook=list)
    except ValueError:
        with pytest.raises(InvalidInput, match=r"\.$"):
            loads(text, limit=LIMIT)
        return
    try:
        value = loads(text, limit=LIMIT)
    except InvalidInput:
        assert "NaN" in text or "e" in text.lower() or _has_twins(expected)
    else:
        assert value == json.loads(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"a": 1\n "b": 2}', "Line 2, column 2: expected a comma, or the bracket that closes the list or object."),
        ('{\n  "a": 1,\n  b: 2}', "Line 3, column 3: expected a key in double quotes."),
        ('{"a" 1}', "Line 1, column 6: expected a colon after the key."),
        ('["a]', "Line 1, column 2: the text that starts here has no closing double quote."),
        ("[1] 2", "Line 1, column 5: expected nothing after the value that ends before this."),
        ("", 'Line 1, column 1: there is no JSON here; write a value, such as {"key": "text"}.'),
        (
            '["a\nb"]',
            'Line 1, column 4: a text holds a line break or another control character; write "\\n" for a line break.',
        ),
        (
            r'["\q"]',
            'Line 1, column 3: a backslash here starts nothing JSON knows; write two ("\\\\") for one backslash.',
        ),
        ('{"x": "NaN",\n"a": NaN}', "Line 2, column 6: NaN is no number in JSON; write a number, null or a text."),
        ("[-Infinity]", "Line 1, column 2: -Infinity is no number in JSON; write a number, null or a text."),
        ("[1e999]", "Line 1, column 2: the number is too large; write it as a text."),
        ('{"a": 1,\n "a": 2}', "Line 2, column 2: a key stands twice in one object; keep one of them."),
        (r'{"a": 1, "\u0061": 2}', "Line 1, column 10: a key stands twice in one object; keep one of them."),
        (
            '{"a": 1, "b": [{"a": "a", "c": 1, "a": 2}], "a": 1}',
            "Line 1, column 35: a key stands twice in one object; keep one of them.",
        ),
        ("9" * 5000, "A number in this JSON has too many digits; write it as a text."),
        (
            "[" * 101 + "]" * 101,
            "Line 1, column 101: lists and objects are nested deeper than 100 levels.",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, sentence: str):
    with pytest.raises(InvalidInput) as caught:
        loads(text, limit=LIMIT)
    assert str(caught.value) == sentence


def test_python_words_are_refused():
    with pytest.raises(InvalidInput, match="Line 1, column 8: expected a value"):
        loads('{"ok": True}', limit=LIMIT)


@pytest.mark.parametrize(("sign", "size"), [("e", 1), ("é", 2), ("€", 3), ("😀", 4)])
def test_the_limit_counts_bytes(sign: str, size: int):
    text = f'"{sign * 10}"'
    limit = 10 * size + 2
    assert loads(text, limit=limit) == sign * 10
    with pytest.raises(InputTooLarge, match=f"the limit is {limit - 1} bytes"):
        loads(text, limit=limit - 1)


def test_nesting_up_to_the_limit_is_read():
    text = "[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH
    assert dumps(loads(text, limit=LIMIT)) == text


def test_brackets_inside_texts_are_no_nesting():
    text = dumps(["[" * 500, '\\"[' * 200])
    assert len(loads(text, limit=LIMIT)) == 2


def test_a_million_brackets_or_quotes_are_refused_at_once():
    for text in ("[" * 1_000_000, '"\\"' * 333_333 + '"' + "[" * 200, "{" * 500_000):
        with pytest.raises(InvalidInput):
            loads(text, limit=10_000_000)


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert loads("\ufeff[1]", limit=LIMIT) == [1]


def test_texts_are_written_as_ascii_and_lone_surrogates_survive():
    odd = "\ud800 \x00 é 😀"
    assert dumps(odd).isascii()
    assert loads(dumps(odd), limit=LIMIT) == odd


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": object()}, {("a",): 1}])
def test_what_json_cannot_say_is_not_written(value: Any):
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        dumps(value)


def test_a_value_that_holds_itself_is_not_written():
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidInput, match="cannot be written as JSON"):
        dumps(loop)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("a",), (2, 8)),
        (("b",), (3, 8)),
        (("b", 0), (3, 9)),
        (("b", 1), (3, 12)),
        (("b", 1, "a"), (4, 10)),
        (("b", 2), (5, 3)),
        (('"',), (6, 9)),
        (("b", 7), None),
        (("c",), None),
    ],
)
def test_where_a_value_stands(path: tuple[str | int, ...], place: tuple[int, int] | None) -> None:
    text = '{\n  "a": "b",\n  "b": [1, {\n    "a": null},\n  "a"],\n  "\\"": 2}'
    json.loads(text)
    assert where(text, path) == place


def test_the_same_json_is_known_however_it_is_written():
    assert canonical('{"a": 1, "b": [1, {"c": null, "d": 2}]}') == canonical('{"b":[1,{"d":2,"c":null}],"a":1}')
    different = ('{"a": 1}', '{"a": 1.0}', '{"a": true}', '{"a": "1"}', '{"a": [1]}', '{"b": 1}')
    assert len({canonical(text) for text in different}) == len(different)
