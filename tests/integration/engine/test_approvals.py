"""Approvals through the whole engine, on both databases (SPEC 1, 2, 5): who is asked, who answers, what follows."""

from __future__ import annotations

import pytest

from engine import events
from engine.commands.documents import RequestDocument, StepDocument
from engine.errors import Conflict, NotAnApprover, Refused, SelfAction
from engine.functions import function
from engine.rules.permissions import Actor
from tests.support.engine import HANNA, VERA, Room
from tests.support.poll import wait_until

ADA = Actor("slack:T1/U7", "Ada", "slack", mail="Ada@example.com", slack_user="U7")
BEN = Actor("ben@example.com", "Ben", "cli", mail="ben@example.com")
GRACE = Actor("slack:T1/U8", "Grace", "slack", mail="grace@example.com", groups=frozenset({"@hr-admins", "S1"}))
GUS = Actor("slack:T1/U9", "Gus", "slack", mail="gus@example.com", groups=frozenset({"@HR-Admins", "S1"}))
ROBOT = Actor("key:robot", "key:robot", "api")

APPROVAL = """
workflow: asking
app: HR
title: Approval
self_action: %s
nodes:
  ask: {approval: {approvers: %s}, approved: after, rejected: refusal}
  after:
    function: {name: approvals.echo, args: {value: "{{ nodes.ask.result }}"}, isolation: thread}
    next: end
  refusal:
    function: {name: approvals.echo, args: {value: "{{ nodes.ask.result }}"}, isolation: thread}
    next: rejected_end
  rejected_end: {end: {status: rejected}}
"""


@function("approvals.echo")
def echo(value: object) -> object:
    return value


def definition(
    approvers: str = "[ada@example.com, ben@example.com]",
    more: str = "",
    *,
    rejected: bool = True,
    self_action: str = "true",
) -> str:
    text = APPROVAL % (self_action, f"{approvers}, {more}" if more else approvers)
    return text if rejected else text[: text.index("  refusal:")].replace(", rejected: refusal", "")


@pytest.fixture
def room(shared_room: Room) -> Room:
    return shared_room


def asked(room: Room, text: str, input: object = None, **facts: str) -> int:
    """A request that waits for its approval."""
    room.publish(text)
    number = room.submit("asking", input, **facts)
    room.wait(number, _asks)
    return number


def _asks(document: RequestDocument) -> bool:
    step = document.step("ask")
    return step is not None and step.status.value == "waiting"


def _story(step: StepDocument) -> list[tuple[str, str | None]]:
    return [(attempt.kind.value, attempt.outcome and attempt.outcome.value) for attempt in step.attempts]


class TestAny:
    def test_the_first_yes_decides_and_what_follows_sees_who_and_why(self, room: Room) -> None:
        number = asked(room, definition())
        waiting = room.step(number, "ask")
        assert waiting.approvers == ("ada@example.com", "ben@example.com") and waiting.approved == ()
        assert waiting.attempts[0].ended_at is None, "its attempt is open while it waits"
        room.engine.answer(ADA, number, "ask", True, reason="fine by me")
        document = room.wait(number, "completed")
        said = {"approved": True, "by": ["Ada"], "reason": "fine by me"}
        assert room.step(number, "ask").result == said == room.step(number, "after").result
        assert _story(room.step(number, "ask")) == [("initial", "succeeded")]
        assert room.step(number, "refusal").status == "skipped"
        act = next(event for event in document.events if event.kind == events.APPROVED)
        assert (act.node, act.by, act.actor, act.door, act.reason) == ("ask", "Ada", ADA.id, "slack", "fine by me")
        assert room.step(number, "after").attempts[0].by is None, "nobody re-triggered it"

    def test_the_first_no_decides(self, room: Room) -> None:
        number = asked(room, definition())
        room.engine.answer(BEN, number, "ask", False, reason="too dear")
        room.wait(number, "rejected")
        assert room.step(number, "refusal").result == {"approved": False, "by": ["Ben"], "reason": "too dear"}
        assert room.step(number, "ask").status == "completed" and room.step(number, "after").status == "skipped"

    def test_the_second_answer_is_told_who_was_first(self, room: Room) -> None:
        number = asked(room, definition())
        seen = room.step(number, "ask").version
        room.engine.answer(ADA, number, "ask", True, expect_version=seen)
        told = rf"ask of REQ-{number} is now completed\. Ada approved at \d\d:\d\d:\d\d UTC"
        with pytest.raises(Conflict, match=told):
            room.engine.answer(BEN, number, "ask", False, expect_version=seen)
        room.wait(number, "completed")
        with pytest.raises(Conflict, match="Ada approved"):
            room.engine.answer(BEN, number, "ask", False)


class TestAll:
    def test_everybody_must_say_yes(self, room: Room) -> None:
        number = asked(room, definition(more="need: all"))
        room.engine.answer(ADA, number, "ask", True)
        step = room.step(number, "ask")
        assert (step.status, step.approved) == ("waiting", ("ada@example.com",))
        room.engine.answer(BEN, number, "ask", True)
        room.wait(number, "completed")
        assert room.step(number, "ask").result["by"] == ["ada@example.com", "ben@example.com"]

    def test_the_first_no_rejects(self, room: Room) -> None:
        number = asked(room, definition(more="need: all"))
        room.engine.answer(ADA, number, "ask", True)
        room.engine.answer(BEN, number, "ask", False)
        room.wait(number, "rejected")

    def test_who_approved_may_think_again_until_all_have(self, room: Room) -> None:
        number = asked(room, definition(more="need: all"))
        room.engine.answer(ADA, number, "ask", True)
        room.engine.answer(ADA, number, "ask", False, reason="I was wrong")
        room.wait(number, "rejected")

    def test_twice_by_one_person_is_refused_and_counts_once(self, room: Room) -> None:
        number = asked(room, definition(more="need: all"))
        room.engine.answer(ADA, number, "ask", True)
        with pytest.raises(Refused, match=f"You have approved ask of REQ-{number} already"):
            room.engine.answer(ADA, number, "ask", True)
        assert _asks(room.document(number))

    def test_a_group_needs_one_of_its_people(self, room: Room) -> None:
        number = asked(room, definition('["@HR-admins", ada@example.com]', "need: all"))
        room.engine.answer(GRACE, number, "ask", True)
        with pytest.raises(Refused, match=f"@HR-admins has approved ask of REQ-{number} already"):
            room.engine.answer(GUS, number, "ask", True)
        assert room.step(number, "ask").approved == ("@HR-admins",)
        room.engine.answer(ADA, number, "ask", True)
        room.wait(number, "completed")

    def test_who_is_named_twice_answers_for_both(self, room: Room) -> None:
        number = asked(room, definition('["@hr-admins", grace@example.com]', "need: all"))
        room.engine.answer(GRACE, number, "ask", True)
        room.wait(number, "completed")


class TestWho:
    def test_only_who_is_named_may_answer_and_the_try_is_audited(self, room: Room) -> None:
        number = asked(room, definition())
        for person in (HANNA, VERA, ROBOT):
            with pytest.raises(NotAnApprover, match=r"ada@example\.com, ben@example\.com"):
                room.engine.answer(person, number, "ask", True)
        refused = [event for event in room.document(number).events if event.kind == events.REFUSED]
        assert [(event.node, event.by) for event in refused] == [("ask", p.name) for p in (HANNA, VERA, ROBOT)]
        assert _asks(room.document(number))

    def test_a_mail_in_any_case_a_slack_user_s_group_and_an_api_key_are_known(self, room: Room) -> None:
        for approvers, person in (("[ADA@EXAMPLE.COM]", ADA), ('["@hr-admins"]', GUS), ('["key:robot"]', ROBOT)):
            number = asked(room, definition(approvers))
            room.engine.answer(person, number, "ask", True)
            room.wait(number, "completed")
            assert room.step(number, "ask").result["by"] == [person.name]

    def test_approvers_may_come_from_the_request(self, room: Room) -> None:
        given = '["{{ request.input.boss }}", "{{ request.input.others }}"]'
        number = asked(room, definition(given), {"boss": "ada@example.com", "others": ["key:robot", "@hr-admins"]})
        assert room.step(number, "ask").approvers == ("ada@example.com", "key:robot", "@hr-admins")
        room.engine.answer(GUS, number, "ask", True)
        room.wait(number, "completed")

    @pytest.mark.parametrize(
        ("boss", "why"),
        [
            ("nobody", "an approver is `nobody`, not an e-mail address"),
            ([], "the list of approvers is empty"),
            (7, "7"),
        ],
    )
    def test_approvers_that_nobody_can_be_block_the_step(self, room: Room, boss: object, why: str) -> None:
        room.publish(definition('["{{ request.input.boss }}"]'))
        number = room.submit("asking", {"boss": boss})
        room.wait(number, "blocked")
        assert why in (room.step(number, "ask").error or "")

    def test_requesters_may_not_answer_where_self_action_is_false(self, room: Room) -> None:
        number = asked(room, definition(self_action="false"), requester="ada@example.com")
        with pytest.raises(SelfAction):
            room.engine.answer(ADA, number, "ask", True)
        with pytest.raises(SelfAction):
            room.engine.asked(ADA, number, "ask")
        assert [e.by for e in room.document(number).events if e.kind == events.REFUSED] == ["Ada", "Ada"]
        room.engine.answer(BEN, number, "ask", True)
        room.wait(number, "completed")

    def test_a_step_of_another_kind_takes_no_answer(self, room: Room) -> None:
        number = asked(room, definition())
        with pytest.raises(Refused, match="after is of kind function; only approvals"):
            room.engine.answer(ADA, number, "after", True)


class TestNo:
    def test_without_a_rejected_path_it_blocks_and_names_who_and_why(self, room: Room) -> None:
        number = asked(room, definition(rejected=False))
        room.engine.answer(ADA, number, "ask", False)
        document = room.wait(number, "blocked")
        assert document.reason == "ask: Ada rejected it."
        assert room.step(number, "ask").actions == ("retrigger", "flow"), "no input for an approval"
        room.engine.retrigger(HANNA, number, "ask", flow=True)
        room.wait(number, _asks)
        assert _story(room.step(number, "ask")) == [("initial", "failed"), ("retrigger", None)]
        room.engine.answer(ADA, number, "ask", True)
        room.wait(number, "completed")


class TestTimeOut:
    def test_leaves_by_rejected(self, room: Room) -> None:
        number = asked(room, definition(more="timeout: 1h"))
        room.end_waits(number)
        room.wait(number, "rejected")
        said = {"approved": False, "by": [], "reason": "Not enough have approved in time."}
        assert room.step(number, "refusal").result == said

    def test_blocks_without_such_a_path(self, room: Room) -> None:
        number = asked(room, definition(rejected=False, more="need: all, timeout: 1h"))
        room.engine.answer(ADA, number, "ask", True)
        room.end_waits(number)
        room.wait(number, "blocked")
        assert "not enough have approved in time" in (room.step(number, "ask").error or "")
        assert _story(room.step(number, "ask")) == [("initial", "failed")]

    def test_an_answer_in_time_ends_it(self, room: Room) -> None:
        number = asked(room, definition(more="timeout: 1h"))
        room.engine.answer(ADA, number, "ask", True)
        room.wait(number, "completed")
        assert room.step(number, "ask").wakes_at is None, "nothing is waited for any more"


class TestReTriggered:
    def test_with_flow_a_new_one_is_issued_and_the_old_is_void(self, room: Room) -> None:
        number = asked(room, definition(more="need: all"))
        room.engine.answer(ADA, number, "ask", True)
        old = room.step(number, "ask").version
        assert room.step(number, "ask").actions == ("retrigger", "flow")
        room.engine.retrigger(HANNA, number, "ask", flow=True, reason="asked the wrong way")
        room.wait(number, _asks)
        step = room.step(number, "ask")
        assert _story(step) == [("initial", "cancelled"), ("retrigger", None)] and step.approved == ()
        with pytest.raises(Conflict, match="Hanna Lead re-triggered step and flow"):
            room.engine.answer(BEN, number, "ask", True, expect_version=old)
        room.engine.answer(ADA, number, "ask", True)
        assert _asks(room.document(number)), "the yes to the old one does not count"
        room.engine.answer(BEN, number, "ask", True)
        room.wait(number, "completed")

    def test_alone_it_is_held_until_continue_flow(self, room: Room) -> None:
        number = asked(room, definition())
        room.engine.retrigger(HANNA, number, "ask")
        room.wait(number, lambda d: _asks(d) and len(room.step(number, "ask").attempts) == 2)
        room.engine.answer(ADA, number, "ask", True)
        document = room.document(number)
        assert room.step(number, "ask").held and room.step(number, "after").status == "pending"
        assert "continue" in document.actions
        assert (document.status, document.reason) == ("blocked", "remaining steps not started")
        room.engine.continue_flow(HANNA, number)
        room.wait(number, "completed")

    def test_alone_and_rejected_without_a_path_it_is_blocked_and_so_is_the_request(self, room: Room) -> None:
        number = asked(room, definition(rejected=False))
        room.engine.retrigger(HANNA, number, "ask")
        room.wait(number, lambda d: _asks(d) and len(room.step(number, "ask").attempts) == 2)
        room.engine.answer(ADA, number, "ask", False, reason="not now")
        document = room.document(number)
        assert (room.step(number, "ask").status, document.status) == ("blocked", "blocked")
        assert document.reason == "ask: Ada rejected it: not now."


def test_withdrawn_while_it_waits_it_takes_no_answer(room: Room) -> None:
    number = asked(room, definition(more="timeout: 1h"))
    room.engine.withdraw(HANNA, number, reason="no longer needed")
    assert _story(room.step(number, "ask")) == [("initial", "cancelled")]
    with pytest.raises(Conflict, match="is now cancelled"):
        room.engine.answer(ADA, number, "ask", True)
    assert room.document(number).status == "withdrawn" and room.step(number, "ask").wakes_at is None


def test_a_restart_loses_nothing_and_counts_no_recovery(room: Room) -> None:
    number = asked(room, definition(more="need: all, timeout: 1h"))
    room.engine.answer(ADA, number, "ask", True)
    assert room.worker is not None and room.worker.stop()
    before = room.step(number, "ask")
    room.start()
    wait_until(lambda: room.store.workers_alive() == 1, "the new worker")
    assert room.step(number, "ask") == before and before.recoveries == 0
    room.engine.answer(BEN, number, "ask", True)
    room.wait(number, "completed")
    assert _story(room.step(number, "ask")) == [("initial", "succeeded")]
