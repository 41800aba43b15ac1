"""The relay's own thread: it tells at once what it is woken for, though it looks by itself only now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from bot.relay import LEASE, Relay
from engine.states import RequestStatus
from tests.support.poll import wait_until
from tests.unit.bot import samples
from tests.unit.bot.fakes import Office
from tests.unit.bot.told import BLOCKED

NEVER = 600.0  # seconds between looks by itself


@pytest.fixture
def idle(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """It has looked, found nothing, and waits."""
    looked, due = threading.Event(), office.outbox.due

    def look(limit: int, lease: float) -> list[object]:
        found = due(limit, lease)
        looked.set()
        return [*found]

    monkeypatch.setattr(office.outbox, "due", look)
    relay = office.new_relay(poll=NEVER)
    relay.start()
    assert looked.wait(60)
    yield relay
    relay.stop()


@pytest.mark.parametrize("wake", [lambda relay: relay.wake(), lambda relay: relay.refresh(43)], ids=["wake", "refresh"])
def test_it_tells_at_once_what_it_is_woken_for(office: Office, idle: Relay, wake: Callable[[Relay], None]) -> None:
    office.outbox.add(42, "card")
    office.outbox.add(42, "line", BLOCKED)
    wake(idle)
    wait_until(lambda: not office.outbox.rows, "everything to be told")


def test_a_card_that_somebody_found_stale_is_refreshed_at_once(office: Office, idle: Relay) -> None:
    office.outbox.add(42, "card")
    idle.wake()
    wait_until(lambda: not office.outbox.rows, "the card")
    office.documents[42] = samples.request(status=RequestStatus.COMPLETED)
    idle.refresh(42)
    wait_until(lambda: office.slack.texts() == ["REQ-42 (HR) is Completed"], "the card to be true")


@pytest.mark.parametrize("stops", [True, False], ids=["stopped", "late"])
def test_what_is_not_begun_is_given_back_when_it_stops_or_is_late(office: Office, stops: bool) -> None:
    """Else it would wait for the end of its lease, or be told beside another relay."""

    def while_it_posts(method: str, channel: str) -> None:
        if stops:
            office.relay.stop()
        else:
            office.outbox.now += LEASE * 0.6

    office.slack.trouble = while_it_posts
    office.outbox.add(42, "card")
    second = office.outbox.add(43, "card")
    assert office.relay.run_once() == 2
    assert len(office.slack.messages) == 1
    assert (office.outbox.errors, office.outbox.rows[second].tries) == ({second: "given back"}, 0)


def test_a_stop_waits_for_no_look(idle: Relay) -> None:
    idle.stop(timeout=60.0)
    assert "relay" not in {thread.name for thread in threading.enumerate()}
