"""What retention has emptied is shown as such, and offers nothing."""

from __future__ import annotations

import json

from bot.blocks.card import card
from bot.blocks.path import path_message, path_view
from bot.targets import PathWindow, Place
from bot.text import Dates
from engine.states import RequestStatus, StepStatus
from engine.texts import REMOVED
from tests.support.slack_checks import check_message, check_view
from tests.unit.bot import samples

PRUNED = samples.request(
    samples.step(status=StepStatus.COMPLETED, error=None, actions=()),
    status=RequestStatus.COMPLETED,
    reason=None,
    title=REMOVED,
    input=None,
    pruned_at=samples.AT,
    actions=(),
)


def test_its_progress_path_says_what_is_gone():
    view = path_view(PRUNED, Dates(), PathWindow(42, Place()))
    message = path_message(PRUNED, Dates())
    check_view(view)
    check_message(message.text, message.blocks)
    for shown in (view, message.blocks):
        assert "Title, input, results and responses: removed by retention, " in json.dumps(shown)


def test_its_card_has_no_buttons_but_the_path():
    message = card(PRUNED, Dates())
    check_message(message.text, message.blocks)
    buttons = [e["action_id"] for b in message.blocks for e in b.get("elements", []) if "action_id" in e]
    assert (REMOVED in json.dumps(message.blocks), buttons) == (True, ["retrigger.path"])
