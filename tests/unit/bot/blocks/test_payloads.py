"""Every payload that the bot can make, states × extreme data: Slack takes it, it speaks to nobody, cuts are seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import bulk, card, fit, grants, modals, path
from bot.targets import ACTION_IDS, PATH, Place, Target, Ticket
from bot.text import cut
from engine.rules.allowed import Action
from engine.rules.plan import Key, PlannedStep
from engine.states import CallEffect
from engine.texts import CUT_MARK
from tests.support.slack_checks import check_message, check_view, texts
from tests.unit.bot import samples
from tests.unit.bot.blocks.payload_causes import DATES, Payload
from tests.unit.bot.blocks.payload_table import TABLE, builders, requests
from tests.unit.bot.samples import buttons

FAMILY = "👩🏽\u200d👩🏽\u200d👧🏽\u200d👦🏽"
FLAG = "🇩🇪"
EXTREMES = {
    "nothing": "",
    "a space": " ",
    "10,000 characters without a space": "x" * 10_000,
    "76 characters": "x" * 76,
    "families": FAMILY * 200,
    "flags": FLAG * 1_000,
    "right to left": "\u202e\u2067مرحبا بالعالم \u200f" * 100,
    "mentions": "<!channel> <!here> <@U0EVIL> <!subteam^S1> <#C1> <http://evil|x> " * 20,
    "markup": "*b* _i_ ~s~ `c` ```pre``` > q\n" * 60,
    "lines": "\n\n- \r\n\t> " * 200,
    "control characters": "".join(map(chr, range(32))) + "\x7f\x85\u2028\ud800\udfff" * 50,
    "entities": "&<>&amp;" * 400,
}


def check(payload: Payload) -> None:
    if isinstance(payload, fit.Message):
        check_message(*payload)
    else:
        check_view(payload)
    for shown in texts(payload if isinstance(payload, dict) else payload.blocks):
        assert "x" * 77 not in shown or CUT_MARK in shown, f"cut without a mark: {shown}"
        rest = shown.replace(FAMILY, "")
        assert not any(part in rest for part in FAMILY), f"half an emoji: {rest}"
        assert not any(part in shown.replace(FLAG, "") for part in FLAG), f"half a flag: {shown}"


def test_the_table_has_every_builder() -> None:
    assert {f.__qualname__ for f in builders() ^ set(TABLE)} == set()


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("builder", TABLE, ids=lambda builder: f"{builder.__module__}.{builder.__name__}")
def test_slack_takes_every_payload(builder: Callable[..., Any], extreme: str) -> None:
    count = 0
    for payload in TABLE[builder](EXTREMES[extreme]):
        check(payload)
        count += 1
    assert count


@pytest.mark.parametrize("extreme", EXTREMES)
def test_no_text_however_long_leaves_out_a_button(extreme: str) -> None:
    for document in requests(EXTREMES[extreme]):
        steps = [step for step in document.steps if step.actions][: card.MAX_STEPS]
        wanted = sum(len([one for one in step.actions if one in card.LABELS]) for step in steps)
        ids = set(map(ACTION_IDS.get, card.LABELS))
        shown = card.card(document, DATES).blocks
        assert PATH in [action_id for _, action_id in buttons(shown)]
        for blocks in (shown, path.path_message(document, DATES).blocks):
            found = [action_id for _, action_id in buttons(blocks) if action_id in ids]
            assert len(found) == wanted
            assert (ACTION_IDS[Action.CONTINUE] in [one for _, one in buttons(blocks)]) == (
                Action.CONTINUE in document.actions
            )


def test_no_number_of_steps_hides_which_calls_will_be_repeated() -> None:
    (view, *_) = TABLE[modals.act_modal]("")
    shown = list(texts(view["blocks"] if isinstance(view, dict) else view.blocks))
    assert [text for text in shown if text.startswith("These outside calls will be repeated: `0n")]
    assert [text for text in shown if text.startswith("Stopped or taken back: `0n")]


def test_of_a_long_plan_every_step_is_named_and_of_a_longer_one_how_many_there_are_besides() -> None:
    """300 steps with long names went past the 3,000 characters of one paragraph, and the rest was cut off."""
    names = [f"step_{number:03}_of_a_workflow_that_is_long" for number in range(300)]
    ticket = Ticket(Action.FLOW, Target(42, names[0], 7), Place("C1", "1.0"))

    def shown(count: int) -> str:
        runs = [PlannedStep(name, "action", True, CallEffect.UNKNOWN, False, Key.SAME) for name in names[:count]]
        view = modals.act_modal(ticket, samples.request(samples.step(names[0])), samples.plan(*runs))
        check_view(view)
        return samples.said(view["blocks"])

    run, repeated = shown(60).split("These outside calls will be repeated: ")
    assert all(f"`{name}`" in run and f"`{name}` (the earlier one: unknown)" in repeated for name in names[:60])
    run, repeated = shown(300).split("These outside calls will be repeated: ")
    assert sum(f"`{name}`" in run for name in names) + int(re.findall(r"and (\d+) more\.", run)[0]) == 300
    assert sum(f"`{name}`" in repeated for name in names) + int(re.findall(r"and (\d+) more\.", repeated)[0]) == 300


@settings(max_examples=25)
@given(st.text(st.characters(), max_size=400).map(lambda text: text * 8))
def test_whatever_a_person_writes_slack_takes_it(text: str) -> None:
    document = samples.request(samples.step(error=text), title=text, app=text, reason=text, input={text: text})
    for payload in (card.card(document, DATES), path.path_message(document, DATES), modals.notice_modal("Old", text)):
        check(payload)
    for builder in (bulk.nothing_modal, grants.granted):
        for payload in TABLE[builder](text):
            check(payload)


SIGNS = st.lists(
    st.sampled_from(["a", "&amp;", "<!date^1^{time}|x>", FAMILY, FLAG, "e\u0301", "❤\ufe0f", "👍🏽"]), max_size=40
)


@given(SIGNS, st.integers(len(CUT_MARK) + 1, 120))
def test_a_cut_falls_between_what_is_seen_as_one_sign(signs: list[str], limit: int) -> None:
    text = "".join(signs)
    shown = cut(text, limit)
    assert len(shown) <= limit
    whole = {"".join(signs[:count]) + CUT_MARK for count in range(len(signs) + 1)} | {text}
    assert shown in whole


def test_a_cut_never_leaves_an_open_token_however_short_the_text_is() -> None:
    text = "a" * 19 + "<!date^1^{time}|x>" * 9
    for limit in range(len(CUT_MARK) + 1, len(text)):
        shown = cut(text, limit)
        assert shown.count("<") == shown.count(">"), shown
