"""A job's ticket: it waits for a claim, goes on with its request, and ends when nothing of that is left for it."""

from __future__ import annotations

from engine.executors.tickets import Ticket, Tickets
from engine.records import Attempt, Claim, Step
from engine.states import AttemptKind, StepStatus


def _claim(request_id: int, node: str = "one") -> Claim:
    step = Step(request_id, node, "function", StepStatus.RUNNING, 2, 1)
    return Claim(step, Attempt(request_id, node, 1, AttemptKind.INITIAL, 1, 1, "w", 0.0), "w", 0.0)


def _over(*tickets: Ticket) -> list[bool]:
    return [ticket.over.done() for ticket in tickets]


def test_those_that_wait_are_asked_for_in_their_order():
    tickets = Tickets()
    for request_id in (3, 1, 3):
        tickets.come(request_id)
    assert sorted(tickets.asked()) == [1, 3, 3] and tickets.asked()[0] == 3


def test_one_for_which_nothing_is_due_ends():
    tickets = Tickets()
    first, second = tickets.come(1), tickets.come(2)
    tickets.take([_claim(2)], [1, 2])
    assert _over(first, second) == [True, False] and not tickets.asked()


def test_one_that_was_not_looked_at_goes_on_waiting():
    tickets = Tickets()
    ticket = tickets.come(1)
    tickets.take([], [])
    assert _over(ticket) == [False] and tickets.asked() == [1]


def test_of_two_for_the_same_request_one_has_the_only_claim():
    tickets = Tickets()
    both = tickets.come(1), tickets.come(1)
    tickets.take([_claim(1)], [1, 1])
    assert sorted(_over(*both)) == [False, True]


def test_it_goes_on_with_its_request_until_nothing_is_due():
    tickets = Tickets()
    ticket, first, second = tickets.come(1), _claim(1), _claim(1, "two")
    tickets.take([first], [1])
    tickets.settle(first)
    tickets.take([second], [])
    assert _over(ticket) == [False]
    tickets.settle(second)
    tickets.take([], [])
    assert _over(ticket) == [True]


def test_it_does_not_go_on_with_the_step_of_another_request():
    tickets = Tickets()
    ticket, mine, another = tickets.come(1), _claim(1), _claim(2)
    tickets.take([mine], [1])
    tickets.settle(mine)
    tickets.take([another], [])
    assert _over(ticket) == [True]
    tickets.settle(another)  # it had a ticket that nobody waits for
    tickets.take([], [])


def test_a_claim_that_was_taken_away_ends_it():
    tickets = Tickets()
    ticket, claim = tickets.come(1), _claim(1)
    tickets.take([claim], [1])
    tickets.drop(claim)
    assert _over(ticket) == [True]


def test_the_step_of_one_that_nobody_waits_for_goes_on():
    tickets = Tickets()
    ticket, claim = tickets.come(1), _claim(1)
    assert ticket.over.cancel()
    assert tickets.asked() == [1], "its step is due all the same"
    tickets.take([claim], [1])
    tickets.settle(claim)
    tickets.take([], [])
    tickets.settle(claim)  # a thread that was given up comes to its end after all


def test_at_the_end_those_without_a_claim_end_at_once_and_the_others_with_their_step():
    tickets = Tickets()
    waiting, running, claim = tickets.come(1), tickets.come(2), _claim(2)
    tickets.take([claim], [2])
    tickets.close()
    assert _over(waiting, running, tickets.come(3)) == [True, False, True]
    tickets.settle(claim)
    assert _over(running) == [True]
