"""Who may not act, who comes too late, and two who act at the same moment, each in a browser of their own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from retrigger.demo import people
from tests.e2e.conftest import Visit
from tests.support.demo import Demo
from tests.support.poll import wait_until
from tests.support.slack_page import SlackPage

pytestmark = pytest.mark.browser


def test_who_may_not_act_is_told_what_is_missing_and_whom_to_ask(demo: Demo, visit: Visit) -> None:
    request = demo.stuck()
    before, heard = demo.calls(request), demo.told(people.VERA)
    vera = visit(people.VERA)
    vera.press(request, "Re-trigger step and flow")
    sentence = "You need the permission Take action for HR. Ask "
    expect(vera.private(sentence).last).to_be_visible()
    told_since(demo, heard, [sentence], "the answer to the click")
    vera.command(f"{request} desk input")
    told_since(demo, heard, [sentence] * 2, "the answer to the command")
    expect(vera.modal).to_have_count(0)
    document = demo.document(request)
    assert document["status"] == "blocked"
    assert [(event["kind"], event["by"]) for event in document["events"]][-2:] == [("refused", "Vera Viewer")] * 2
    assert demo.calls(request) == before
    assert len(demo.thread(request)) == 1


def told_since(demo: Demo, heard: list[str], begins: list[str], what: str) -> None:
    """Wait until Vera was told what ``begins`` so; behind it stands whom to ask, by name once it is known."""

    def told() -> bool:
        new = demo.told(people.VERA)[len(heard) :]
        return [text[: len(begin)] for text, begin in zip(new, begins, strict=False)] == begins

    wait_until(told, what)


def test_a_stale_button_only_says_what_has_happened_since(demo: Demo, visit: Visit, hanna: SlackPage) -> None:
    request = demo.stuck()
    omar, heard = visit(people.OMAR), len(demo.told(people.OMAR))
    expect(omar.card(request)).to_contain_text("Blocked")
    with omar.frozen():
        hanna.press(request, "Re-trigger step and flow")
        hanna.opened("Re-trigger step and flow")
        hanna.submitted()
        expect(hanna.card(request)).to_contain_text("Completed")
        wait_until(lambda: demo.thread(request)[-1].startswith(f"{request} is Completed"), "the last line")
        calls, lines = demo.calls(request), demo.thread(request)
    expect(omar.card(request)).to_contain_text("Blocked")
    omar.press(request, "Re-trigger step and flow")
    said = omar.private("nothing was done")
    expect(said).to_contain_text(f"{request} is Completed")
    expect(said).to_contain_text(re.compile(r"Hanna Lead re-triggered step and flow at desk · ..:.. UTC"))
    expect(omar.modal).to_have_count(0)
    assert (demo.calls(request), demo.thread(request)) == (calls, lines)
    assert len(demo.told(people.OMAR)) == heard + 1


def test_of_two_who_submit_at_the_same_moment_one_acts_and_the_other_is_told(
    demo: Demo, visit: Visit, hanna: SlackPage
) -> None:
    request = demo.stuck()
    omar = visit(people.OMAR)
    hanna.press(request, "Re-trigger step and flow")
    hanna.opened("Re-trigger step and flow")
    omar.opened("Re-trigger step and flow")
    seen = demo.submits_seen()
    with demo.held_up():  # so that both are under way before either is decided
        hanna.submit()
        omar.submit()
        wait_until(lambda: demo.submits_seen() == seen + 2, "both submits at the bot")
    expect(hanna.card(request)).to_contain_text("Completed")
    wait_until(lambda: demo.thread(request)[-1].startswith(f"{request} is Completed"), "the last line")

    (act,) = [line for line in demo.thread(request) if "re-triggered" in line]
    winner, loser = (people.HANNA, people.OMAR) if act.startswith("Hanna") else (people.OMAR, people.HANNA)
    assert act.startswith(f"{winner.real_name} re-triggered step and flow at desk")
    assert [call["effect"] is not None for call in demo.calls(request) if call["system"] == "facilities"] == [
        *[False] * 3,
        True,
    ]
    (told,) = wait_until(lambda: [text for text in demo.told(loser) if "Nothing was done" in text], "word to the other")
    assert re.search(rf"{winner.real_name} re-triggered step and flow", told)
    assert not [text for text in demo.told(winner) if "Nothing was done" in text]


def test_who_is_granted_take_action_may_act_until_it_is_revoked(demo: Demo, visit: Visit, hanna: SlackPage) -> None:
    request = demo.fails("chair", "Finn", "it")
    vera = visit(people.VERA)
    vera.command("grant @vera take_action HR")
    expect(vera.private("You need the permission Admin for HR.").last).to_be_visible()
    hanna.command("grant @vera take_action HR")
    expect(hanna.private("✅ Take action for HR is granted to @Vera Viewer.")).to_be_visible()
    hanna.command("grants")
    listed = hanna.private("Who may do what").last
    expect(listed).to_contain_text("@Vera Viewer: Take action for HR, granted by Hanna Lead")
    vera.press(request, "Re-trigger step and flow")
    vera.opened("Re-trigger step and flow")
    vera.dismiss()

    hanna.command("revoke @vera take_action HR")
    expect(hanna.private("Take action for HR is revoked from @Vera Viewer.")).to_be_visible()
    vera.press(request, "Re-trigger step and flow")
    expect(vera.private("You need the permission Take action for HR.").last).to_be_visible()
    expect(vera.modal).to_have_count(0)
    assert demo.document(request)["status"] == "blocked"
