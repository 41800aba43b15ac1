"""The list of blocked requests, App Home, and Progress Paths that are longer than a window."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.blocks import fit, home, lists, parts, path
from bot.targets import PathWindow, Place, Report, unpack_report, unpack_window
from bot.text import Dates, lasted
from engine import texts
from engine.commands.documents import RequestDocument
from engine.commands.reports import BlockedPage
from engine.rules.allowed import Action
from engine.states import RequestStatus, StepStatus
from engine.stored import Cursor
from tests.support.slack_checks import check_message, check_view
from tests.support.slack_checks import texts as texts_of
from tests.unit.bot.samples import AT, attempt, request, step

DATES = Dates(plain=True)
NOW = AT + timedelta(hours=3)
OLDER, NEWER = Cursor(1.5, 7, True), Cursor(2.5, 9)


def said(blocks: Any) -> str:
    return "\n".join(texts_of(blocks))


def labels(blocks: list[dict[str, Any]]) -> list[str]:
    elements = [element for block in blocks for element in block.get("elements", []) if element["type"] == "button"]
    return [element["text"]["text"] for element in elements]


def counts(**numbers: int) -> dict[RequestStatus, int]:
    return {**dict.fromkeys(RequestStatus, 0), **{RequestStatus(name): number for name, number in numbers.items()}}


def seen(report: Report | None = None, page: BlockedPage | None = None, **numbers: int) -> home.Seen:
    blocked = page or BlockedPage((request(step()),), None, None)
    return home.Seen(report or Report(), ["Finance", "HR"], counts(**numbers), blocked, NOW)


def test_how_long_something_is_so() -> None:
    words = [lasted(seconds) for seconds in (-1, 59, 60, 3599, 3600, 86399, 86400, 10 * 86400)]
    assert words == ["less than a minute"] * 2 + ["1 min", "59 min", "1 h", "23 h", "1 day", "10 days"]


def test_of_several_steps_that_block_a_request_each_is_named() -> None:
    two = BlockedPage((request(step(), step("desk")),), None, None)
    assert " · HR · at `create_account`, `desk`\n" in said(lists.blocked_list(two, Report(), 1, DATES, NOW).blocks)
    one = BlockedPage((request(step()),), None, None)
    assert " · HR\n" in said(lists.blocked_list(one, Report(), 1, DATES, NOW).blocks)


def test_the_list_says_how_many_there_are_and_how_long_each_is_blocked() -> None:
    message = lists.blocked_list(BlockedPage((request(step()),), None, NEWER), Report("HR"), 41, DATES, NOW)
    check_message(*message)
    assert "*41 blocked requests* in *HR*, longest first" in said(message.blocks)
    assert "blocked for *3 h*, since 06 May 2024, 10:42 UTC" in said(message.blocks)
    assert labels(message.blocks) == ["Newer →"]
    turned = message.blocks[-1]["elements"][0]["value"]
    assert unpack_report(turned) == Report("HR", 0, NEWER)


def test_a_list_of_nothing() -> None:
    nothing = BlockedPage((), None, None)
    for report, told in (
        (Report(), "Nothing is blocked in the applications that you may see."),
        (Report("HR"), "Nothing is blocked in *HR*."),
    ):
        message = lists.blocked_list(nothing, report, 0, DATES, NOW)
        assert (message.text, said(message.blocks)) == (told.replace("*", ""), f"🟢 {told}")


def test_app_home_keeps_what_is_looked_at_in_the_view() -> None:
    report = Report("HR", 86400, NEWER)
    view = home.home_view(seen(report, BlockedPage((request(step()),), OLDER, NEWER), blocked=3), DATES)
    check_view(view)
    assert unpack_report(view["private_metadata"]) == report
    assert "*Blocked for over 1 day* in *HR*, longest first" in said(view["blocks"])
    assert labels(view["blocks"]) == ["Refresh", "← Older", "Newer →"]
    app, age, _ = view["blocks"][2]["elements"]
    assert app["initial_option"]["value"] == "HR"
    assert age["initial_option"]["value"] == "86400"
    assert [option["text"]["text"] for option in app["options"]] == ["All applications", "Finance", "HR"]


def test_app_home_of_everything_and_of_nothing() -> None:
    full = home.home_view(seen(blocked=3, completed=2), DATES)
    assert "🔴 Blocked *3*" in said(full["blocks"])
    assert "*3 blocked requests*, longest first" in said(full["blocks"])
    assert "As of 06 May 2024, 13:42 UTC." in said(full["blocks"])
    nothing = BlockedPage((), None, None)
    told = {
        "🟢 Nothing is blocked.": seen(page=nothing),
        "🟢 Nothing is blocked in *HR* for over 1 day.": seen(Report("HR", 86400), nothing, blocked=2),
        "What was blocked a moment ago is not any more.": seen(page=nothing, blocked=1),
    }
    for sentence, one in told.items():
        view = home.home_view(one, DATES)
        check_view(view)
        assert sentence in said(view["blocks"])


def test_app_home_of_somebody_who_may_see_nothing() -> None:
    refused = fit.message("No.", [parts.section("You need a permission. Ask <@U1>.")])
    view = home.closed_view(refused)
    check_view(view)
    assert "Ask <@U1>." in said(view["blocks"])


def long_path(steps: int = 300, blocked: int = 170) -> RequestDocument:
    quiet = {"actions": (), "error": None, "attempts": (attempt(outcome=None),)}
    return request(
        *(
            step(f"step_{n}")
            if n == blocked
            else step(f"step_{n}", status=StepStatus.COMPLETED if n < blocked else StepStatus.PENDING, **quiet)
            for n in range(steps)
        )
    )


def test_a_long_path_opens_where_it_stands_and_every_step_can_be_seen() -> None:
    document = long_path()
    window = PathWindow(42, Place("C1", "1.1"))
    view: Any = path.path_view(document, DATES, window)
    check_view(view)
    assert "🔴 `step_170`" in said(view["blocks"])
    assert "of 300 are shown here.*  All of them: ✅ 170 completed · 🔴 1 blocked · ⬜ 129 pending" in said(
        view["blocks"]
    )
    found = set()
    pages = 0
    while True:
        view = path.path_view(document, DATES, window._replace(page=pages))
        assert unpack_window(view["private_metadata"]) == window._replace(page=pages)
        found |= {n for n in range(300) if f"`step_{n}` ·" in said(view["blocks"])}
        later = [
            e for b in view["blocks"] for e in b.get("elements", []) if e.get("action_id") == "retrigger.steps.newer"
        ]
        if not later:
            break
        pages = json.loads(later[0]["value"])[1]
    assert found == set(range(300))


def test_a_short_path_has_no_pages_and_the_window_has_what_may_be_done() -> None:
    view: Any = path.path_view(request(step()), DATES, PathWindow(42, Place()))
    assert "are shown here" not in said(view["blocks"])
    assert labels(view["blocks"])[:4] == [texts.RETRIGGER, texts.RETRIGGER_FLOW, texts.PROVIDE_INPUT, texts.WITHDRAW]


def test_a_private_path_says_what_it_leaves_out_and_opens_it() -> None:
    message = path.path_message(long_path(), DATES)
    check_message(*message)
    assert "of 300 are shown here" in said(message.blocks)
    assert "All steps" in labels(message.blocks)
    assert "All steps" not in labels(path.path_message(request(step(), actions=(Action.WITHDRAW,)), DATES).blocks)
