"""What a card says, and which buttons it has."""

from __future__ import annotations

import json

from bot.blocks import card, fit, path
from bot.targets import LOOK, LOOK_AWAY, PATH, Look, Target, unpack_look, unpack_target
from bot.text import Dates
from engine import events, texts
from engine.commands.documents import LookingDocument
from engine.rules.allowed import Action
from engine.states import AttemptKind, AttemptOutcome, RequestStatus, StepStatus
from tests.unit.bot import samples
from tests.unit.bot.samples import DATES, attempt, buttons, request, said, step

Kind, How = AttemptKind, AttemptOutcome


def test_a_blocked_card_says_all_that_an_admin_needs() -> None:
    message = card.card(request(step()), DATES)
    text = said(message.blocks)
    for wanted in (
        "REQ-42 · Onboard Ada",
        "*Blocked* · HR · onboarding, version 3",
        "`create_account` is *blocked*",
        "> identity answered 503",
        "It is unknown whether the call took effect.",
        "2 tries so far (1 retry) · since 06 May 2024, 10:42 UTC",
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
        (texts.LOOK, LOOK),
    ]
    (row,) = [block["elements"] for block in blocks if block["type"] == "actions"]
    assert [unpack_target(button["value"]) for button in row[:3]] == [Target(42, "create_account", 7)] * 3
    assert unpack_target(row[3]["value"]) == Target(42)
    assert unpack_look(row[4]["value"]) == Look(42, None)


def test_only_what_the_step_offers_has_a_button() -> None:
    failed = step(status=StepStatus.FAILED, actions=(Action.RETRIGGER, Action.FLOW))
    assert [label for label, _ in buttons(card.card(request(failed), DATES).blocks)] == [
        texts.RETRIGGER,
        texts.RETRIGGER_FLOW,
        texts.PROGRESS_PATH,
        texts.LOOK,
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


def test_several_blocked_steps_have_their_own_sections_up_to_a_cap() -> None:
    blocks = card.card(request(*(step(f"s{n}") for n in range(8))), DATES).blocks
    assert [len(block["elements"]) for block in blocks if block["type"] == "actions"] == [3] * card.MAX_STEPS + [2]
    assert [label for label, _ in buttons(blocks)].count(texts.RETRIGGER) == card.MAX_STEPS
    assert "… and 3 more steps: `/retrigger REQ-42 STEP` opens any of them." in said(blocks)


def test_a_blocked_step_that_the_flow_has_left_is_none_to_act_on() -> None:
    left = step("desk", stale=True, actions=(), error="left behind")
    assert "left behind" not in said(card.card(request(step(), left), DATES).blocks)


def test_a_card_never_shows_bodies() -> None:
    shown = json.dumps(card.card(request(step(result={"password": "SECRET-RESULT"})), DATES).blocks)
    assert "SECRET" not in shown


def test_the_digest_changes_with_what_is_shown_and_with_nothing_else() -> None:
    one = fit.digest(card.card(request(step()), DATES, "rt-1"))
    assert one == fit.digest(card.card(request(step(), updated_at=samples.AT), DATES, "rt-2"))
    assert one != fit.digest(card.card(request(step(version=8)), DATES, "rt-1"))
    assert one != fit.digest(card.card(request(step(error="another")), DATES, "rt-1"))


def test_the_engines_own_tries_are_counted_apart() -> None:
    told = [
        (Kind.INITIAL, How.FAILED),
        (Kind.RETRY, How.FAILED),
        (Kind.RETRY, How.LOST),
        (Kind.RECOVERY, How.FAILED),
        (Kind.RETRIGGER, How.FAILED),
    ]
    assert "5 tries so far (2 retries, 1 automatic recovery)" in tried(told)


def test_a_clean_stop_is_no_recovery_and_what_a_person_provided_no_try() -> None:
    told = [(Kind.PROVIDED_INPUT, How.SUCCEEDED), (Kind.INITIAL, How.RETURNED), (Kind.RECOVERY, How.FAILED)]
    assert "\n1 try so far · since" in tried(told)


def tried(attempts: list[tuple[AttemptKind, AttemptOutcome]]) -> str:
    """What the card of a step says that was tried so."""
    made = tuple(attempt(number, kind=kind, outcome=it) for number, (kind, it) in enumerate(attempts, 1))
    return said(card.card(request(step(attempts=made)), DATES).blocks)


def test_who_is_looking_is_shown_until_when_and_can_be_taken_over_or_given_up() -> None:
    looking = LookingDocument(by="Hanna <!channel>", actor="slack:T1/U1", since=samples.AT, until=samples.AT)
    blocks = card.card(request(step(), looking=looking), DATES).blocks
    assert "👀 *@Hanna &lt;!channel&gt;* is looking at this, until 10:42 UTC." in said(blocks)
    assert buttons(blocks)[-2:] == [(texts.LOOK, LOOK), (texts.LOOK_AWAY, LOOK_AWAY)]
    (row,) = [block["elements"] for block in blocks if block["type"] == "actions"]
    assert [unpack_look(button["value"]) for button in row[-2:]] == [Look(42, "slack:T1/U1")] * 2


def test_what_is_not_blocked_needs_nobody_to_look_at_it() -> None:
    blocks = card.card(request(step(), status=RequestStatus.IN_PROGRESS), DATES).blocks
    assert texts.LOOK not in [label for label, _ in buttons(blocks)]


def test_a_failed_request_offers_its_failed_step() -> None:
    failed = step(status=StepStatus.FAILED, actions=(Action.RETRIGGER, Action.FLOW))
    blocks = card.card(request(failed, status=RequestStatus.FAILED, blocked=(), actions=()), DATES).blocks
    assert [label for label, _ in buttons(blocks)] == [texts.RETRIGGER, texts.RETRIGGER_FLOW, texts.PROGRESS_PATH]
