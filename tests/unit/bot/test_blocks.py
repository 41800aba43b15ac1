"""What cards, lines, windows and paths say, and which buttons they have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.blocks import card, fit, modals, outcome, path, thread
from bot.blocks.modals import Editing
from bot.targets import (
    PATH,
    ChosenFile,
    OldButton,
    PathWindow,
    Place,
    Settled,
    Target,
    Ticket,
    unpack_target,
    unpack_ticket,
)
from bot.text import Dates
from engine import events, texts
from engine.allowed import Action
from engine.foresight import Outlook, Reader, Way
from engine.plan import Key, PlannedStep
from engine.states import AttemptKind, AttemptOutcome, CallEffect, RequestStatus, StepStatus
from tests.support.slack_checks import texts as all_texts
from tests.unit.bot import samples
from tests.unit.bot.samples import attempt, request, step

DATES = Dates(plain=True)


def said(blocks: Any) -> str:
    return "\n".join(all_texts(blocks))


def buttons(blocks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found = [e for b in blocks for e in [*b.get("elements", []), b.get("accessory") or {}] if e.get("type") == "button"]
    return [(button["text"]["text"], button["action_id"]) for button in found]


def fields(view: dict[str, Any]) -> list[str]:
    return [block["block_id"] for block in view["blocks"] if block["type"] == "input"]


# --- the card ------------------------------------------------------------------------------------------------------


def test_a_blocked_card_says_all_that_an_admin_needs() -> None:
    message = card.card(request(step()), DATES)
    text = said(message.blocks)
    for wanted in (
        "REQ-42 · Onboard Ada",
        "*Blocked* · HR · onboarding, version 3",
        "`create_account` is *blocked*",
        "> identity answered 503",
        "It is unknown whether the call took effect.",
        "2 tries so far · since 06 May 2024, 10:42 UTC",
    ):
        assert wanted in text
    assert message.text == "REQ-42 (HR) is Blocked at create_account: identity answered 503"


def test_its_three_buttons_carry_request_step_and_version() -> None:
    blocks = card.card(request(step()), DATES).blocks
    assert buttons(blocks) == [
        (texts.RETRIGGER, "retrigger.step"),
        (texts.RETRIGGER_FLOW, "retrigger.flow"),
        (texts.PROVIDE_INPUT, "retrigger.input"),
        (texts.PROGRESS_PATH, PATH),
    ]
    (row,) = [block["elements"] for block in blocks if block["type"] == "actions"]
    assert [unpack_target(button["value"]) for button in row[:3]] == [Target(42, "create_account", 7)] * 3
    assert unpack_target(row[3]["value"]) == Target(42)


def test_only_what_the_step_offers_has_a_button() -> None:
    failed = step(status=StepStatus.FAILED, actions=(Action.RETRIGGER, Action.FLOW))
    assert [label for label, _ in buttons(card.card(request(failed), DATES).blocks)] == [
        texts.RETRIGGER,
        texts.RETRIGGER_FLOW,
        texts.PROGRESS_PATH,
    ]


def test_a_step_that_waits_for_people_is_told_on_the_card_and_can_be_acted_on_in_the_path() -> None:
    offered = (Action.RETRIGGER, Action.FLOW)
    asked = step(
        node="boss", kind="approval", status=StepStatus.WAITING, due_at=None, error=None, call=None, actions=offered,
        approvers=("lead@example.com", "@hr"), need="any", attempts=(attempt(1, outcome=None),),
    )  # fmt: skip
    document = request(step(), asked)
    shown_card = card.card(document, Dates()).blocks
    assert "`boss` waits for the approval of lead@example.com or @hr." in said(shown_card)
    assert [label for label, _ in buttons(shown_card)].count(texts.RETRIGGER) == 1
    message = path.path_message(document, Dates())
    assert [label for label, _ in buttons(message.blocks)].count(texts.RETRIGGER) == 2


def test_a_card_with_nothing_to_do_keeps_only_the_progress_path() -> None:
    done = request(
        step(status=StepStatus.COMPLETED, actions=(), error=None),
        status=RequestStatus.COMPLETED,
        reason=None,
        actions=(),
        blocked=(),
        events=(samples.shown_event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended"),),
    )
    blocks = card.card(done, DATES).blocks
    assert buttons(blocks) == [(texts.PROGRESS_PATH, PATH)]
    assert "*Completed*" in said(blocks)
    assert "Last act: *Hanna Lead* re-triggered step and flow at `create_account`" in said(blocks)


def test_a_held_step_brings_continue_flow() -> None:
    held = step(status=StepStatus.COMPLETED, held=True, actions=(), error=None)
    shown = request(held, reason="remaining steps not started", blocked=(), actions=(Action.CONTINUE, Action.WITHDRAW))
    blocks = card.card(shown, DATES).blocks
    assert (texts.CONTINUE_FLOW, "retrigger.continue") in buttons(blocks)
    assert "`create_account` completed, and held" in said(blocks)
    assert "remaining steps not started" in said(blocks)
    assert texts.WITHDRAW not in [label for label, _ in buttons(blocks)]


def test_a_step_that_was_mended_alone_leaves_no_error_on_the_card() -> None:
    held = step(status=StepStatus.COMPLETED, held=True, actions=(), error=None)
    shown = request(held, reason="create_account: identity answered 503", blocked=(), actions=(Action.CONTINUE,))
    for message in (card.card(shown, DATES), path.path_message(shown, DATES)):
        assert "*Blocked*" in said(message.blocks)
        assert "> create_account: identity answered 503" not in said(message.blocks)


def test_several_blocked_steps_have_their_own_sections_up_to_a_cap() -> None:
    blocks = card.card(request(*(step(f"s{n}") for n in range(8))), DATES).blocks
    assert [len(block["elements"]) for block in blocks if block["type"] == "actions"] == [3] * card.MAX_STEPS + [1]
    assert [label for label, _ in buttons(blocks)].count(texts.RETRIGGER) == card.MAX_STEPS
    assert "… and 3 more steps: `/retrigger REQ-42 STEP` opens any of them." in said(blocks)


def test_a_card_never_shows_bodies() -> None:
    shown = json.dumps(card.card(request(step(result={"password": "SECRET-RESULT"})), DATES).blocks)
    assert "SECRET" not in shown


def test_the_digest_changes_with_what_is_shown_and_with_nothing_else() -> None:
    one = fit.digest(card.card(request(step()), DATES, "rt-1"))
    assert one == fit.digest(card.card(request(step(), updated_at=samples.AT), DATES, "rt-2"))
    assert one != fit.digest(card.card(request(step(version=8)), DATES, "rt-1"))
    assert one != fit.digest(card.card(request(step(error="another")), DATES, "rt-1"))


# --- the thread ----------------------------------------------------------------------------------------------------

FIRST = {"error": "503", "first": True, "before": None}


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", reason="mended"),
            "*Hanna Lead* re-triggered step and flow at `create_account` · 10:42 UTC · reason: mended",
        ),
        (
            samples.event(events.RETRIGGERED, by="ci", door="api", data={"update_status": True, "new_key": True}),
            (
                "*ci* re-triggered `create_account` (this step only) through the API, allowing the workflow status to "
                "be updated, with a new idempotency key · 10:42 UTC"
            ),
        ),
        (
            samples.event(events.RETRIGGERED_FLOW, by="Hanna Lead", data={"version": 4}),
            "*Hanna Lead* re-triggered step and flow at `create_account`, with version 4 · 10:42 UTC",
        ),
        (
            samples.event(events.INPUT_PROVIDED, by="Hanna Lead", data={"confirmed": True}),
            (
                "*Hanna Lead* provided input for `create_account`, confirming that the earlier call may have taken "
                "effect · 10:42 UTC"
            ),
        ),
        (samples.event(events.CONTINUED, None, by="Omar"), "*Omar* continued the flow · 10:42 UTC"),
        (
            samples.event(events.WITHDRAWN, None, by="Omar", door="cli", reason="left"),
            "*Omar* withdrew REQ-42 on the command line · 10:42 UTC · reason: left",
        ),
        (
            samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"}),
            "✅ `create_account` completed (attempt 4, accepted) · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=2, data=FIRST),
            "🔴 `create_account` is blocked (attempt 2): 503 · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=3, data={**FIRST, "before": "503"}),
            "🔴 `create_account` is blocked again (attempt 3): same error · 10:42 UTC",
        ),
        (
            samples.event(events.BLOCKED, attempt=3, data={**FIRST, "before": "404"}),
            "🔴 `create_account` is blocked again (attempt 3), with another error: 503 · 10:42 UTC",
        ),
        (
            samples.event(events.LOST, attempt=1, data={"recovery": 2, "worker": "w"}),
            "The worker of `create_account` was lost (attempt 1); automatic recovery 2 of 5 · 10:42 UTC",
        ),
        (
            samples.event(events.LATE, attempt=1, data={"outcome": "succeeded", "call": "accepted"}),
            (
                "Late result of `create_account` (attempt 1, accepted): it succeeded after its worker had lost it. "
                "Kept as evidence; it changed nothing · 10:42 UTC"
            ),
        ),
        (samples.event(events.STATUS, None, data={"to": "completed"}), "REQ-42 is *Completed* · 10:42 UTC"),
    ],
)
def test_lines(event: Any, line: str) -> None:
    assert thread.line(event, 42, DATES) == line


def test_the_outcome_says_what_came_of_the_act_and_where_the_request_stands() -> None:
    event = samples.event(events.COMPLETED, attempt=4, data={"call": "accepted"})
    done = request(status=RequestStatus.COMPLETED, actions=())
    assert said(outcome.outcome(event, done).blocks) == (
        "REQ-42: ✅ `create_account` completed (attempt 4, accepted). The request is *Completed*."
    )
    held = request(actions=(Action.CONTINUE,))
    assert "wait for *Continue flow*" in said(outcome.outcome(event, held).blocks)


def test_a_stale_button_is_answered_with_what_happened_since() -> None:
    document = request(
        step(status=StepStatus.COMPLETED, actions=()),
        status=RequestStatus.COMPLETED,
        actions=(),
        events=(
            samples.shown_event(events.SUBMITTED, None),
            samples.shown_event(events.RETRIGGERED_FLOW, by="Hanna Lead"),
            samples.shown_event(events.COMPLETED, attempt=3),
        ),
    )
    text = said(outcome.overtaken(document, Action.FLOW, "create_account", DATES).blocks)
    assert text == (
        "*Re-trigger step and flow*: nothing was done. `create_account` is *completed*. REQ-42 is *Completed*. "
        "\n• *Hanna Lead* re-triggered step and flow at `create_account` · 10:42 UTC "
        "\n• ✅ `create_account` completed (attempt 3) · 10:42 UTC"
    )


# --- windows -------------------------------------------------------------------------------------------------------


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
    view = modals.act_modal(ticket, request(step()), None, editing=Editing())
    assert "The file *result.json* counts, unless you write here or choose another." in said(view["blocks"])
    assert "initial_value" not in inputs_of(view)["request_body"]["element"]


def test_tickets_come_back_as_they_were() -> None:
    for ticket in (
        Ticket(Action.WITHDRAW, Target(42), Place()),
        Ticket(Action.FLOW, Target(42, "a", 7), Place("C1", "1.1"), "d", "s", True, True, Settled(4, True, False)),
        Ticket(Action.INPUT, Target(42, "a", 7), Place(), ways="w", file=ChosenFile("F1", "a.json")),
    ):
        assert unpack_ticket(ticket.pack()) == ticket
    for broken in ("", "{}", "[]", '["fly",[1],[],null,null,false,false,null,null,null]', "[1,2,3,4,5,6,7,8,9,10]"):
        with pytest.raises(OldButton):
            unpack_ticket(broken)
    for broken in ("", "7", "[]", "{}", '{"request_id": "x"}'):
        with pytest.raises(OldButton):
            unpack_target(broken)


# --- the Progress Path and lists -----------------------------------------------------------------------------------


def test_the_progress_path_has_every_step_its_attempts_and_tags() -> None:
    acted = attempt(
        3,
        kind=AttemptKind.RETRIGGER,
        outcome=AttemptOutcome.SUCCEEDED,
        error=None,
        call=CallEffect.ACCEPTED,
        by="Hanna Lead",
        reason="mended",
    )
    quiet = attempt(outcome=AttemptOutcome.SUCCEEDED, error=None)
    document = request(
        step("first", status=StepStatus.COMPLETED, actions=(), attempts=(quiet,)),
        step("second", status=StepStatus.COMPLETED, actions=(), attempts=(attempt(1), attempt(2), acted), held=True),
        step("third", status=StepStatus.PENDING, actions=(), attempts=()),
    )
    lines = said(path.path_view(document, DATES, PathWindow(42, Place()))["blocks"]).splitlines()
    assert "✅ `first` · Completed" in lines
    assert "✅ `second` · Completed · 3 attempts · held" in lines
    assert "⬜ `third` · Pending" in lines
    assert (
        "   ↳ 3. retrigger: succeeded · call accepted · 10:42 UTC · version 1 · "
        "_Re-triggered by @Hanna Lead, 10:42 UTC_ (mended)" in lines
    )


def test_the_private_path_has_the_buttons_of_what_may_be_done() -> None:
    document = request(step(), step("next", status=StepStatus.PENDING, actions=(), attempts=()))
    assert [label for label, _ in buttons(path.path_message(document, DATES).blocks)] == [
        texts.RETRIGGER,
        texts.RETRIGGER_FLOW,
        texts.PROVIDE_INPUT,
        texts.WITHDRAW,
        "Picture",
    ]


def test_titles_fit_into_slacks_24_characters() -> None:
    assert all(len(title) <= fit.TITLE for title in modals.TITLES.values())
