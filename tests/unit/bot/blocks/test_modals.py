"""The windows of the acts: their words, fields and plans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.blocks import fit, modals
from bot.blocks.modals import Editing
from bot.targets import (
    ChosenFile,
    Place,
    Settled,
    Target,
    Ticket,
)
from engine import texts
from engine.rules.allowed import Action
from engine.rules.outlook import Outlook, Reader, Way
from engine.rules.plan import Key, PlannedStep
from engine.states import CallEffect
from tests.unit.bot import samples
from tests.unit.bot.samples import fields, request, said, step


def window(action: Action, *, draft: str = "", confirm: bool = False, **facts: Any) -> dict[str, Any]:
    node = None if action in (Action.CONTINUE, Action.WITHDRAW) else "create_account"
    ticket = Ticket(
        action, Target(42, node, 7), Place("C1", "1.1"), "d", "s", confirm, bool(draft), facts.pop("settled", None)
    )
    plan = facts.pop(
        "plan", samples.plan(PlannedStep("create_account", "action", True, CallEffect.REJECTED, False, Key.SAME))
    )
    editing = Editing(draft, facts.pop("outlook", None), facts.pop("files", True)) if action is Action.INPUT else None
    return modals.act_modal(ticket, request(step()), plan, editing=editing, **facts)


@pytest.mark.parametrize(
    ("action", "title", "text", "submit", "inputs"),
    [
        (
            Action.RETRIGGER,
            "Re-trigger",
            (
                "Re-triggering this step will only re-execute the selected step. This action may affect the overall "
                "status of the workflow."
            ),
            "Re-trigger",
            ["update_status", "reason", "version", "new_key"],
        ),
        (
            Action.FLOW,
            "Re-trigger step and flow",
            (
                "Re-triggering this step will also execute the remaining flow. The request status will change to "
                "'In Progress' until the flow is completed."
            ),
            "Re-trigger step and flow",
            ["reason", "version", "new_key"],
        ),
        (
            Action.INPUT,
            "Provide input",
            "You can edit and provide inputs on the blocked node",
            "Submit",
            ["request_body", "file", "reason"],
        ),
        (
            Action.CONTINUE,
            "Continue flow",
            "What is held is released, and the remaining flow is executed.",
            "Continue flow",
            ["reason"],
        ),
        (
            Action.WITHDRAW,
            "Withdraw",
            "The request ends here. What runs is stopped, and nothing in it can be re-triggered afterwards.",
            "Withdraw",
            ["reason"],
        ),
    ],
)
def test_the_words_of_the_windows(action: Action, title: str, text: str, submit: str, inputs: list[str]) -> None:
    view = window(action)
    assert (view["title"]["text"], view["submit"]["text"]) == (title, submit)
    assert text in said(view["blocks"])
    assert fields(view) == inputs


def test_only_re_trigger_has_the_tick_box_with_its_words() -> None:
    (box,) = [b for b in window(Action.RETRIGGER)["blocks"] if b.get("block_id") == "update_status"]
    assert box["element"]["options"][0]["text"]["text"] == "Allow the workflow status to be updated"


def test_the_plan_is_listed_before_anybody_confirms() -> None:
    plan = samples.plan(
        PlannedStep("create_account", "action", True, CallEffect.UNKNOWN, False, Key.SAME),
        PlannedStep("badge", "function", True, None, False, None),
        PlannedStep("desk", "action", False, CallEffect.ACCEPTED, True, Key.NEW),
    )
    text = said(window(Action.FLOW, plan=plan)["blocks"])
    assert "These steps will run: `create_account`, `badge`.\nDepending on what comes out: `desk`." in text
    assert (
        "These outside calls will be repeated: `create_account` (the earlier one: unknown), with the same key, by "
        "which the outside system can recognise it; `desk` (the earlier one: accepted), under a new key." in text
    )


def test_only_who_withdraws_must_give_a_reason_from_the_first() -> None:
    optional = {action: window(action)["blocks"][-1].get("optional") for action in (Action.CONTINUE, Action.WITHDRAW)}
    assert optional == {Action.CONTINUE: True, Action.WITHDRAW: False}


def test_a_call_that_may_have_taken_effect_asks_for_a_tick_and_a_reason() -> None:
    view = window(Action.FLOW, confirm=True)
    assert fields(view)[:2] == ["confirmation", "reason"]
    blocks = {block["block_id"]: block for block in view["blocks"] if "block_id" in block}
    assert blocks["confirmation"]["element"]["options"][0]["text"]["text"] == "The earlier call may have taken effect"
    assert blocks["reason"]["optional"] is False


def test_shown_again_what_was_chosen_is_settled_and_what_was_typed_is_kept() -> None:
    view = window(
        Action.RETRIGGER,
        confirm=True,
        settled=Settled(4, True, False),
        typed=modals.Typed("because"),
        notice="REQ-42 changed",
    )
    assert fields(view) == ["confirmation", "reason"]
    assert "You chose: With version 4 · Use a new idempotency key" in said(view["blocks"])
    assert "REQ-42 changed" in said(view["blocks"])
    assert view["blocks"][-1]["element"]["initial_value"] == "because"


def inputs_of(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block for block in view["blocks"] if block["type"] == "input"}


def test_the_editor_starts_with_the_draft() -> None:
    found = inputs_of(window(Action.INPUT, draft='{"id": ""}', files=False))
    assert found["request_body"]["label"]["text"] == "Request body"
    assert found["request_body"]["element"] == {
        "type": "plain_text_input",
        "action_id": "request_body",
        "multiline": True,
        "initial_value": '{"id": ""}',
    }
    assert found["request_body"]["optional"] is False
    assert list(found) == ["request_body", "reason"]


def test_a_file_may_come_instead_where_slack_has_a_field_for_files() -> None:
    found = inputs_of(window(Action.INPUT, draft='{"id": ""}'))
    assert found["request_body"]["optional"] is True
    assert found["file"]["element"] == {
        "type": "file_input",
        "action_id": "file",
        "filetypes": ["json"],
        "max_files": 1,
    }


def test_a_draft_too_long_for_slack_is_previewed_and_may_be_left() -> None:
    draft = json.dumps({"rows": ["x" * 90] * 50})
    for files in (True, False):
        view = window(Action.INPUT, draft=draft, files=files)
        editor = inputs_of(view)["request_body"]
        assert "initial_value" not in editor["element"]
        assert editor["optional"] is True
        assert "too long for Slack's editor" in said(view["blocks"])
        assert ("sent to you as a file" in said(view["blocks"])) is files
        assert texts.CUT_MARK in said(view["blocks"])


def test_the_window_says_who_reads_the_result_and_where_decisions_go_with_it() -> None:
    readers = (Reader("route", ("remote",)), Reader("tell", ("id", "tags[0]")), Reader("all", ("",)))
    ways = (Way("route", "ship"), Way("rank", None, "it depends on what office will give"))
    text = said(window(Action.INPUT, draft="{}", outlook=Outlook(readers, ways))["blocks"])
    assert (
        "Who reads this result: `route` reads `remote`; `tell` reads `id`, `tags[0]`; `all` reads all of it.\n"
        "With this text: `route` goes to `ship`; `rank` cannot be told yet, it depends on what office will give."
    ) in text
    assert "No later step reads this result." in said(window(Action.INPUT, outlook=Outlook((), ()))["blocks"])


def test_a_file_that_was_chosen_before_still_counts_and_that_is_said() -> None:
    ticket = Ticket(Action.INPUT, Target(42, "a", 7), Place(), file=ChosenFile("F1", "result.json"))
    view = modals.act_modal(ticket, request(step()), samples.plan(), editing=Editing())
    assert "The file *result.json* counts, unless you write here or choose another." in said(view["blocks"])
    assert "initial_value" not in inputs_of(view)["request_body"]["element"]


def test_titles_fit_into_slacks_24_characters() -> None:
    assert all(len(title) <= fit.TITLE for title in modals.TITLES.values())
