"""/retrigger, typed into the channel by a person."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from retrigger.demo import people
from tests.e2e.conftest import Visit
from tests.support.demo import Demo
from tests.support.slack_page import SlackPage

pytestmark = pytest.mark.browser


def test_list_path_and_an_act_from_the_command(demo: Demo, hanna: SlackPage) -> None:
    request = demo.stuck()
    hanna.command("")
    listed = hanna.private("longest first").last
    expect(listed).to_contain_text(f"{request} Onboard")
    expect(listed).to_contain_text("desk: facilities answered 503")
    hanna.command(request)
    path = hanna.private(f"{request} · Onboard").last
    expect(path).to_contain_text("create_account · Completed")
    expect(path).to_contain_text("desk · Blocked · 3 attempts")
    expect(path).to_contain_text("2. retry: failed · call unknown")
    path.get_by_role("button", name="Provide input").click()
    hanna.opened("Provide input")
    hanna.dismiss()
    hanna.command(f"{request} desk flow")
    hanna.opened("Re-trigger step and flow")
    hanna.submitted()
    expect(hanna.card(request)).to_contain_text("Completed")

    hanna.press(request, "Progress Path")
    expect(hanna.modal).to_contain_text(f"{request} · Onboard")
    expect(hanna.modal).to_contain_text("desk · Completed · 4 attempts")
    expect(hanna.modal).to_contain_text("Re-triggered by @Hanna Lead, ")
    expect(hanna.modal.get_by_role("button")).to_have_text(["✕", "Picture", "Close"])


def test_who_am_i_help_and_what_was_misspelt(visit: Visit) -> None:
    vera = visit(people.VERA)
    vera.command("whoami")
    granted = "View reports for HR, by your e-mail address vera@example.com"
    expect(vera.private("You are Vera Viewer")).to_contain_text(granted)
    vera.command("help")
    expect(vera.private("/retrigger REQ-42 STEP flow")).to_contain_text("/retrigger whoami")
    vera.command("whoamy")
    expect(vera.private("There is no command whoamy. Did you mean /retrigger whoami?")).to_be_visible()
    vera.command("REQ-1 withdraw")
    expect(vera.private("You need the permission Take action for HR. Ask ")).to_be_visible()


def test_grants_are_told_with_their_source(hanna: SlackPage) -> None:
    hanna.command("whoami")
    expect(hanna.private("You are Hanna Lead")).to_contain_text(
        "Admin for HR, by your e-mail address hanna@example.com, from the settings file"
    )
    hanna.command("REQ-1 dask")
    expect(hanna.private("REQ-1 has no step dask. Did you mean /retrigger REQ-1 desk?")).to_be_visible()
    hanna.command("REQ-9999")
    expect(hanna.private("There is no request REQ-9999")).to_be_visible()
