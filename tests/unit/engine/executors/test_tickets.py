"""A job's ticket: it waits for a claim, goes on with what its commits claim, and ends when that is nothing."""

from __future__ import annotations

from engine.executors.tickets import LINGER, Ticket, Tickets
from engine.records import Attempt, Claim, Step
from engine.states import AttemptKind, StepStatus


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _new() -> tuple[Tickets, Clock]:
    clock = Clock()
    return Tickets(clock), clock


def _claim(node: str = "one") -> Claim:
    step = Step(1, node, "function", StepStatus.RUNNING, 2, 1)
    return Claim(step, Attempt(1, node, 1, AttemptKind.INITIAL, 1, 1, "w", 0.0), "w", 0.0)


def _over(*tickets: Ticket) -> list[bool]:
    return [ticket.over.done() for ticket in tickets]


def test_those_that_came_first_have_the_claims():
    tickets, _ = _new()
    waiting = [tickets.come() for _ in range(3)]
    assert tickets.waiting() == 3
    tickets.take([_claim(), _claim()], 3)
    assert _over(*waiting) == [False, False, False] and tickets.waiting() == 1


def test_one_with_nothing_to_do_waits_a_little_longer_and_ends():
    tickets, clock = _new()
    ticket = tickets.come()
    assert tickets.take([], 1), "somebody has to look again"
    clock.now += LINGER / 2
    assert tickets.take([], 1) and _over(ticket) == [False]
    clock.now += LINGER / 2
    assert not tickets.take([], 1) and _over(ticket) == [True]


def test_one_that_found_something_to_do_has_all_its_time_again():
    tickets, clock = _new()
    ticket, claim = tickets.come(), _claim()
    tickets.take([], 1)
    tickets.take([claim], 1)
    tickets.settle(claim)
    clock.now += LINGER
    assert tickets.take([], 0) and _over(ticket) == [False]


def test_one_that_was_not_looked_for_goes_on_waiting():
    tickets, clock = _new()
    ticket = tickets.come()
    for _ in range(3):
        tickets.take([], 0)
        clock.now += LINGER
    assert _over(ticket) == [False] and tickets.waiting() == 1


def test_it_goes_on_with_what_its_commit_claims():
    tickets, _ = _new()
    ticket, first, second = tickets.come(), _claim(), _claim("two")
    tickets.take([first], 1)
    tickets.settle(first)
    tickets.take([second], 0)
    assert (_over(ticket), tickets.waiting()) == ([False], 0)


def test_one_that_runs_is_not_ended_by_the_commit_of_another():
    tickets, clock = _new()
    runs, ends = tickets.come(), tickets.come()
    first, second = _claim(), _claim("two")
    tickets.take([first, second], 2)
    tickets.settle(second)
    tickets.take([], 0)
    clock.now += LINGER
    tickets.take([], 1)
    assert _over(runs, ends) == [False, True]


def test_a_claim_that_was_taken_away_ends_it():
    tickets, _ = _new()
    ticket, claim = tickets.come(), _claim()
    tickets.take([claim], 1)
    tickets.drop(claim)
    assert _over(ticket) == [True]


def test_the_steps_of_one_that_nobody_waits_for_go_on():
    tickets, _ = _new()
    ticket, claim = tickets.come(), _claim()
    assert ticket.over.cancel()
    assert tickets.waiting() == 1, "what it came for is due all the same"
    tickets.take([claim], 1)
    tickets.settle(claim)
    tickets.take([], 0)
    tickets.settle(claim)  # a thread that was given up comes to its end after all


def test_a_claim_without_a_ticket_leaves_those_of_others_alone():
    tickets, _ = _new()
    waiting, alone = tickets.come(), _claim()
    tickets.take([alone], 0)  # a step that runs alone is taken by whoever has nothing else to do
    tickets.settle(alone)
    tickets.take([], 0)
    assert _over(waiting) == [False]


def test_at_the_end_those_without_a_claim_end_at_once_and_the_others_with_their_step():
    tickets, _ = _new()
    running, claim = tickets.come(), _claim()
    tickets.take([claim], 1)
    waiting = tickets.come()
    tickets.close()
    assert _over(waiting, running, tickets.come()) == [True, False, True]
    tickets.settle(claim)
    assert _over(running) == [True]


def test_at_the_end_one_whose_outcome_is_just_being_stored_ends_too():
    tickets, _ = _new()
    ticket, claim = tickets.come(), _claim()
    tickets.take([claim], 1)
    tickets.settle(claim)
    tickets.close()
    assert _over(ticket) == [True]
