"""The list of blocked requests and App Home: paged, filtered, and acted from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.blocks import home, lists
from bot.targets import Target
from engine.rules.permissions import Grant, Permission
from engine.states import RequestStatus
from tests.integration.bot.office import CHANNEL, Office
from tests.support.engine import HANNA
from tests.support.poll import wait_until
from tests.support.slack_checks import check_view
from tests.support.slack_form import typed
from tests.support.slack_server import Person, SlackServer, refuse

LAB = 3


@pytest.fixture(scope="module")
def module_office(our_office: Office) -> Office:
    our_office.room.engine.grant(HANNA, Grant("U1", Permission.ADMIN))
    return our_office


@pytest.fixture(scope="module")
def made() -> list[int]:
    """The requests that ``full`` made last; most tests leave them as they are."""
    return []


@pytest.fixture
def full(office: Office, made: list[int]) -> list[int]:
    """More blocked requests than two pages hold, some of them of another application; the numbers, oldest first."""
    blocked = [it.number for it in office.room.engine.documents(HANNA, status=RequestStatus.BLOCKED, limit=200)]
    whole = set(made) <= set(blocked) and made != []
    for number in set(blocked) - set(made if whole else ()):
        office.room.engine.withdraw(HANNA, number, reason="of another test")
    if not whole:
        made.clear()
        for place in range(2 * home.PAGE + 3):
            made.append(office.room.submit("quiet" if place < LAB else "onboarding", {"name": f"Ada {place}"}))
            office.room.wait(made[-1], "blocked")  # before the next one is
    return list(made)


def shown(where: dict[str, Any]) -> list[int]:
    """The requests that a list or App Home shows, in order."""
    return [int(number) for number in re.findall(r"\*REQ-(\d+)\*", json.dumps(where["blocks"]))]


def hanna(office: Office) -> Person:
    assert isinstance(office.hanna, Person)
    return office.hanna


def answer(office: Office, text: str) -> dict[str, Any]:
    before = len(private(office))
    office.hanna.command(CHANNEL, text)
    wait_until(lambda: len(private(office)) > before, f"an answer to {text!r}")
    return private(office)[-1]


def page_of(office: Office, wanted: list[int]) -> dict[str, Any]:
    """A private list of exactly those, once there is one."""
    found: dict[str, Any] = wait_until(
        lambda: next((message for message in private(office) if shown(message) == wanted), {}),
        f"the page of {wanted[0]}",
    )
    return found


def private(office: Office) -> list[dict[str, Any]]:
    return [message for message in office.hanna.messages(CHANNEL) if message.get("subtype") == "ephemeral"]


def test_the_list_is_turned_in_its_place_as_often_as_one_likes(office: Office, full: list[int]) -> None:
    first = answer(office, "")
    assert shown(first) == full[: lists.PAGE]
    count = len(private(office))
    page, here = first, full[: lists.PAGE]
    turns = [("newer", full[15:30]), ("newer", full[30:]), ("older", full[15:30]), ("older", full[:15])] * 2
    for which, wanted in turns:
        assert shown(page) == here
        office.hanna.click(page, f"retrigger.list.{which}")
        page = page_of(office, wanted)
        here = wanted
    assert len(private(office)) == count


def test_the_list_of_one_application(office: Office, full: list[int]) -> None:
    for command in ("Lab", "lab", "list app LAB", "`list lab`"):
        assert shown(answer(office, command)) == full[:LAB]
    assert "There is no command labb. Did you mean `/retrigger Lab`?" in answer(office, "labb")["text"]


def test_app_home_is_paged_and_filtered_and_remembers_it(office: Office, full: list[int]) -> None:
    person = hanna(office)
    person.open_home()
    view = person.home("33 blocked requests")
    check_view({key: view[key] for key in ("type", "blocks", "private_metadata")})
    assert shown(view) == full[: home.PAGE]
    for which, wanted in (("newer", full[15:30]), ("newer", full[30:]), ("older", full[15:30])):
        person.click(view, f"retrigger.home.page.{which}")
        view = person.home(f"*REQ-{wanted[0]}*")
        assert shown(view) == wanted
    person.click(view, "retrigger.home.app", selected_option={"value": "Lab"})
    view = person.home(f"*{LAB} blocked requests* in *Lab*")
    assert shown(view) == full[:LAB]
    person.click(view, "retrigger.home.age", selected_option={"value": "3600"})
    view = person.home("Nothing is blocked in *Lab* for over 1 h.")
    person.click(view, "retrigger.home.refresh")
    before = view["hash"]
    person.wait(lambda: person.home()["hash"] != before, "a new App Home")
    person.click(view, "retrigger.home.age", selected_option={"value": "0"})
    view = person.home(f"*{LAB} blocked requests* in *Lab*")
    assert "*Lab*, longest first" in json.dumps(view)
    person.open_home()
    person.wait(lambda: person.home()["hash"] != view["hash"], "App Home, opened again")
    assert "*Lab*, longest first" in json.dumps(person.home())
    person.click(person.home(), "retrigger.home.app", selected_option={"value": home.ALL_APPS})
    person.home("33 blocked requests")


def test_an_act_from_app_home_is_seen_there(office: Office, full: list[int]) -> None:
    person = hanna(office)
    person.open_home()
    view = person.home("33 blocked requests")
    person.click(view, "retrigger.path")
    path = person.modal(f"REQ-{full[0]} · Onboard")
    check_view({key: path[key] for key in ("type", "title", "close", "blocks", "private_metadata")})
    person.click(path, "retrigger.withdraw")
    person.modal("The request ends here")
    person.submit(typed(reason="of no use"))
    person.no_modal()
    view = person.home("32 blocked requests")
    assert shown(view) == full[1 : home.PAGE + 1]


def test_the_outcome_of_an_act_from_app_home_is_a_direct_message(
    office: Office, full: list[int], made: list[int]
) -> None:
    person = hanna(office)
    number = full[LAB]  # its application has a channel
    person.open_home()
    view = person.home(f"*REQ-{number}* ")
    person.click(view, "retrigger.path", value=Target(number).pack())
    person.click(person.modal(f"REQ-{number} · Onboard"), "retrigger.flow")
    person.modal("remaining flow")
    person.submit(typed(reason="once more"))
    person.no_modal()
    direct = office.direct("U1")
    outcome = f"REQ-{number}: 🔴 `create_account` is blocked again (attempt 2): same error. The request is *Blocked*."
    person.wait(lambda: outcome in [m["text"] for m in person.messages(direct)], "the outcome")
    made.clear()  # it is blocked anew, so it is not the oldest any more


def test_what_is_refused_in_a_window_is_told_in_a_window(office: Office, full: list[int]) -> None:
    person = hanna(office)
    person.open_home()
    person.click(person.home(f"*REQ-{full[0]}*"), "retrigger.path")
    path = person.modal(f"REQ-{full[0]} · Onboard")
    office.room.engine.withdraw(HANNA, full[0], reason="Omar was first")
    person.click(path, "retrigger.flow")
    person.modal("Withdrawn")
    person.modal("Nothing was done")
    person.dismiss()


def test_who_may_see_nothing_is_told_whom_to_ask(office: Office, slack: SlackServer, tmp_path: Path) -> None:
    slack.workspace.users["U9"] = {**slack.workspace.users["U3"], "id": "U9", "profile": {"email": "nn@example.com"}}
    slack.workspace.stacks["U9"] = []
    stranger = slack.person("U9")
    stranger.open_home()
    assert "Ask <@U1> or " in json.dumps(stranger.home("You need the permission *View reports* for *any application*."))


@pytest.mark.parametrize("action", ["flow", "INPUT"])
def test_an_act_without_a_step_takes_the_only_one(office: Office, action: str) -> None:
    number, _ = office.blocked()
    office.hanna.command(CHANNEL, f"`req {number}` {action}")
    office.hanna.modal("`create_account`")
    office.hanna.dismiss()


def test_the_picture_comes_to_ones_direct_messages(office: Office, slack: SlackServer) -> None:
    number, _ = office.blocked()
    person = hanna(office)
    person.click(answer(office, f"REQ-{number}"), "retrigger.picture")
    wait_until(lambda: "The picture is in your direct messages" in private(office)[-1]["text"], "word of the picture")
    (kept,) = [file for file in slack.workspace.files.values() if file["name"] == f"REQ-{number}.png"]
    assert kept["content"].startswith(b"\x89PNG")
    posts = [m for m in slack.workspace.messages.values() if any(f["id"] == kept["id"] for f in m.get("files", []))]
    assert [slack.workspace.channels[post["channel"]]["name"] for post in posts] == [""]
    assert posts[0]["text"] == f"Progress Path of REQ-{number}"


def test_a_picture_that_slack_does_not_take_is_told_with_another_way(office: Office, slack: SlackServer) -> None:
    number, card = office.blocked()
    person = hanna(office)
    person.click(card, "retrigger.path")
    slack.faults.add("files.completeUploadExternal", refuse("missing_scope"))
    person.click(person.modal(f"REQ-{number} · Onboard"), "retrigger.picture")
    assert f"retrigger show REQ-{number} --picture FILE" in json.dumps(person.modal("could not be sent"))
    person.dismiss()
