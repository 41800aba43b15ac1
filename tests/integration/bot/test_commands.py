"""/retrigger and App Home."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.states import RequestStatus
from tests.integration.bot.office import BOTH, CHANNEL, Office, Someone
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view

pytestmark = BOTH


def answer(ui: Someone, text: str) -> dict[str, Any]:
    """What the command is answered with, privately; what others are told in the channel meanwhile is none."""

    def private() -> list[dict[str, Any]]:
        return [message for message in ui.messages(CHANNEL) if message.get("ephemeral_to") == ui.user]

    before = len(private())
    ui.command(CHANNEL, text)
    wait_until(lambda: len(private()) > before, f"an answer to {text!r}")
    found = private()[-1]
    assert found["subtype"] == "ephemeral"
    return found


def test_the_list_of_what_is_blocked(office: Office) -> None:
    for item in office.room.engine.documents(HANNA, status=RequestStatus.BLOCKED):
        office.room.engine.withdraw(HANNA, item.number, reason="of another test")
    assert answer(office.hanna, "")["text"] == "Nothing is blocked in the applications that you may see."
    number, _ = office.blocked()
    text = json.dumps(answer(office.vera, "")["blocks"], ensure_ascii=False)
    assert f"*REQ-{number}* Onboard Ada · HR\\n" in text


def test_a_request_with_the_buttons_of_what_may_be_done(office: Office) -> None:
    number, _ = office.blocked()
    path = answer(office.hanna, f"req-{number}")
    office.hanna.click(path, "retrigger.flow")
    office.outside.error = None
    office.hanna.modal("remaining flow")
    office.hanna.submit()
    office.room.wait(number, "completed")
    assert f"REQ-{number}: Completed" in answer(office.hanna, f"REQ-{number}")["text"]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("", "re-execute the selected step"),
        (" flow", "execute the remaining flow"),
        (" input", "provide inputs on the blocked node"),
    ],
)
def test_the_window_of_a_step(office: Office, command: str, text: str) -> None:
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"REQ-{number} create_account{command}")
    check_view(office.hanna.modal(text))


def test_wrong_commands_get_the_right_spelling(office: Office) -> None:
    number, _ = office.blocked()
    assert "Did you mean `/retrigger help`?" in answer(office.hanna, "hepl")["text"]
    wrong = answer(office.hanna, f"REQ-{number} create_acount flow")["text"]
    assert (
        wrong == f"REQ-{number} has no step create_acount. Did you mean `/retrigger REQ-{number} create_account flow`?"
    )
    assert answer(office.hanna, "REQ-999")["text"] == "There is no request REQ-999."
    refused = answer(office.hanna, f"REQ-{number} continue")
    assert "nothing was done" in refused["text"]
    assert "/retrigger REQ-42" in json.dumps(answer(office.hanna, "help")["blocks"])


def test_whoami(office: Office) -> None:
    text = json.dumps(answer(office.omar, "whoami")["blocks"])
    assert "*Take action* for *HR*, by your Slack id `U2`, granted by *Hanna Lead*" in text


def test_app_home_counts_and_lists(office: Office) -> None:
    number, _ = office.blocked()
    blocked = len(office.room.engine.documents(HANNA, status=RequestStatus.BLOCKED))
    office.vera.open_home()
    view = office.vera.home()
    check_view({key: view[key] for key in ("type", "blocks")})
    text = json.dumps(view, ensure_ascii=False)
    assert f"🔴 Blocked *{blocked}*" in text
    assert f"*REQ-{number}* Onboard Ada" in text
