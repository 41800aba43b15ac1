"""Whatever a request brings, Slack takes what is built of it, and nothing in it speaks to everybody."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError

from bot.blocks import card, fit, home, lists, modals, outcome, parts, path, thread
from bot.targets import PathWindow, Place, Report
from bot.text import Dates, escape
from engine import events
from engine.commands.reports import BlockedPage
from engine.rules.allowed import Action
from engine.states import RequestStatus
from engine.stored import Cursor
from tests.support.slack_checks import check_message, check_view, texts
from tests.unit.bot import samples

DATES = [Dates(), Dates(plain=True)]
PLACE = Place("C1", "1700000000.000001")


@pytest.mark.parametrize("dates", DATES)
@pytest.mark.parametrize("text", samples.TEXTS)
def test_messages_and_windows_of_the_worst_request(text: str, dates: Dates) -> None:
    document = samples.worst(text)
    check_message(*card.card(document, dates, "rt-1"))
    check_message(*path.path_message(document, dates))
    for page in (None, 0, 10**6):
        check_view(path.path_view(document, dates, PathWindow(10**15, PLACE, page)))
    cursor = Cursor(1.7e9, 10**15, True)
    blocked = BlockedPage((document,) * home.PAGE, cursor, cursor)
    app = "x" * 60
    counts = dict.fromkeys(RequestStatus, 10**9)
    check_message(*lists.blocked_list(blocked, Report(app, 0, cursor), 10**9, dates, samples.AT))
    apps = [f"{number} {app}"[:60] for number in range(300)]
    for report in (Report(), Report(app, 86400, cursor), Report(apps[-1]), Report(apps[0])):
        check_view(home.home_view(home.Seen(report, apps, counts, blocked, samples.AT), dates))
    check_view(home.closed_view(fit.message("No.", [parts.section(escape(text))])))


@pytest.mark.parametrize("text", samples.TEXTS)
@pytest.mark.parametrize("kind", sorted({*events.THREAD, events.SUBMITTED, events.REFUSED, "unknown_kind"}))
def test_lines_and_outcomes_of_every_event(kind: str, text: str) -> None:
    nothing = samples.event(kind, None)
    full = samples.event(
        kind,
        text or None,
        attempt=10**6,
        by=text,
        reason=text,
        door="cli",
        data={
            "error": text,
            "before": text,
            "call": text,
            "outcome": text,
            "to": text,
            "recovery": text,
            "new_key": True,
        },
    )
    document = samples.worst(text, steps=3)
    for event in (nothing, full):
        line = thread.line(event, 42, Dates())
        check_message(*fit.message(line, [parts.section(line, block_id="rt-1")]))
        check_message(*outcome.outcome([event], document))


@pytest.mark.parametrize("action", list(Action))
def test_the_small_windows(action: Action) -> None:
    for view in (modals.loading_modal(action), modals.working_modal(action), modals.notice_modal("Old", samples.LONG)):
        check_view(view)


def test_private_answers() -> None:
    check_message(*lists.help_message())
    check_message(*lists.blocked_list(BlockedPage((), None, None), Report(), 0, Dates(), samples.AT))


def test_what_does_not_fit_is_said() -> None:
    message = fit.message("many", [parts.section(f"part {n}") for n in range(60)])
    assert len(message.blocks) == 50
    assert message.blocks[-1]["elements"][0]["text"].startswith("… 11 more parts")


LONG = "x" * 4000


@pytest.mark.parametrize(
    ("block", "limit"),
    [
        (parts.section(LONG), 3000),
        ({"type": "section", "fields": [parts.marked(LONG)]}, 2000),
        (parts.context(LONG), 2000),
        (parts.header(LONG), 150),
        (parts.actions([parts.button(LONG, "a", "v")], block_id="b"), 75),
        (parts.actions([parts.menu("a", {"v": LONG}, "v", label="l")], block_id="b"), 75),
        (parts.text_input("f", LONG), 2000),
        (parts.text_input("f", "F", hint=LONG), 2000),
        (parts.text_input("f", "F", placeholder=LONG), 150),
    ],
)
def test_every_text_is_cut_to_what_slack_takes(block: dict[str, Any], limit: int) -> None:
    shown = max(texts(fit.message("m", [block]).blocks), key=len)
    assert len(shown) == limit
    assert shown.endswith("… (cut)")


def test_what_looks_like_an_emoji_a_name_or_a_link_in_data_stays_as_it_was_written() -> None:
    assert parts.header(":tada:")["text"]["emoji"] is False
    assert parts.section("#general @hanna www.example.com")["text"]["verbatim"] is True


def test_what_stands_around_a_window_is_cut_to_24_characters() -> None:
    view = fit.modal(LONG, [], submit=LONG, close=LONG)
    assert {len(view[name]["text"]) for name in ("title", "submit", "close")} == {24}


def test_what_a_view_carries_for_us_is_never_cut() -> None:
    for build in (lambda text: fit.modal("t", [], metadata=text), lambda text: fit.home([], metadata=text)):
        assert build("x" * 3000)["private_metadata"] == "x" * 3000
        with pytest.raises(ValueError, match="private_metadata has 3001 characters, Slack takes 3000"):
            build("x" * 3001)


def test_a_view_of_signs_with_four_bytes_each_stays_within_slacks_250_kb() -> None:
    paragraphs = [parts.section("😀" * 3000)] * 90
    for view in (fit.modal("many", paragraphs, submit="Submit"), fit.home(paragraphs)):
        check_view(view)
        assert "parts do not fit here" in str(view["blocks"][-1])


@pytest.mark.parametrize(
    "block",
    [
        parts.actions([parts.button("b", "a", "v" * 2001)], block_id="b"),
        parts.actions([parts.button("b", "a" * 256, "v")], block_id="b"),
        parts.text_input("f", "F", initial="x" * 3001),
        parts.section("s", block_id="b" * 256),
    ],
)
def test_what_carries_meaning_is_never_cut(block: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Slack takes"):
        fit.message("m", [block])


def test_the_checks_find_what_slack_refuses() -> None:
    """The checks above can fail."""
    long = {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}
    twice = [{"type": "divider", "block_id": "a"}] * 2
    bad: list[tuple[str, list[dict[str, Any]]]] = [
        ("", [parts.section("s")]),
        ("t", [parts.section(" ")]),
        ("t", [long]),
        ("t", twice),
        ("t", [{"type": "table", "rows": []}]),
        ("t", [parts.section("<!channel>")]),
    ]
    for text, blocks in bad:
        with pytest.raises((AssertionError, SlackObjectFormationError)):
            check_message(text, blocks)
