"""What asks for an approval, in each state, and the window in which it is answered."""

from __future__ import annotations

from typing import Any

import pytest

from bot.blocks.ask import Ask, answer_modal, ask_message, is_open, overtaken
from bot.targets import Answer, AskTicket, Place, unpack_answer, unpack_ask_ticket
from engine import events
from engine.commands.documents import RequestDocument
from engine.states import AttemptOutcome, RequestStatus, StepStatus
from tests.support.slack_checks import check_message, check_view
from tests.unit.bot import samples
from tests.unit.bot.samples import AT, DATES, attempt, buttons, request, said, shown_event, step

HANNA, OMAR = "hanna@example.com", "omar@example.com"
MINE = Ask("allow", 2, (HANNA,))
ANSWERS = [("Approve", "retrigger.approve"), ("Reject", "retrigger.reject")]


def asked(*told: Any, outcome: AttemptOutcome | None = None, number: int = 2, **facts: Any) -> RequestDocument:
    """A request with an approval at its second attempt, which is open unless it has an outcome."""
    waits = outcome is None
    others = [attempt(1, outcome=AttemptOutcome.CANCELLED), attempt(3, outcome=None)]
    allow = step(
        "allow",
        kind="approval",
        status=StepStatus.WAITING if waits else StepStatus.COMPLETED,
        approvers=(HANNA, OMAR) if waits else (),
        due_at=None,
        attempts=(others[0], attempt(2, outcome=outcome), *others[1 : number - 1]),
        **{"need": "any", **{name: facts.pop(name) for name in ("approved", "wakes_at", "need") if name in facts}},
    )
    return request(allow, **{"status": RequestStatus.IN_PROGRESS, **facts}, events=told)


def answered(kind: str, **facts: Any) -> Any:
    return shown_event(kind, "allow", attempt=2, by="Hanna Lead", **facts)


def test_it_says_what_it_is_about_and_has_both_buttons() -> None:
    document = asked(wakes_at=AT)
    message = ask_message(MINE, document, DATES, "rt-1")
    check_message(*message)
    text = said(message.blocks)
    for wanted in (
        "Approval · REQ-42 · Onboard Ada",
        "`allow` waits for your approval.",
        "requested by ada@example.com",
        f"One answer decides: {HANNA}, {OMAR}.",
        "Answer until 06 May 2024",
    ):
        assert wanted in text
    assert buttons(message.blocks) == ANSWERS
    pressed = [unpack_answer(e["value"]) for e in message.blocks[-1]["elements"]]
    assert pressed == [Answer(42, "allow", 2, True), Answer(42, "allow", 2, False)]
    assert message.blocks[0]["block_id"] == "rt-1"


def test_in_the_channel_it_mentions_those_whom_it_cannot_reach_otherwise() -> None:
    ask = MINE._replace(mentions=("<!subteam^S1>", "carol@example.com"))
    assert "`allow` waits for the approval of <!subteam^S1>, carol@example.com." in said(
        ask_message(ask, asked(), DATES).blocks
    )


def test_with_all_who_has_answered_is_asked_no_more_and_the_others_are() -> None:
    document = asked(answered(events.APPROVED, reason="fine"), approved=(HANNA,), need="all")
    mine = ask_message(MINE, document, DATES)
    assert buttons(mine.blocks) == [] and f"waits for {OMAR} still" in said(mine.blocks)
    theirs = ask_message(Ask("allow", 2, (OMAR,)), document, DATES)
    assert buttons(theirs.blocks) == ANSWERS
    assert "Each of these must approve" in said(theirs.blocks)
    assert "*Hanna Lead* approved `allow` · 10:42 UTC · reason: fine" in said(theirs.blocks)


@pytest.mark.parametrize(
    ("document", "became"),
    [
        (asked(answered(events.APPROVED), outcome=AttemptOutcome.SUCCEEDED), "✅ approved.\n*Hanna Lead* approved"),
        (asked(answered(events.REJECTED), outcome=AttemptOutcome.SUCCEEDED), "⛔ rejected.\n*Hanna Lead* rejected"),
        (asked(answered(events.REJECTED), outcome=AttemptOutcome.FAILED), "⛔ rejected.\n*Hanna Lead* rejected"),
        (
            asked(answered(events.COMPLETED, data={"outlet": "rejected"}), outcome=AttemptOutcome.SUCCEEDED),
            "🕒 not enough have approved in time, so it is taken as rejected (10:42 UTC).",
        ),
        (asked(outcome=AttemptOutcome.FAILED), "not enough have approved in time, so the step is blocked"),
        (
            asked(
                shown_event(events.RETRIGGERED, "allow", attempt=3, by="Omar"),
                outcome=AttemptOutcome.CANCELLED,
                number=3,
            ),
            "void; it is asked for anew.\n*Omar* re-triggered",
        ),
        (
            asked(shown_event(events.WITHDRAWN, None, by="Omar", reason="moot"), outcome=AttemptOutcome.CANCELLED),
            "no longer asked for.\n*Omar* withdrew REQ-42",
        ),
        (asked(outcome=AttemptOutcome.CANCELLED), "no longer asked for: the flow went another way."),
        (request(), "it is no longer asked for."),
    ],
)
def test_when_it_is_over_it_says_what_became_of_it_and_has_no_buttons(document: RequestDocument, became: str) -> None:
    assert not is_open(MINE, document)
    message = ask_message(MINE, document, DATES)
    check_message(*message)
    assert buttons(message.blocks) == [] and became in said(message.blocks)
    late = overtaken(MINE, document, DATES)
    check_message(*late)
    assert "Nothing was done." in said(late.blocks) and became in said(late.blocks)


@pytest.mark.parametrize("text", samples.TEXTS)
def test_whatever_a_request_brings_slack_takes_it(text: str) -> None:
    mean: dict[str, Any] = {"title": text, "app": text, "workflow": text, "requester": text, "input": {"text": text}}
    told = (answered(events.APPROVED, reason=text),)
    for document in (asked(*told, **mean), asked(*told, outcome=AttemptOutcome.SUCCEEDED, **mean)):
        check_message(*ask_message(MINE, document, DATES))
        check_message(*overtaken(MINE, document, DATES))
        for yes in (True, False):
            check_view(answer_modal(AskTicket(Answer(42, "allow", 2, yes), Place("C1", "1.2")), document))


def test_the_reason_may_be_left_out_and_the_window_shows_the_input() -> None:
    for yes in (True, False):
        ticket = AskTicket(Answer(42, "allow", 2, yes), Place("D1", "1.2"))
        view = answer_modal(ticket, asked())
        assert [b["optional"] for b in view["blocks"] if b["type"] == "input"] == [True]
        assert "• name: Ada" in said(view["blocks"])
        assert unpack_ask_ticket(view["private_metadata"]) == ticket
