"""Callback addresses: only those that were given out are read, and none is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.callbacks import Address, Callbacks
from engine.errors import NotFound
from engine.records import Step
from engine.states import StepStatus
from engine.templates import TemplateError

SECRET = bytes(range(32))
HERE = Callbacks("https://retrigger.example.com/", lambda: SECRET)
ADDRESS = Address(42, "paid", 1)


def test_an_address_is_the_same_each_time_and_is_read_back() -> None:
    url = HERE.url(ADDRESS)
    assert url == Callbacks("https://retrigger.example.com", lambda: SECRET).url(ADDRESS)
    assert HERE.read(url.removeprefix("https://retrigger.example.com/callbacks/")) == ADDRESS


@given(st.text(max_size=80))
def test_what_was_never_given_out_is_not_found(text: str) -> None:
    with pytest.raises(NotFound):
        HERE.read(text)


@pytest.mark.parametrize(
    "forged",
    [
        "43.paid.1.", "42.other.1.", "42.paid.2.", "42.paid.0.", "042.paid.1.", "42.paid.1",
    ],
)  # fmt: skip
def test_a_signature_is_good_for_its_own_sentence_only(forged: str) -> None:
    mark = HERE.token(ADDRESS).rpartition(".")[2]
    with pytest.raises(NotFound):
        HERE.read(forged + mark)
    with pytest.raises(NotFound):
        Callbacks(None, lambda: bytes(32)).read(HERE.token(ADDRESS))


def test_without_a_public_url_no_address_can_be_made() -> None:
    with pytest.raises(TemplateError, match=r"api\.public_url"):
        Callbacks(None, lambda: SECRET).url(ADDRESS)


def test_the_tokens_to_hide_are_those_of_callbacks_the_void_ones_too() -> None:
    waiting = Step(42, "paid", "callback", StepStatus.WAITING, 3, visit=2, key_salt=1)
    tokens = HERE.tokens([waiting, Step(42, "pay", "action", StepStatus.READY, 1)])
    assert tokens == {HERE.token(Address(42, "paid", issue)) for issue in (0, 1)}
