"""When one card tells many requests, and how many stand where."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from engine.causes.records import Stand
from engine.limits import CAUSE_REQUESTS, CAUSE_SECONDS
from engine.rules.permissions import Actor
from storage.tables import blocks
from tests.integration.engine.causes.conftest import Outage
from tests.support.engine import HANNA
from tests.support.poll import PATIENCE


def test_from_the_tenth_request_on_one_card_tells_them(outage: Outage):
    nine = outage.block(CAUSE_REQUESTS - 1)
    assert outage.causes.common(nine[-1], ["account"]) is None
    (tenth,) = outage.block(1)
    common = outage.causes.common(tenth, ["account"])
    assert common is not None
    assert (common.source, common.cause_id) == ("identity", None)
    cause_id = outage.causes.join(tenth, common, "It is away.")
    assert outage.causes.joined(tenth) == {common.key}
    assert outage.causes.joined(nine[0]) == frozenset()
    assert outage.counts(cause_id) == {Stand.BLOCKED: 10}  # those with a card of their own are blocked by it as well
    (another,) = outage.block(1)
    known = outage.causes.common(another, ["account"])
    assert known is not None
    assert known == common._replace(at=known.at, cause_id=cause_id)


def test_an_outage_that_is_told_much_later_is_told_by_one_card_too(outage: Outage):
    requests = outage.block(CAUSE_REQUESTS + 2)
    with outage.room.database.writing() as connection:  # Slack was away for two hours
        connection.execute(update(blocks).values(at=blocks.c.at - 24 * CAUSE_SECONDS))
        early = blocks.c.request_id == requests[-1]
        connection.execute(update(blocks).where(early).values(at=blocks.c.at - 2 * CAUSE_SECONDS))
    cause_id = outage.told(requests)
    assert outage.counts(cause_id) == {Stand.BLOCKED: CAUSE_REQUESTS + 2}


@pytest.mark.parametrize(("apart", "one_card"), [(299.0, True), (301.0, False)])
def test_only_those_of_five_minutes_are_counted_together(outage: Outage, apart: float, one_card: bool):
    requests = outage.block(10)
    with outage.room.database.writing() as connection:
        connection.execute(update(blocks).values(at=1_700_000_000.0 + blocks.c.request_id % 2 * apart))
    found = [outage.causes.common(request, ["account"]) for request in requests]
    assert [common is not None for common in found] == [one_card] * 10


def test_of_two_relays_that_find_the_tenth_one_opens_the_cause(outage: Outage):
    requests = outage.block(CAUSE_REQUESTS)
    found = [outage.causes.common(request, ["account"]) for request in requests[:2]]
    first, second = found
    assert first is not None
    assert second is not None
    assert first.cause_id is second.cause_id is None
    numbers = {outage.causes.join(requests[0], first, "It."), outage.causes.join(requests[1], second, "It.")}
    assert len(numbers) == 1


def test_it_is_one_cause_across_applications_and_the_counts_stay_true(outage: Outage):
    hr, finance = outage.block(8), outage.block(4, "Finance")
    cause_id = outage.told(hr + finance)
    assert {app: dict(found) for app, found in outage.causes.standing(cause_id).apps.items()} == {
        "Finance": {Stand.BLOCKED: 4},
        "HR": {Stand.BLOCKED: 8},
    }
    engine = outage.room.engine
    engine.withdraw(HANNA, hr[0], reason="Not needed.")
    engine.retrigger(HANNA, hr[1], "account", flow=True)
    outage.room.wait(hr[1], lambda d: d.status.value == "blocked" and len(d.steps[0].attempts) == 2)
    assert outage.counts(cause_id) == {Stand.BLOCKED: 11, Stand.OTHERWISE: 1}
    outage.mend()
    for request in finance:
        engine.retrigger(HANNA, request, "account", flow=True)
        outage.room.wait(request, "completed")
    assert outage.counts(cause_id) == {Stand.BLOCKED: 7, Stand.OTHERWISE: 1, Stand.RECOVERED: 4}


def test_another_error_of_the_same_connection_is_another_cause(outage: Outage):
    requests = outage.block(CAUSE_REQUESTS)
    cause_id = outage.told(requests)
    other = outage.block(1, mode="wrong_data")
    assert outage.causes.common(other[0], ["account"]) is None
    assert outage.counts(cause_id) == {Stand.BLOCKED: 10}


def test_requests_of_an_application_without_a_channel_are_not_counted(outage: Outage):
    outage.block(CAUSE_REQUESTS, "Lab")
    (request,) = outage.block(1)
    assert outage.causes.common(request, ["account"]) is None


def test_what_comes_when_an_outage_has_been_over_for_minutes_is_another(outage: Outage):
    requests = outage.block(CAUSE_REQUESTS)
    first = outage.told(requests)
    for request in requests:
        outage.room.engine.withdraw(HANNA, request, reason="Over.")
    (soon,) = outage.block(1)
    common = outage.causes.common(soon, ["account"])
    assert common is not None
    assert common.cause_id == first  # it comes so soon after
    outage.room.engine.withdraw(HANNA, soon, reason="Over.")
    with outage.room.database.writing() as connection:  # the time that nobody waits for
        connection.execute(update(blocks).values(at=blocks.c.at - 2 * CAUSE_SECONDS))
    later = outage.block(1)
    assert outage.causes.common(later[0], ["account"]) is None
    assert outage.causes.cause(first).closed_at is not None
    later += outage.block(CAUSE_REQUESTS - 1)
    second = outage.told(later)
    assert second != first
    assert outage.counts(second) == {Stand.BLOCKED: CAUSE_REQUESTS}


def test_an_outage_is_not_over_while_its_requests_are_re_triggered_together(outage: Outage):
    requests = outage.block(CAUSE_REQUESTS)
    first, may_act = outage.told(requests), threading.Event()

    def present(person: Actor) -> Actor:
        may_act.wait(PATIENCE)
        return person

    outage.room.present = present
    run = outage.begin(first)
    for request in requests:
        outage.room.engine.withdraw(HANNA, request, reason="Over.")
    with outage.room.database.writing() as connection:  # the time that nobody waits for
        connection.execute(update(blocks).values(at=blocks.c.at - 2 * CAUSE_SECONDS))
    (later,) = outage.block(1)
    common = outage.causes.common(later, ["account"])
    may_act.set()
    outage.ended(run)
    assert common is not None and common.cause_id == first
