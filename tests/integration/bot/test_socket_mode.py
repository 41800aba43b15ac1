"""Socket Mode's two connections: refreshed, cut, and bringing the same payload twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from bot.socket_mode import CONNECTIONS
from tests.integration.bot.office import CHANNEL, Office
from tests.support.poll import wait_until
from tests.support.slack_form import typed
from tests.support.slack_server import Person, SlackServer
from tests.support.slack_server.sockets import Sockets


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    return our_office


@pytest.fixture
def sockets(office: Office, slack: SlackServer) -> Iterator[Sockets]:
    """With all connections open."""
    wait_until(lambda: len(slack.deliveries.sockets.connections) == CONNECTIONS)
    yield slack.deliveries.sockets
    slack.deliveries.copies = 1


def hanna(slack: SlackServer) -> Person:
    return slack.person("U1")


def test_the_connections_that_slack_ends_cost_no_click(office: Office, slack: SlackServer, sockets: Sockets) -> None:
    _, card = office.blocked()
    for opened in range(sockets.opened, sockets.opened + 6):
        sockets.disconnect("refresh_requested", number=1)
        while sockets.opened == opened or len(sockets.connections) < CONNECTIONS:
            hanna(slack).click(card, "retrigger.path").acknowledged()


def test_after_a_warning_the_next_connection_is_there_before_the_old_one_goes(
    office: Office, slack: SlackServer, sockets: Sockets
) -> None:
    _, card = office.blocked()
    old = list(sockets.connections)
    sockets.disconnect("warning")
    wait_until(lambda: len(sockets.connections) == 2 * CONNECTIONS, "the next connections beside the old")
    for connection in old:
        connection.close()
    wait_until(lambda: not set(old) & set(sockets.connections), "the end of the old connections")
    hanna(slack).click(card, "retrigger.path").acknowledged()


def test_a_connection_that_slack_warned_of_and_never_closed_is_given_up(
    office: Office, slack: SlackServer, sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.socket_mode.LINGER", 0.1)
    old = list(sockets.connections)
    sockets.disconnect("warning")
    wait_until(lambda: not set(old) & set(sockets.connections), "the end of the old ones")
    wait_until(lambda: len(sockets.connections) == CONNECTIONS, "the next connections")


def test_both_lines_dead_at_once_come_back_and_nothing_needs_to_be_caught_up_with(
    office: Office, slack: SlackServer, sockets: Sockets
) -> None:
    number, card = office.blocked()
    sockets.cut()
    wait_until(lambda: not sockets.connections)
    lost = hanna(slack).click(card, "retrigger.flow").wait()
    assert lost.error == "no connection"
    wait_until(lambda: len(sockets.connections) == CONNECTIONS)
    slack.deliveries.redeliver(lost).acknowledged()  # Slack says that it is a retry; what was lost was never here
    office.hanna.modal("remaining flow")
    assert office.room.document(number).status.value == "blocked"


def test_whatever_comes_twice_is_one_act_and_one_answer(office: Office, slack: SlackServer, sockets: Sockets) -> None:
    slack.deliveries.copies = 2  # in turn, so one over each connection
    number, card = office.blocked()
    opened = slack.faults.count("views.open")
    hanna(slack).click(card, "retrigger.flow").wait()
    office.hanna.modal("remaining flow")
    office.outside.error = None
    hanna(slack).submit().wait()
    office.room.wait(number, "completed")
    hanna(slack).command(CHANNEL, "whoami").wait()
    office.settled()
    wait_until(lambda: len(lines_told(office)) == 4, "what runs now, the step's outcome, the flow's, and who she is")
    assert_all_acknowledged(slack)
    assert slack.faults.count("views.open") == opened + 1
    assert office.outside.calls == ["create_account", "create_account", "badge"]
    assert [line.split(" ")[0] for line in office.lines(card)].count("*Hanna") == 1
    told = lines_told(office)
    assert len(told) == len(set(told)) == 4 and "What you may do" in told


def test_an_event_that_comes_again_is_not_heeded(
    office: Office, slack: SlackServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    first = hanna(slack).open_home().wait()
    hanna(slack).home("Requests")
    slack.deliveries.redeliver(first).acknowledged()
    wait_until(lambda: "It came again, and is not heeded." in caplog.text)


def lines_told(office: Office) -> list[str]:
    """What Hanna was told privately in the channel."""
    return [line for text in office.told("U1") for line in text.splitlines()]


def test_a_submit_that_comes_again_is_answered_as_the_first_was(
    office: Office, slack: SlackServer, sockets: Sockets
) -> None:
    number, card = office.blocked()
    hanna(slack).click(card, "retrigger.input").wait()
    office.hanna.modal("Request body")
    wrong = typed(request_body="{")
    first = hanna(slack).submit(wrong).wait()
    assert first.answer["response_action"] == "errors"
    assert slack.deliveries.redeliver(first).wait().answer == first.answer
    right = typed(request_body='{"id": "a"}')
    second = hanna(slack).submit(right).wait()
    assert second.answer == slack.deliveries.redeliver(second).wait().answer
    assert "errors" not in second.answer
    office.room.wait(number, "completed")
    assert len(office.room.step(number, "create_account").attempts) == 2


def test_two_bots_that_both_hear_a_submit_do_it_once(office: Office, slack: SlackServer, sockets: Sockets) -> None:
    number, card = office.blocked()
    hanna(slack).click(card, "retrigger.step").wait()
    office.hanna.modal("re-execute")
    other = office.new_door()
    other.start()
    try:
        wait_until(lambda: len(sockets.connections) == 2 * CONNECTIONS)
        slack.deliveries.copies = 2 * CONNECTIONS  # one over each
        hanna(slack).submit().wait()
        office.room.wait(number, lambda d: [len(s.attempts) for s in d.steps if s.node == "create_account"] == [2])
        assert_all_acknowledged(slack)
        office.settled()
        assert office.outside.calls == ["create_account"] * 2
        assert [line.split(" ")[0] for line in office.lines(card)].count("*Hanna") == 1
    finally:
        other.stop()


def assert_all_acknowledged(slack: SlackServer) -> None:
    for delivery in slack.deliveries.sent[-4:]:
        delivery.acknowledged()
