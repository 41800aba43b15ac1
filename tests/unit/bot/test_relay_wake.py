"""The relay's own thread: it tells at once what it is woken for, though it looks by itself only now and then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from bot.relay import Relay
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


def test_a_stop_waits_for_no_look(idle: Relay) -> None:
    idle.stop(timeout=60.0)
    assert "relay" not in {thread.name for thread in threading.enumerate()}
