"""What a person said with an act, as every door hands it over."""

from __future__ import annotations

from typing import Any

import pytest

from engine.commands.acting import Command, act_of
from engine.errors import InvalidInput
from engine.limits import MAX_KEY_CHARS, MAX_REASON_CHARS
from engine.rules.decide.act import Accepted, Act
from engine.rules.permissions import Actor
from engine.states import RequestStatus

ADA = Actor("slack:T1/U1", "Ada", "slack", mail="ada@example.com", away=True)


def said(reason: str | None = None, command_id: str | None = None) -> Act:
    return act_of(ADA, reason=reason, expect_version=3, plan_digest="digest", confirmed=True, command_id=command_id)


def test_it_is_the_persons_and_bound_to_what_they_saw() -> None:
    assert said("mended", "click-1") == Act(
        "Ada", "slack:T1/U1", "slack", "mended", 3, "digest", True, "click-1", away=True
    )


@pytest.mark.parametrize(("typed", "kept"), [(None, None), ("", None), (" \n ", None), ("  mended\n", "mended")])
def test_a_reason_of_spaces_is_none(typed: str | None, kept: str | None) -> None:
    assert said(typed).reason == kept


def test_a_reason_has_its_limit() -> None:
    assert said("x" * MAX_REASON_CHARS).reason == "x" * MAX_REASON_CHARS
    with pytest.raises(InvalidInput, match=f"is {MAX_REASON_CHARS + 1} characters long") as refused:
        said("x" * (MAX_REASON_CHARS + 1))
    assert refused.value.field == "reason"


@pytest.mark.parametrize("key", ["", "two\nlines", "x" * (MAX_KEY_CHARS + 1), "é" * MAX_KEY_CHARS + "\0"])
def test_a_key_is_a_short_line(key: str) -> None:
    assert said(command_id="x" * MAX_KEY_CHARS).command_id == "x" * MAX_KEY_CHARS
    with pytest.raises(InvalidInput) as refused:
        said(command_id=key)
    assert refused.value.field == "key"


def nothing(draft: object) -> Accepted:
    return Accepted(1, None, RequestStatus.BLOCKED)


@pytest.mark.parametrize(
    "other",
    [
        {"did": "flow"},
        {"request_id": 2},
        {"node": "b"},
        {"node": None},
        {"chosen": (True, False, None)},
        {"act": said("another reason")},
        {"act": said("mended")._replace(confirmed=False)},
    ],
    ids=str,
)
def test_a_command_that_asks_for_something_else_means_something_else(other: dict[str, Any]) -> None:
    command = Command("retrigger", 1, "a", said("mended"), nothing, (False, False, None))
    assert command._replace(**other).meaning != command.meaning


def test_what_was_seen_and_who_asks_is_no_part_of_what_a_command_means() -> None:
    """The same, asked again, need not have seen the same state."""
    command = Command("retrigger", 1, "a", said("mended"), nothing, (False, False, None))
    seen_later = command.act._replace(expect_version=9, plan_digest="another", by="Ada L.")
    assert command._replace(act=seen_later).meaning == command.meaning
