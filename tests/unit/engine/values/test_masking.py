from __future__ import annotations

import base64
import html
import json
import re
import time
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.texts import MASK
from engine.values.masking import Masker, mask_fields, sensitive_values

# The mask's own character is left out: a secret made of it cannot be told from a mask.
secrets = st.text(st.characters(exclude_characters=MASK, exclude_categories=["Cs"]), min_size=4).filter(
    lambda s: len(s.strip()) >= 4
)
texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(secrets, min_size=1, max_size=4), st.data())
@example(["abcd", "bcdefgh"], None)
def test_a_masked_text_never_holds_a_secret(values, data):
    pieces = ["x abcdefgh y"] if data is None else data.draw(st.lists(texts | st.sampled_from(values), max_size=8))
    masked = Masker(values).text("".join(pieces))

    assert not [value for value in values if value.strip() in masked]


letters = st.text("abc \n.")


@given(st.text("ABC", min_size=4), letters, letters)
def test_what_is_around_a_secret_stays(secret, before, after):
    text = f"{before}<{secret}>{after}"

    assert Masker([secret]).text(text) == f"{before}<{MASK}>{after}"


@given(secrets, texts, texts)
@pytest.mark.parametrize(
    "encode",
    [
        lambda s: json.dumps(s)[1:-1],
        lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
        lambda s: quote(s, safe=""),
        lambda s: re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quote(s, safe="")),
        quote_plus,
        html.escape,
        partial(html.escape, quote=False),
        lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
        lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
        lambda s: repr(s)[1:-1],
        lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
        lambda s: json.dumps(json.dumps(s)[1:-1])[1:-1],
        lambda s: json.dumps(json.dumps(s)[1:-1], ensure_ascii=False)[1:-1],
        lambda s: repr(json.dumps(s)[1:-1])[1:-1],
        lambda s: " ".join(s.split()),
    ],
    ids=[
        "json",
        "json not escaped",
        "url",
        "url, small letters",
        "form",
        "html",
        "html text",
        "base64",
        "base64 in urls",
        "python",
        "json of PHP",
        "json in json",
        "json in json not escaped",
        "json in python",
        "on one line",
    ],
)
@example("a\\n?>~ \u00fc/&<'", "", "")  # nearly every form of it is another
def test_an_encoded_secret_is_masked_too(encode, secret, before, after):
    secret = secret.strip()

    assert encode(secret) not in Masker([secret]).text(before + encode(secret) + after)


@pytest.mark.parametrize("shown", ["MÃ¼ller", "M\ufffdller", "M\\u00c3\\u00bcller"])
def test_a_value_that_was_read_in_another_encoding_is_masked(shown):
    """Old systems say ISO 8859-1 and mean UTF-8, or say nothing."""
    assert Masker(["Müller"]).text(f"no {shown} here") == f"no {MASK} here"


def test_what_cannot_be_misread_is_not_looked_for():
    assert Masker(["日本語名"]).text("what????") == "what????"


def test_each_line_of_a_value_is_masked_where_lines_are_told_one_by_one():
    masker = Masker(["12 Main Street\n  Springfield\r\nX\n"])

    assert [masker.text(line) for line in ("to 12 Main Street", "  Springfield", "X", "Xylophone")] == [
        f"to {MASK}", MASK, "X", "Xylophone"
    ]  # fmt: skip


def test_of_a_secret_that_holds_another_nothing_stays():
    assert Masker(["abcdefgh", "cdef"]).text("x abcdefgh y cdef") == f"x {MASK} y {MASK}"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def _shown(value):
    """Every text, number and name of a field in a JSON value, as text."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _shown(item)
    else:
        yield str(value)


@given(json_values, st.lists(st.from_regex(r"[a-z0-9]{4,8}", fullmatch=True), min_size=1, max_size=3), st.data())
def test_a_masked_value_never_holds_a_secret(value, values, data):
    value = {"a": value, "b": [data.draw(st.sampled_from(values))], data.draw(st.sampled_from(values)): 1}
    shown = list(_shown(Masker(values).value(value)))

    assert not [(secret, text) for secret in values for text in shown if secret in text]


@given(json_values)
def test_without_secrets_nothing_changes(value):
    assert Masker().value(value) == value
    assert not Masker().active


@pytest.mark.parametrize(
    ("value", "text", "masked"),
    [
        ("hunter22", "password hunter22!", f"password {MASK}!"),
        ("hunter22", "xhunter22x", f"x{MASK}x"),
        (" hunter22\n", "hunter22", MASK),
        ("123", "card code 123 refused", f"card code {MASK} refused"),
        ("123", "order 41234", "order 41234"),
        ("1", "1 of 3 tries", "1 of 3 tries"),
        ("1", "1", MASK),
        ("", "nothing", "nothing"),
        ("   ", "a   b", "a   b"),
        ("abab", "ababab", MASK),
        ("a.c*", "abc a.c* abcc", f"abc {MASK} abcc"),
    ],
)
def test_where_a_value_is_masked(value, text, masked):
    assert Masker([value]).text(text) == masked


@pytest.mark.parametrize(
    ("value", "given_", "masked"),
    [
        ("7", {"n": 7, "m": 17, "s": "7", "t": "7 up"}, {"n": MASK, "m": 17, "s": MASK, "t": "7 up"}),
        ("1234567", [1234567, 1234567.0, 91234567, 123], [MASK, MASK, MASK, 123]),
        ("1", [True, None, 1.0], [True, None, MASK]),
        ("secret", {"secret": {"deep": ["a secret", ("secret",)]}}, {MASK: {"deep": [f"a {MASK}", [MASK]]}}),
    ],
)
def test_where_a_value_is_masked_in_json(value, given_, masked):
    assert Masker([value]).value(given_) == masked


def test_more_values_can_be_added():
    first = Masker(["first", "12", "1"])
    both = first.plus(["second", "34", "3"])

    assert both.text("first 12 second 34 third") == f"{MASK} {MASK} {MASK} {MASK} third"
    assert both.value([1, 3, 5]) == [MASK, MASK, 5]
    assert first.text("second 34") == "second 34"
    assert first.plus(["first", "", "12"]) is first


INPUT: dict[str, Any] = {
    "name": "Ada",
    "national_id": 1234567,
    "bank": {"iban": "DE1234", "ok": True},
    "kids": [{"name": "Byron", "age": 3.0}, {"name": "Annabella", "age": None}],
}
RESULTS = {"account": {"password": "hunter22", "id": 5}, "badge": "B-17"}


@pytest.mark.parametrize(
    ("path", "found", "shown"),
    [
        ("request.input.national_id", {"1234567"}, ({**INPUT, "national_id": MASK}, RESULTS)),
        ("request.input.bank", {"DE1234"}, ({**INPUT, "bank": {"iban": MASK, "ok": MASK}}, RESULTS)),
        (
            "request.input.kids.age",
            {"3.0", "3"},
            ({**INPUT, "kids": [{"name": "Byron", "age": MASK}, {"name": "Annabella", "age": None}]}, RESULTS),
        ),
        (
            "request.input.kids.1.name",
            {"Annabella"},
            ({**INPUT, "kids": [INPUT["kids"][0], {"name": MASK, "age": None}]}, RESULTS),
        ),
        (
            "nodes.account.result.password",
            {"hunter22"},
            (INPUT, {**RESULTS, "account": {"password": MASK, "id": 5}}),
        ),
        ("nodes.badge.result", {"B-17"}, (INPUT, {**RESULTS, "badge": MASK})),
        ("nodes.not_yet.result.x", set(), (INPUT, RESULTS)),
        ("request.input.none.such", set(), (INPUT, RESULTS)),
        ("request.input.name.below", set(), (INPUT, RESULTS)),
    ],
)
def test_the_fields_that_a_definition_lists(path, found, shown):
    assert sensitive_values([path], INPUT, RESULTS) == found
    assert mask_fields([path], INPUT, RESULTS) == shown


def test_several_paths():
    paths = ["request.input.bank.iban", "nodes.account.result.password"]

    assert sensitive_values(paths, INPUT, RESULTS) == {"DE1234", "hunter22"}
    shown, results = mask_fields(paths, INPUT, RESULTS)
    assert (shown["bank"]["iban"], results["account"]["password"]) == (MASK, MASK)
    assert INPUT["bank"] == {"iban": "DE1234", "ok": True}


@given(st.lists(st.text("ab1_-é %", max_size=6), max_size=6), st.lists(st.text("ab1_-é %", max_size=12), max_size=4))
def test_many_values_are_masked_as_few_are(values: list[str], texts: list[str]):
    others = [f"x{number:05}" for number in range(300)]  # of which none shows
    for text in ["", *texts]:
        assert Masker([*values, *others]).text(text) == Masker(values).text(text)


def test_a_hundred_thousand_values_are_masked_soon():
    masker = Masker(f"s{number:05}" for number in range(100_000))
    begun = time.thread_time()
    shown = masker.value([f"of s{number:05} and o{number}" for number in range(2000)])
    assert shown == [f"of {MASK} and o{number}" for number in range(2000)]
    assert time.thread_time() - begun < 10  # an hour, one by one
