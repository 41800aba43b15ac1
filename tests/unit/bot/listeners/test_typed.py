"""What a submitted window holds."""

from __future__ import annotations

from typing import Any

import pytest

from bot.blocks.parts import text_input
from bot.listeners.typed import read, values
from bot.targets import Place, Settled, Target, Ticket
from engine.rules.allowed import Action

TICKET = Ticket(Action.FLOW, Target(42, "a", 7), Place())


def state(**fields: Any) -> dict[str, Any]:
    return {
        name: {name: {"value": value} if not isinstance(value, list) else {"selected_options": value}}
        for name, value in fields.items()
    }


def test_what_was_typed_and_ticked() -> None:
    ticked = [{"value": "x"}]
    found = read(
        state(reason=" mended ", version="4", new_key=ticked, update_status=[], request_body='{"a": 1}\n'), TICKET
    )
    assert found.settled == Settled(4, True, False)
    assert (found.reason, found.body, found.errors) == ("mended", '{"a": 1}\n', {})


@pytest.mark.parametrize("nothing", [{}, state(reason=None, version=None, request_body="  ", new_key=[])])
def test_untouched_fields_come_as_nothing(nothing: dict[str, Any]) -> None:
    found = read(nothing, TICKET)
    assert (found.settled, found.reason, found.body, found.errors) == (Settled(), None, None, {})


@pytest.mark.parametrize("version", ["four", "4.0", "-4", "²"])
def test_a_version_is_a_number(version: str) -> None:
    assert "version" in read(state(version=version), TICKET).errors


def test_a_confirmation_needs_its_tick_and_a_reason() -> None:
    ticket = TICKET._replace(confirm=True, settled=Settled(4))
    assert set(read({}, ticket).errors) == {"confirmation", "reason"}
    found = read(state(confirmation=[{}], reason="sure", version="9"), ticket)
    assert (found.confirmed, found.settled, found.errors) == (True, Settled(4), {})


def shown(reason: str | None, **block: Any) -> dict[str, Any]:
    """A window whose field for the reason began with a text, and what came of it."""
    return {
        "blocks": [text_input("reason", "Reason", initial="as before", **block)],
        "state": {"values": state(reason=reason)},
    }


def test_a_text_that_was_shown_and_left_as_it_was_counts_where_a_text_is_required() -> None:
    assert read(values(shown(None, optional=False)), TICKET).reason == "as before"
    assert read(values(shown("another", optional=False)), TICKET).reason == "another"
    assert read(values(shown("", optional=False)), TICKET).reason is None  # taken away
    assert read(values(shown(None)), TICKET).reason is None  # so Slack says it
    assert values({"state": {"values": state(reason=None)}, "blocks": [{"type": "divider"}]}) == state(reason=None)
